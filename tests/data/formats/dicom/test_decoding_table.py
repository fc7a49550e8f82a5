"""Transfer syntax × photometric interpretation × depth: each cell against the pixels or a second decoder."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import pytest

from pneumo_tf.data.formats.dicom.dicom_format import DICOM
from pneumo_tf.data.formats.gray import COLOUR
from tests.data.formats.dicom.dicom_files import depth, describe, gradient, run_lengths, write_dicom

PAGE = Path(__file__).parents[4] / "docs" / "films.md"

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
DEFLATED, BIG_ENDIAN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
RLE = "1.2.840.10008.1.2.5"
BASELINE, EXTENDED = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"
LOSSLESS, LOSSLESS_FIRST = "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"
JPEG_LS, JPEG_LS_NEAR = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"
JPEG_2000_LOSSLESS, JPEG_2000 = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"

NATIVE = (IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN)
DCT = (BASELINE, EXTENDED)

NAMES = {
    IMPLICIT: "Implicit VR Little Endian",
    EXPLICIT: "Explicit VR Little Endian",
    DEFLATED: "Deflated Explicit VR Little Endian",
    BIG_ENDIAN: "Explicit VR Big Endian",
    RLE: "RLE Lossless",
    BASELINE: "JPEG Baseline",
    EXTENDED: "JPEG Extended",
    LOSSLESS: "JPEG Lossless",
    LOSSLESS_FIRST: "JPEG Lossless, first-order prediction",
    JPEG_LS: "JPEG-LS Lossless",
    JPEG_LS_NEAR: "JPEG-LS Near-Lossless",
    JPEG_2000_LOSSLESS: "JPEG 2000 Lossless",
    JPEG_2000: "JPEG 2000",
}

GRAY = ("MONOCHROME1", "MONOCHROME2")
DEPTHS = {syntax: (8,) if syntax in DCT else (8, 10, 12, 14, 16) for syntax in NAMES}
SIGNED = tuple(syntax for syntax in NAMES if syntax not in DCT)
COLOURS = {
    **dict.fromkeys(NATIVE, ("RGB", "YBR_FULL", "YBR_FULL_422", "PALETTE COLOR")),
    RLE: ("RGB", "YBR_FULL", "PALETTE COLOR"),
    **dict.fromkeys(DCT, ("RGB", "YBR_FULL", "YBR_FULL_422")),
    **dict.fromkeys((LOSSLESS, LOSSLESS_FIRST), ("RGB", "PALETTE COLOR")),
    **dict.fromkeys((JPEG_LS, JPEG_LS_NEAR), ("RGB",)),
    JPEG_2000_LOSSLESS: ("RGB", "YBR_RCT", "PALETTE COLOR"),
    JPEG_2000: ("RGB", "YBR_ICT"),
}
THREE_VALUES = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT")
DEEP_COLOUR = (*NATIVE, RLE)
"""Transfer syntaxes whose RGB of 16 bits is tried too."""


@dataclass(frozen=True)
class Cell:
    """One cell of the table."""

    syntax: str
    photometric: str
    bits: int
    signed: bool = False

    def __str__(self):
        sign = " signed" if self.signed else ""
        return f"{NAMES[self.syntax]}, {self.photometric}, {self.bits} bits{sign}"


CELLS = [
    *(Cell(syntax, kind, bits) for syntax, depths in DEPTHS.items() for bits in depths for kind in GRAY),
    *(Cell(syntax, "MONOCHROME2", bits, True) for syntax in SIGNED for bits in (12, 16)),
    *(Cell(syntax, kind, 8) for syntax, kinds in COLOURS.items() for kind in kinds),
    *(Cell(syntax, "RGB", 16) for syntax in DEEP_COLOUR),
]


def palette(entries=256):
    """Elements of a palette of three different curves, and its colours."""
    curves = {
        "Red": np.linspace(0, 65535, entries),
        "Green": 65535 * np.linspace(0, 1, entries) ** 0.5,
        "Blue": 65535 * np.linspace(0, 1, entries) ** 2,
    }
    elements = {}
    for name, curve in curves.items():
        elements[f"{name}PaletteColorLookupTableDescriptor"] = [entries % 65536, 0, 16]
        elements[f"{name}PaletteColorLookupTableData"] = curve.astype("<u2").tobytes()
    return elements, np.stack([curve.astype(np.uint16) for curve in curves.values()], axis=1)


def colours(bits, shape=(36, 52)):
    """A smooth picture in colour: what a decoder of JPEG does to noise differs from library to library."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]] / (np.array(shape)[:, None, None] - 1)
    picture = np.stack([x, y, (x + y) / 2], axis=-1) * (2**bits - 1)
    return picture.round().astype(np.uint8 if bits == 8 else np.uint16)


def pixels_of(cell):
    """The pixels that are written: stored values, or (height, width, 3) of the photometric interpretation."""
    if cell.photometric in (*GRAY, "PALETTE COLOR"):
        return gradient(cell.bits, signed=cell.signed)
    return in_form(cell, colours(cell.bits))


def in_form(cell, picture):
    """A picture in red, green and blue as values of a cell's photometric interpretation."""
    if cell.syntax in (*NATIVE, RLE) and cell.photometric.startswith("YBR"):
        luminance_red_blue = cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb)
        return np.ascontiguousarray(luminance_red_blue[..., [0, 2, 1]])
    return picture


def unsigned(pixels, bits):
    """The same bit patterns as unsigned values of so many bits."""
    return (pixels.astype(np.int64) & (2**bits - 1)).astype(np.uint8 if bits <= 8 else np.uint16)


