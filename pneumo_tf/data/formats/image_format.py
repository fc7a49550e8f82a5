"""Description of an image format: its signature, what a header states, and how it is decoded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

MOST_PIXELS = 89_000_000
"""Pixels of the largest film that is decoded: 14 × 17 inches at 600 dots an inch are 86 million."""

MOST_DECODED = 180_000_000
"""Bytes that a decoder may take for the pixels of one film; with copies, a film stays under 1 GB."""

Warn = Callable[[str], None]
"""Called with each fault of a file that its decoder passes over, in a few words."""


class ImageHeader(NamedTuple):
    """Content of a header, without the film's pixels.

    Args:
        width: Pixels, as the image is displayed: an orientation tag is applied.
        height: Pixels, as the image is displayed.
        bits: Bits of gray. Of a file that is deeper than 8 bits and does not state how deep, the smaller of
            12 and 16 that holds its largest value.
        depth_stated: Whether the file states its depth. Where it does not, the depth is chosen for the whole
            set of films (`choose_bits`).
        notes: What is done to the film when it is decoded and a reader must know, each a phrase that
            completes "3 films: …", such as `"colour, read as luminance"`. Equal phrases are counted together.
        fields: What the file states of the patient, as text: `patient`, `age` in years, `sex` and `view`;
            only those that it states.
    """

    width: int
    height: int
    bits: int = 8
    depth_stated: bool = True
    notes: tuple[str, ...] = ()
    fields: Mapping[str, str] = {}


@dataclass(frozen=True)
class ImageFormat:
    """A format that films are read from. A new one is one module with such an entry, named in `FORMATS`.

    Args:
        name: Its key in `FORMATS`, as messages show it.
        extensions: Usual ends of file names, in lower case, with the dot; files are listed by them, and never
            decoded by them.
        recognise: Function from the bytes of a file to whether it is of this format, by its signature.
        read_header: Function from the bytes of a file to its header. Raises `ValueError` with the reason if
            it cannot be decoded, as far as that can be known without decoding.
        decode: Function from the bytes of a file, the bits of gray of a film that does not state its own, and
            a function that takes warnings, to (height, width) uint8, 0 black to 255 white. Raises
            `ValueError` with the reason if it cannot be decoded.
    """

    name: str
    extensions: tuple[str, ...]
    recognise: Callable[[bytes], bool]
    read_header: Callable[[bytes], ImageHeader]
    decode: Callable[[bytes, int, Warn], np.ndarray]


def check_pixels(width: int, height: int, bytes_each: float = 1) -> None:
    """Refuse a size that is no film's, before memory is taken for it.

    Args:
        width: Pixels.
        height: Pixels.
        bytes_each: Bytes that the decoder takes for a pixel.

    Raises:
        ValueError: If there are no pixels, or too many.
    """
    if width < 1 or height < 1:
        raise ValueError("damaged header: no pixels")
    if width * height > min(MOST_PIXELS, MOST_DECODED / bytes_each):
        raise ValueError(f"too many pixels: {width:,} × {height:,}")
