"""Format of the pixels of a DICOM file, checked before they are decoded."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pneumo_tf.data.formats.dicom import codestream
from pneumo_tf.data.formats.dicom.elements import element_integer, element_text
from pneumo_tf.data.formats.image_format import check_pixels

if TYPE_CHECKING:
    from pydicom import Dataset

MOST_PIXELS = 40_000_000
"""Pixels of a DICOM film at most; codecs use up to 20 bytes per pixel."""

BIG_ENDIAN = "1.2.840.10008.1.2.2"
"""Transfer syntax with the higher byte first."""

UNCOMPRESSED = frozenset(
    (
        "1.2.840.10008.1.2",  # Implicit VR Little Endian
        "1.2.840.10008.1.2.1",  # Explicit VR Little Endian
        "1.2.840.10008.1.2.1.99",  # Deflated Explicit VR Little Endian
        BIG_ENDIAN,
    )
)
"""Transfer syntaxes without compression of pixels."""

RLE = "1.2.840.10008.1.2.5"
"""Transfer syntax of run lengths."""

CODESTREAMS = {
    "1.2.840.10008.1.2.4.50": codestream.JPEG,  # Baseline
    "1.2.840.10008.1.2.4.51": codestream.JPEG,  # Extended
    "1.2.840.10008.1.2.4.57": codestream.LOSSLESS,
    "1.2.840.10008.1.2.4.70": codestream.LOSSLESS,  # First-order prediction
    "1.2.840.10008.1.2.4.80": codestream.JPEG_LS,
    "1.2.840.10008.1.2.4.81": codestream.JPEG_LS,  # Near-lossless
    "1.2.840.10008.1.2.4.90": codestream.JPEG_2000,  # Lossless
    "1.2.840.10008.1.2.4.91": codestream.JPEG_2000,
}
"""Kind of codestream in each other transfer syntax that is read."""

MONOCHROME = ("MONOCHROME1", "MONOCHROME2")
"""One gray value per pixel; the lowest is white in the first and black in the second."""

PALETTE = "PALETTE COLOR"
"""One number of a colour per pixel."""

YBR = ("YBR_FULL", "YBR_FULL_422")
"""Luminance and two differences of colour."""

COLOUR = ("RGB", "YBR_ICT", "YBR_RCT", *YBR)
"""Three values per pixel; the decoder of JPEG 2000 converts its own forms `ICT` and `RCT` to RGB."""

DEPTHS = (1, 8, 16)
"""Possible bits of a value in the file."""


@dataclass(frozen=True)
class ImageDescription:
    """Format of the pixels of a DICOM file.

    Args:
        syntax: UID of the transfer syntax.
        width: Pixels.
        height: Pixels.
        photometric: Photometric interpretation, such as `"MONOCHROME2"`.
        allocated: Bits of a value in the file.
        stored: Bits of a value that are used.
        high_bit: Position of the highest used bit, from 0.
        signed: Whether values are two's complements.
        frames: Images in the file.
    """

    syntax: str
    width: int
    height: int
    photometric: str
    allocated: int
    stored: int
    high_bit: int
    signed: bool
    frames: int

    @property
    def samples(self) -> int:
        """Values of a pixel."""
        return 3 if self.photometric in COLOUR else 1

    @property
    def frame_bits(self) -> int:
        """Bits of one frame without compression."""
        # Two pixels of YBR_FULL_422 share their differences of colour: 4 values instead of 6.
        samples = 2 if self.photometric == "YBR_FULL_422" else self.samples
        return self.width * self.height * samples * self.allocated


def describe_image(dataset: "Dataset") -> ImageDescription:
    """Return the format of the pixels of a DICOM file.

    Raises:
        ValueError: With the reason if it cannot be decoded here.
    """
    _check_pixel_data(dataset)
    syntax = _transfer_syntax(dataset)
    width, height = element_integer(dataset, "Columns"), element_integer(dataset, "Rows")
    check_pixels(width, height)
    if width * height > MOST_PIXELS:
        raise ValueError(f"too many pixels for a DICOM film: {width:,} × {height:,}")
    allocated = element_integer(dataset, "BitsAllocated")
    stored = element_integer(dataset, "BitsStored", allocated)
    description = ImageDescription(
        syntax,
        width,
        height,
        element_text(dataset, "PhotometricInterpretation").upper(),
        allocated,
        stored,
        element_integer(dataset, "HighBit", stored - 1),
        element_integer(dataset, "PixelRepresentation", 0) == 1,
        _number_of_frames(dataset),
    )
    _check_photometric(description, element_integer(dataset, "SamplesPerPixel", 1))
    _check_bits(description)
    return description


def syntax_name(syntax: str) -> str:
    """Return the name of a transfer syntax, or its UID if it is not registered."""
    from pydicom.uid import UID

    return UID(syntax).name


def _check_pixel_data(dataset: "Dataset") -> None:
    if "DirectoryRecordSequence" in dataset:
        raise ValueError("a directory of DICOM files, not a film")
    if "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset:
        raise ValueError("pixel data in floating point, which are not read here")
    if "PixelData" not in dataset:
        raise ValueError("no pixel data")


def _transfer_syntax(dataset: "Dataset") -> str:
    syntax = element_text(dataset.file_meta, "TransferSyntaxUID")
    if not syntax:
        raise ValueError("no transfer syntax stated")
    if syntax != RLE and syntax not in UNCOMPRESSED and syntax not in CODESTREAMS:
        raise ValueError(f"transfer syntax {syntax_name(syntax)}, which is not read here")
    return syntax


def _number_of_frames(dataset: "Dataset") -> int:
    frames = element_integer(dataset, "NumberOfFrames", 1)
    if frames < 0:
        raise ValueError(f"NumberOfFrames {frames}")
    return max(1, frames)  # Some writers state 0 for one image.


def _check_photometric(description: ImageDescription, samples: int) -> None:
    photometric = description.photometric
    if not photometric:
        raise ValueError("no PhotometricInterpretation")
    if photometric not in (*MONOCHROME, PALETTE, *COLOUR):
        raise ValueError(f"photometric interpretation {photometric[:20]}, which is not read here")
    if samples != description.samples:
        raise ValueError(f"{samples} values per pixel contradict {photometric}")


def _check_bits(description: ImageDescription) -> None:
    allocated, stored, high_bit = description.allocated, description.stored, description.high_bit
    if allocated not in DEPTHS:
        raise ValueError(f"{allocated} bits per value; 1, 8 and 16 are read")
    if not 1 <= stored <= allocated or not stored - 1 <= high_bit < allocated:
        raise ValueError(f"{stored} bits stored up to bit {high_bit} of {allocated} allocated")
    if description.samples > 1 and (description.signed or allocated == 1):
        raise ValueError(f"signed or one-bit {description.photometric}, which is not read here")
    if description.photometric in YBR and allocated > 8:
        raise ValueError(f"{description.photometric} of {allocated} bits, which is not read here")
