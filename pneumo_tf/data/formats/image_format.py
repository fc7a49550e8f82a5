"""Image formats: signature, reading of the header, and decoding."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

MOST_PIXELS = 89_000_000
"""Pixels of the largest film that is decoded: 14 × 17 inches at 600 dots an inch are 86 million."""

MOST_DECODED = 180_000_000
"""Bytes that a decoder may use for the pixels of one film; with copies, a film takes less than 1 GB."""

Warn = Callable[[str], None]
"""Called with a short warning for each defect of a file that does not stop its decoder."""


class ImageHeader(NamedTuple):
    """Content of a header, without the film's pixels.

    Args:
        width: Pixels, as the image is displayed: an orientation tag is applied.
        height: Pixels, as the image is displayed.
        bits: Bits of gray. If the file has more than 8 bits and does not state its depth, 12 if its largest
            value fits into 12 bits, otherwise 16.
        depth_stated: Whether the file states its depth; if not, the depth is chosen for the whole set of
            films (`choose_bits`).
        notes: Notes for readers about the decoding, each a phrase that completes "3 films: …", such as
            `"colour, read as luminance"`. Equal phrases are counted together.
        fields: Text about the patient in the file: `patient`, `age` in years, `sex` and `view`, as far as
            they are stated.
    """

    width: int
    height: int
    bits: int = 8
    depth_stated: bool = True
    notes: tuple[str, ...] = ()
    fields: Mapping[str, str] = {}


@dataclass(frozen=True)
class ImageFormat:
    """A format that films are read from. To add one, write a module with an entry and list it in `FORMATS`.

    Args:
        name: Its key in `FORMATS`, as messages show it.
        extensions: Extensions of file names, in lower case, with the dot. They decide only whether a file is
            listed, not how it is decoded.
        recognise: Function from the bytes of a file to whether it has the signature of this format.
        read_header: Function from the bytes of a file to its header. Raises `ValueError` with the reason if
            it cannot be decoded, as far as that can be known without decoding.
        decode: Function from the bytes of a file, the assumed bits of gray if the file does not state them,
            and a function for warnings, to (height, width) uint8, 0 black to 255 white. Raises `ValueError`
            with the reason if it cannot be decoded.
    """

    name: str
    extensions: tuple[str, ...]
    recognise: Callable[[bytes], bool]
    read_header: Callable[[bytes], ImageHeader]
    decode: Callable[[bytes, int, Warn], np.ndarray]


def check_pixels(width: int, height: int, bytes_each: float = 1) -> None:
    """Refuse an impossible size of a film before memory is allocated for it.

    Args:
        width: Pixels.
        height: Pixels.
        bytes_each: Bytes that the decoder uses per pixel.

    Raises:
        ValueError: If there are no pixels, or too many.
    """
    if width < 1 or height < 1:
        raise ValueError("damaged header: no pixels")
    if width * height > min(MOST_PIXELS, MOST_DECODED / bytes_each):
        raise ValueError(f"too many pixels: {width:,} × {height:,}")
