"""Data elements of a DICOM file, read within limits and without warnings on the terminal."""

import io
import logging
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydicom import Dataset

PREAMBLE = 128
"""Bytes before the letters `DICM`, free for other file formats."""

PREFIX = b"DICM"
"""Letters that mark a DICOM file."""

META_GROUP = 0x0002
"""Group of the elements before the dataset; they are never deflated."""

MAX_INFLATED = 128 * 1024 * 1024
"""Bytes that a deflated file may inflate to: 64 million pixels of 16 bits."""


def is_dicom(content: bytes) -> bool:
    """Return whether a file has the letters of DICOM."""
    return content[PREAMBLE : PREAMBLE + len(PREFIX)] == PREFIX


def read_elements(content: bytes, *, pixels: bool) -> "Dataset":
    """Read the data elements of a DICOM file.

    Args:
        content: Bytes of the file.
        pixels: Whether to read the pixel data and the elements after them.

    Returns:
        The dataset, with its `file_meta`.

    Raises:
        ValueError: With the reason if the file is not a DICOM file, is damaged, or inflates beyond the limit.
    """
    import_pydicom()
    from pydicom import dcmread
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    if not is_dicom(content):
        raise ValueError("not a DICOM file")
    syntax, start = _read_syntax(content)
    if syntax == DeflatedExplicitVRLittleEndian:
        _check_inflated(content[start:])
    with plain_reason("damaged DICOM header"):
        return dcmread(io.BytesIO(content), stop_before_pixels=not pixels)


@cache
def import_pydicom() -> None:
    """Import pydicom and its codecs, only when they are needed, and turn off their messages."""
    import gdcm
    import pydicom  # noqa: F401

    # Their messages do not name the film; errors raised here get its name.
    warnings.filterwarnings("ignore", module=r"pydicom\b")
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    for switch in (gdcm.Trace.DebugOff, gdcm.Trace.WarningOff, gdcm.Trace.ErrorOff):
        switch()


@contextmanager
def plain_reason(reason: str) -> Iterator[None]:
    """Replace any error of pydicom and its codecs by one reason.

    Raises:
        ValueError: With the reason.
    """
    try:
        yield
    # A damaged file can raise any error: KeyError, struct.error, RecursionError and more.
    except Exception as error:
        raise ValueError(reason) from error


def element_value(dataset: "Dataset", keyword: str) -> Any:
    """Return the value of an element, None if it is absent or empty.

    Raises:
        ValueError: If the value cannot be read.
    """
    with plain_reason(f"unreadable {keyword}"):
        value = dataset.get(keyword)
    return None if value is None or value == "" else value


def element_text(dataset: "Dataset", keyword: str) -> str:
    """Return the text of an element, the first of several; `""` if it is absent, empty or unreadable."""
    try:
        value = element_value(dataset, keyword)
    except ValueError:
        return ""
    return "" if value is None else str(value).split("\\")[0].strip()


def element_integer(dataset: "Dataset", keyword: str, default: int | None = None) -> int:
    """Return a whole number, the default if it is absent.

    Raises:
        ValueError: If it is not a whole number, or if it is absent and there is no default.
    """
    value = element_value(dataset, keyword)
    if value is None:
        if default is None:
            raise ValueError(f"no {keyword}")
        return default
    if not isinstance(value, int):
        raise ValueError(f"{keyword} is not a whole number")
    return int(value)


def element_numbers(dataset: "Dataset", keyword: str) -> list[float]:
    """Return the finite numbers of an element, none if it is absent.

    Raises:
        ValueError: If one is not a finite number.
    """
    from pydicom.multival import MultiValue

    value = element_value(dataset, keyword)
    if value is None:
        return []
    with plain_reason(f"{keyword} is not a number"):
        numbers = [float(one) for one in (value if isinstance(value, MultiValue) else [value])]
    if not all(abs(number) < float("inf") for number in numbers):
        raise ValueError(f"{keyword} is not a finite number")
    return numbers


def _read_syntax(content: bytes) -> tuple[str | None, int]:
    """Read the UID of the transfer syntax, None if it is not stated, and the offset of the dataset."""
    from pydicom.filereader import read_dataset

    file = io.BytesIO(content)
    file.seek(PREAMBLE + len(PREFIX))
    with plain_reason("damaged DICOM header"):
        meta = read_dataset(
            file,
            is_implicit_VR=False,
            is_little_endian=True,
            stop_when=lambda tag, vr, length: tag.group != META_GROUP,
        )
        return meta.get("TransferSyntaxUID"), file.tell()


def _check_inflated(deflated: bytes) -> None:
    """Refuse deflated data that would take too much memory; the inflated data are not kept.

    Raises:
        ValueError: If they inflate to more than the limit, or are damaged.
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = 0
    while deflated and not inflater.eof:
        with plain_reason("deflated data are damaged"):
            inflated += len(inflater.decompress(deflated, 1024 * 1024))
        if inflated > MAX_INFLATED:
            raise ValueError(f"deflated data of more than {MAX_INFLATED // 1024**2} MiB")
        deflated = inflater.unconsumed_tail
    if not inflater.eof:
        raise ValueError("deflated data are cut off")
