"""Modality and VOI lookup tables of a DICOM file."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pneumo_tf.data.formats.dicom.elements import element_value, plain_reason
from pneumo_tf.data.formats.dicom.image_description import BIG_ENDIAN, ImageDescription

if TYPE_CHECKING:
    from pydicom import Dataset


class LookupTable(NamedTuple):
    """A lookup table.

    Args:
        entries: Results, one for each value from `first` on.
        first: Value of the first entry. Smaller values use the first entry, values beyond the table the last.
        high: Largest value that fits into the bits of an entry.
    """

    entries: np.ndarray
    first: int
    high: int


def first_lookup(
    dataset: "Dataset", keyword: str, description: ImageDescription
) -> tuple[LookupTable | None, int]:
    """Return the first lookup table of a sequence, None if there is none, and the number of them.

    Raises:
        ValueError: If the table is damaged.
    """
    sequence = element_value(dataset, keyword)
    if not sequence:
        return None, 0
    with plain_reason(f"damaged {keyword}"):
        length, first, bits = (int(number) for number in sequence[0].LUTDescriptor)
        entries = _entries(sequence[0].LUTData, length or 2**16, description.syntax == BIG_ENDIAN)
        # A first value below zero is read as a large one where the file does not state its sign.
        signed = first - 2**16 if description.signed and first >= 2**15 else first
    if not 8 <= bits <= 16:
        raise ValueError(f"{keyword} of {bits} bits")
    return LookupTable(entries, signed, 2**bits - 1), len(sequence)


def apply_lookup(lookup: LookupTable, values: np.ndarray) -> np.ndarray:
    """Return the entry of each value."""
    place = np.rint(values).astype(np.int64) - lookup.first
    return lookup.entries[np.clip(place, 0, len(lookup.entries) - 1)]


def _entries(data: bytes | list[int], length: int, big_endian: bool) -> np.ndarray:
    if isinstance(data, bytes):
        # A word may contain two entries of 8 bits.
        kind = np.uint8 if len(data) in (length, length + 1) else np.dtype(">u2" if big_endian else "<u2")
        data = np.frombuffer(data, kind)
    entries = np.asarray(data, np.int64).ravel()[:length]
    if len(entries) < length:
        raise ValueError("fewer entries than stated")
    return entries
