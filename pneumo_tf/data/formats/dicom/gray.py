"""Conversion of a DICOM film to gray, by one table from stored values to 8 bits."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pneumo_tf.data.formats.dicom.elements import element_numbers, element_text, element_value, plain_reason
from pneumo_tf.data.formats.dicom.image_description import PALETTE, ImageDescription
from pneumo_tf.data.formats.dicom.lookup_table import apply_lookup, first_lookup

if TYPE_CHECKING:
    from pydicom import Dataset

LUMINANCE = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in gray."""


class GrayScale(NamedTuple):
    """Table from stored values to gray.

    Args:
        table: Gray by stored value, uint8; a negative value counts from the end, as an index does.
        notes: Phrases about the conversion, as in `ImageHeader.notes`.
    """

    table: np.ndarray
    notes: tuple[str, ...]


class Values(NamedTuple):
    """Values after one step of the conversion, and their possible range.

    Args:
        of: Value by stored value, as in `GrayScale.table`.
        low: Smallest possible value.
        high: Largest possible value.
    """

    of: np.ndarray
    low: float
    high: float


def read_gray_scale(dataset: "Dataset", description: ImageDescription) -> GrayScale:
    """Return the conversion of a file's stored values to gray.

    As DICOM prescribes: modality LUT or rescale, then VOI LUT or the first window, then polarity. A file
    without a VOI is scaled by the range of its stored bits, never by the values in the film.

    Raises:
        ValueError: With the reason if LUT, rescale or window are invalid.
    """
    values = _stored_values(description)
    if description.samples > 1:
        return GrayScale(_to_8_bits(_share(values)), ())
    if description.photometric == PALETTE:
        return GrayScale(_palette_gray(dataset, values), ("palette of colours, read as luminance",))
    share, notes = _apply_voi(dataset, description, _apply_modality(dataset, description, values))
    if description.photometric == "MONOCHROME1":
        return GrayScale(_to_8_bits(1 - share), (*notes, "stored inverted (MONOCHROME1) and turned back"))
    return GrayScale(_to_8_bits(share), notes)


def to_gray(frame: np.ndarray, scale: GrayScale) -> np.ndarray:
    """Convert a decoded frame to gray.

    Args:
        frame: Stored values, (height, width), or (height, width, 3) red, green and blue.
        scale: Conversion from `read_gray_scale`.

    Returns:
        (height, width) uint8, 0 black to 255 white.
    """
    # Imported here: a command that reads no film starts without OpenCV.
    import cv2

    if frame.ndim == 3:
        frame = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    if frame.dtype == np.uint8:
        return cv2.LUT(frame, scale.table[:256])
    gray = np.empty(frame.shape, np.uint8)
    # NumPy converts every index to 8 bytes; row by row, this takes less memory.
    for row, values in zip(gray, frame, strict=True):
        row[:] = scale.table[values]
    return gray


def _stored_values(description: ImageDescription) -> Values:
    """Return the value of every integer that a pixel can have, with unused bits ignored."""
    size = 2 ** max(8, description.allocated)
    low = -(2 ** (description.stored - 1)) if description.signed else 0
    high = low + 2**description.stored - 1
    every = np.arange(size)
    if description.signed:
        every[size // 2 :] -= size
    return Values(np.clip(every, low, high), low, high)


def _apply_modality(dataset: "Dataset", description: ImageDescription, values: Values) -> Values:
    """Apply the modality LUT, or slope and intercept."""
    lookup, _ = first_lookup(dataset, "ModalityLUTSequence", description)
    if lookup is not None:
        return Values(apply_lookup(lookup, values.of), 0, lookup.high)
    slope = (element_numbers(dataset, "RescaleSlope") or [1.0])[0]
    intercept = (element_numbers(dataset, "RescaleIntercept") or [0.0])[0]
    if slope == 0:
        raise ValueError("RescaleSlope 0")
    ends = values.low * slope + intercept, values.high * slope + intercept
    return Values(values.of * slope + intercept, min(ends), max(ends))


def _apply_voi(
    dataset: "Dataset", description: ImageDescription, values: Values
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return brightness, 0 to 1, by the VOI LUT or window of a file, or by its bits, and notes."""
    lookup, lookups = first_lookup(dataset, "VOILUTSequence", description)
    if lookup is not None:
        return apply_lookup(lookup, values.of) / lookup.high, (_first_of("VOI LUT", lookups),)
    centers, widths = element_numbers(dataset, "WindowCenter"), element_numbers(dataset, "WindowWidth")
    if bool(centers) != bool(widths):
        raise ValueError("a VOI window with only one of centre and width")
    if centers:
        function = element_text(dataset, "VOILUTFunction").upper() or "LINEAR"
        notes = (_first_of("VOI window", max(len(centers), len(widths))),)
        return apply_window(values.of, centers[0], widths[0], function), notes
    return _share(values), ()


def apply_window(values: np.ndarray, center: float, width: float, function: str) -> np.ndarray:
    """Return the brightness of values in a window.

    Args:
        values: Values after rescaling.
        center: WindowCenter.
        width: WindowWidth.
        function: `"LINEAR"`, `"LINEAR_EXACT"` or `"SIGMOID"`, as DICOM PS3.3 C.11.2.1 defines them.

    Returns:
        0 black to 1 white.

    Raises:
        ValueError: If the width is too small, or the function is none of these.
    """
    least = 1 if function == "LINEAR" else 0
    if width < least or width == 0:
        raise ValueError(f"WindowWidth {width:g}")
    if function == "SIGMOID":
        # Beyond these limits the curve is flat, and the exponential would overflow.
        return 1 / (1 + np.exp(np.clip(-4 * (values - center) / width, -500, 500)))
    if function == "LINEAR":
        center, width = center - 0.5, width - 1
    elif function != "LINEAR_EXACT":
        raise ValueError(f"VOILUTFunction {function[:20]}, which is not read here")
    low, high = center - width / 2, center + width / 2
    if low == high:
        return (values > low).astype(float)
    return np.clip((values - low) / (high - low), 0, 1)


def _palette_gray(dataset: "Dataset", values: Values) -> np.ndarray:
    """Return the luminance of each colour of a palette."""
    from pydicom.pixels import apply_color_lut

    if element_value(dataset, "SegmentedRedPaletteColorLookupTableData") is not None:
        raise ValueError("segmented palette, which is not read here")
    with plain_reason("damaged palette"):
        colours = apply_color_lut(values.of.astype(np.int32)[None], dataset)[0]
    return _to_8_bits(colours @ np.array(LUMINANCE) / np.iinfo(colours.dtype).max)


def _share(values: Values) -> np.ndarray:
    return (values.of - values.low) / (values.high - values.low)


def _to_8_bits(share: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)


def _first_of(name: str, number: int) -> str:
    return (
        f"brightness by the file's {name}" if number == 1 else f"brightness by the first of {number} {name}s"
    )