def encode(cell, pixels):
    """Return the pixels as a codestream, made by another library than the one that reads it."""
    if cell.syntax == RLE:
        return run_lengths(pixels)
    if cell.syntax in DCT:
        if pixels.ndim == 2:
            return imagecodecs.jpeg8_encode(pixels, level=95)
        space = {"RGB": ("RGB", "444"), "YBR_FULL": ("YCBCR", "444"), "YBR_FULL_422": ("YCBCR", "422")}
        outcolorspace, subsampling = space[cell.photometric]
        return imagecodecs.jpeg8_encode(
            pixels, level=95, colorspace="RGB", outcolorspace=outcolorspace, subsampling=subsampling
        )
    if cell.syntax in (LOSSLESS, LOSSLESS_FIRST):
        if pixels.ndim == 3:
            return imagecodecs.jpeg8_encode(
                pixels, lossless=True, predictor=1, colorspace="RGB", outcolorspace="RGB"
            )
        predictor = 1 if cell.syntax == LOSSLESS_FIRST else 4
        values = unsigned(pixels, cell.bits)
        return imagecodecs.jpeg8_encode(values, lossless=True, predictor=predictor, bitspersample=cell.bits)
    if cell.syntax in (JPEG_LS, JPEG_LS_NEAR):
        values = unsigned(pixels, pixels.dtype.itemsize * 8)
        return imagecodecs.jpegls_encode(values, level=0 if cell.syntax == JPEG_LS else 2)
    return imagecodecs.jpeg2k_encode(
        pixels,
        level=0 if cell.syntax == JPEG_2000_LOSSLESS else 60,
        codecformat="j2k",
        reversible=cell.syntax == JPEG_2000_LOSSLESS,
        bitspersample=cell.bits,
        mct=cell.photometric in ("YBR_RCT", "YBR_ICT"),
    )


def second_decode(cell, stream):
    """Return the values of a lossy codestream by another library; RGB if it is in colour."""
    if cell.syntax in DCT:
        picture = cv2.imdecode(np.frombuffer(stream, np.uint8), cv2.IMREAD_UNCHANGED)
        return picture[..., ::-1] if picture.ndim == 3 else picture
    if cell.syntax == JPEG_LS_NEAR:
        values = imagecodecs.jpegls_decode(stream)
        return values.view(np.int16) if cell.signed else values
    return imagecodecs.jpeg2k_decode(stream)


def write(cell, pixels):
    """Return the file of a cell, and the pixels that it should decode to."""
    elements = describe(pixels) | {"PhotometricInterpretation": cell.photometric}
    if pixels.ndim == 2:
        elements |= depth(cell.bits)
    if cell.photometric == "PALETTE COLOR":
        elements |= palette()[0]
    if cell.syntax in NATIVE:
        data = pixels
        if cell.photometric == "YBR_FULL_422":
            pairs = pixels.reshape(pixels.shape[0], -1, 2, 3)
            data = np.concatenate([pairs[..., 0], pairs[:, :, :1, 1], pairs[:, :, :1, 2]], axis=-1).tobytes()
        return write_dicom(data, syntax=cell.syntax, **elements), pixels
    stream = encode(cell, pixels)
    lossy = cell.syntax in (*DCT, JPEG_LS_NEAR, JPEG_2000)
    return write_dicom(stream, syntax=cell.syntax, **elements), second_decode(
        cell, stream
    ) if lossy else pixels


def expected_gray(cell, values):
    """Gray by the definition, in floating point."""
    values = values.astype(float)
    if cell.photometric == "PALETTE COLOR":
        values = palette()[1][values.astype(int)] / 65535
        return values @ [0.299, 0.587, 0.114] * 255
    if values.ndim == 3:
        native_luminance = cell.syntax in (*NATIVE, RLE) and cell.photometric.startswith("YBR")
        luminance = values[..., 0] if native_luminance else values @ [0.299, 0.587, 0.114]
        return luminance / (2**cell.bits - 1) * 255
    low = -(2 ** (cell.bits - 1)) if cell.signed else 0
    share = np.clip((values - low) / (2**cell.bits - 1), 0, 1)
    return 255 * (1 - share if cell.photometric == "MONOCHROME1" else share)


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_film_decodes_to_the_gray_of_its_values(cell):
    content, values = write(cell, pixels_of(cell))
    warnings = []
    gray = DICOM.decode(content, 8, warnings.append)
    expected = expected_gray(cell, values)
    # Colour goes through two roundings, the others through one.
    tolerance = 0.501 if values.ndim == 2 else 1.01
    assert gray.dtype == np.uint8 and gray.shape == expected.shape == values.shape[:2]
    assert np.abs(gray - expected).max() <= tolerance
    assert gray.max() - gray.min() > 150 and not warnings
    header = DICOM.read_header(content)
    assert (header.height, header.width, header.bits) == (*gray.shape, cell.bits)
    assert (COLOUR in header.notes) == (values.ndim == 3)


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell.photometric in THREE_VALUES], ids=str)
def test_gray_in_three_values_a_pixel_is_not_noted_as_colour(cell):
    shades = np.repeat(colours(cell.bits)[..., :1], 3, axis=2)
    content, _ = write(cell, in_form(cell, shades))
    assert DICOM.read_header(content).notes == ()


def test_the_table_of_the_page_is_this_one():
    rows = []
    for syntax, name in NAMES.items():
        depths = ", ".join(map(str, DEPTHS[syntax]))
        kinds = [*COLOURS[syntax], *(["RGB of 16 bits"] if syntax in DEEP_COLOUR else [])]
        signed = "12, 16" if syntax in SIGNED else "–"
        rows.append(f"| {name} | {depths} | {signed} | {', '.join(kinds)} |")
    assert "\n".join(rows) in PAGE.read_text("utf-8")
