"""Tags of the first directory of a TIFF file, which is also the format of EXIF."""

import struct
from typing import NamedTuple

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
ORIENTATION, SAMPLES, PLANAR, EXTRA_SAMPLES, SAMPLE_FORMAT = 274, 277, 284, 338, 339

_INTEGERS = {1: "B", 3: "H", 4: "I"}
"""Types of values that are read, with their codes in `struct`."""

_MOST_VALUES = 64
"""Values of a tag at most; the tags read here have one per channel."""


class Tags(NamedTuple):
    """Tags of the first directory.

    Args:
        values: Values of each tag that consists of whole numbers, by number of the tag.
        more: Whether another directory follows, which means another image.
    """

    values: dict[int, tuple[int, ...]]
    more: bool


def read_tags(content: bytes) -> Tags:
    """Read the first directory of a TIFF file or an EXIF block.

    Raises:
        ValueError: If there is none, or it ends early.
    """
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(bytes(content[:4]))
    if order is None:
        raise ValueError("no TIFF tags")
    values = {}
    try:
        (start,) = struct.unpack_from(f"{order}I", content, 4)
        (count,) = struct.unpack_from(f"{order}H", content, start)
        for place in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, number = struct.unpack_from(f"{order}HHI", content, place)
            if kind in _INTEGERS and 0 < number <= _MOST_VALUES:
                values[tag] = _read_values(content, order, _INTEGERS[kind], number, place + 8)
        end = start + 2 + 12 * count
        (following,) = struct.unpack_from(f"{order}I", content, end) if end + 4 <= len(content) else (0,)
    except struct.error as error:
        raise ValueError("damaged header") from error
    return Tags(values, following > 0)


def _read_values(content: bytes, order: str, code: str, number: int, place: int) -> tuple[int, ...]:
    """Read the values of a tag; its last four bytes are the values or their position."""
    form = f"{order}{number}{code}"
    if struct.calcsize(form) > 4:
        (place,) = struct.unpack_from(f"{order}I", content, place)
    return struct.unpack_from(form, content, place)
