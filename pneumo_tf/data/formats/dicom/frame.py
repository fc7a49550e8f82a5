"""Decoding of the first frame of a DICOM file, after checks against its header."""

from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from pneumo_tf.data.formats.dicom.codec_messages import collected_messages
from pneumo_tf.data.formats.dicom.codestream import (
    ADOBE,
    JFIF,
    JPEG,
    LOSSLESS,
    read_codestream,
    states_colours,
    strip_jpeg,
)
from pneumo_tf.data.formats.dicom.elements import plain_reason
from pneumo_tf.data.formats.dicom.image_description import (
    CODESTREAMS,
    RLE,
    UNCOMPRESSED,
    YBR,
    ImageDescription,
    syntax_name,
)
from pneumo_tf.data.formats.gray import COLOUR, has_colour
from pneumo_tf.data.formats.image_format import Warn
from pneumo_tf.data.formats.jpeg import decode as decode_jpeg
from pneumo_tf.data.formats.jpeg import read_header as read_jpeg_header

if TYPE_CHECKING:
    from pydicom import Dataset

JPEG_BITS = 8
"""Depth of every lossy JPEG that is read."""

NO_COLOUR = 128
"""Value of both colour differences of a gray pixel in YBR."""

ADOBE_RGB = b"\xff\xee\x00\x0eAdobe\x00\x64" + bytes(5)
"""Adobe's segment for a JPEG whose three values are red, green and blue."""

RLE_HEADER = 64
"""Bytes before the run lengths of a frame: the number of segments, and where each begins."""


def check_frame(dataset: "Dataset", description: ImageDescription) -> int:
    """Check the pixel data of a file as far as possible without decoding them.

    Returns:
        Number of superfluous bytes after the last frame.

    Raises:
        ValueError: With the reason if there are none, or their length, kind or size contradicts the header.
    """
    if description.syntax in UNCOMPRESSED:
        return _check_length(dataset, description)
    frame = _encoded_frame(dataset, description)
    if description.syntax == RLE:
        _check_run_lengths(frame, description)
    else:
        _check_codestream(frame, description)
    return 0


def decode_frame(dataset: "Dataset", description: ImageDescription, warn: Warn) -> np.ndarray:
    """Decode the first frame.

    Args:
        dataset: Data elements of the file, checked by `check_frame`.
        description: Format of its pixels.
        warn: Called with a warning for each defect that does not stop the codec.

    Returns:
        (height, width) stored integers, with sign and unused bits corrected. For colour, their luminance, or
        (height, width, 3) red, green and blue.

    Raises:
        ValueError: If they do not decode.
    """
    if CODESTREAMS.get(description.syntax) == JPEG:
        gray = decode_jpeg(_clear_jpeg(_encoded_frame(dataset, description), description), JPEG_BITS, warn)
        return gray.view(np.int8) if description.signed else gray
    frame, form = _decode_values(dataset, description, warn)
    return frame[..., 0] if form in YBR else frame


def shows_colour(dataset: "Dataset", description: ImageDescription) -> bool:
    """Return whether the first frame shows colours; it is decoded if it can hold them.

    Raises:
        ValueError: If it does not decode.
    """
    if description.samples == 1:
        return False
    if CODESTREAMS.get(description.syntax) == JPEG:
        jpeg = _clear_jpeg(_encoded_frame(dataset, description), description)
        return COLOUR in read_jpeg_header(jpeg).notes
    frame, form = _decode_values(dataset, description, _ignore)
    if form in YBR:
        return bool((frame[..., 1:] != NO_COLOUR).any())
    return has_colour(frame)


def _clear_jpeg(frame: bytes, description: ImageDescription) -> bytes:
    """Return a JPEG whose own notes cannot make its decoder contradict the DICOM header.

    For example, a decoder would apply an orientation, and without a note it assumes that values are YBR.
    """
    if description.photometric == "RGB" and not states_colours(frame):
        frame = frame[:2] + ADOBE_RGB + frame[2:]
    return strip_jpeg(frame, kept=(JFIF, ADOBE))


def _ignore(warning: str) -> None:
    """Take a warning of a frame that is decoded again for its pixels."""


def _keep_bare_frame(dataset: "Dataset", description: ImageDescription) -> None:
    """Reduce a dataset to its first frame, without notes of applications.

    GDCM ends the whole process at a note that it does not support, such as an unknown version of JFIF.
    """
    from pydicom.encaps import encapsulate

    dataset.PixelData = encapsulate([strip_jpeg(_encoded_frame(dataset, description))])
    dataset.NumberOfFrames = 1
    if "ExtendedOffsetTable" in dataset:
        del dataset.ExtendedOffsetTable


def _decode_values(dataset: "Dataset", description: ImageDescription, warn: Warn) -> tuple[np.ndarray, str]:
    """Decode all values of each pixel, and return them with their photometric interpretation."""
    if description.syntax not in CODESTREAMS:
        return _decode_plain(dataset, description)
    if CODESTREAMS[description.syntax] == LOSSLESS:
        _keep_bare_frame(dataset, description)
    with collected_messages() as messages:
        decoded = _decode(dataset, description, decoding_plugin="gdcm")
    for message in messages:
        warn(message)
    return decoded


def _decode_plain(dataset: "Dataset", description: ImageDescription) -> tuple[np.ndarray, str]:
    """Decode pixels that are uncompressed or stored as run lengths."""
    # pydicom uses the lowest bits; a file may use higher ones.
    shift = description.high_bit + 1 - description.stored
    frame, form = _decode(dataset, description, bits_stored=description.high_bit + 1)
    return frame >> shift if shift else frame, form


def _decode(
    dataset: "Dataset", description: ImageDescription, **options: str | int
) -> tuple[np.ndarray, str]:
    """Decode with pydicom; the options are those of its decoders."""
    from pydicom.pixels import get_decoder

    with plain_reason("pixel data do not decode"):
        frame, form = get_decoder(description.syntax).as_array(dataset, index=0, raw=True, **options)
        # A codestream may correct the photometric interpretation of the header.
        return frame.astype(frame.dtype.newbyteorder("="), copy=False), form["photometric_interpretation"]


def _check_length(dataset: "Dataset", description: ImageDescription) -> int:
    found, expected = len(_pixel_data(dataset)), ceil(description.frame_bits * description.frames / 8)
    if found < expected:
        raise ValueError(f"pixel data cut off: {found:,} bytes of {expected:,}")
    if found >= 2 * expected and found > expected + 1:
        raise ValueError(f"pixel data of {found:,} bytes, where {expected:,} are stated")
    return found - expected - expected % 2


def _pixel_data(dataset: "Dataset") -> bytes:
    with plain_reason("unreadable pixel data"):
        value = dataset.PixelData
    if not isinstance(value, bytes) or not value:
        raise ValueError("no pixel data")
    return value


def _encoded_frame(dataset: "Dataset", description: ImageDescription) -> bytes:
    from pydicom.encaps import get_frame

    data = _pixel_data(dataset)
    offsets = None
    with plain_reason("damaged frames in the pixel data"):
        if "ExtendedOffsetTable" in dataset:
            offsets = dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths
        return get_frame(data, 0, number_of_frames=description.frames, extended_offsets=offsets)


def _check_codestream(frame: bytes, description: ImageDescription) -> None:
    header, kind = read_codestream(frame), CODESTREAMS[description.syntax]
    if header.kind != kind:
        raise ValueError(
            f"transfer syntax {syntax_name(description.syntax)}, but pixel data in {header.kind}"
        )
    if kind == JPEG and header.bits != JPEG_BITS:
        raise ValueError(f"lossy JPEG of {header.bits} bits, which is not read here")
    if header.bits > description.allocated:
        raise ValueError(f"pixel data of {header.bits} bits in {description.allocated}")
    stated = description.width, description.height, description.samples
    if (header.width, header.height, header.samples) != stated:
        raise ValueError(
            f"pixel data of {header.width:,} × {header.height:,} × {header.samples} values, where the header "
            f"states {description.width:,} × {description.height:,} × {description.samples}"
        )


def _check_run_lengths(frame: bytes, description: ImageDescription) -> None:
    """Refuse run lengths that expand to another size than stated: a few bytes can become gigabytes."""
    segments = description.samples * description.allocated // 8
    if len(frame) < RLE_HEADER or int.from_bytes(frame[:4], "little") != segments:
        raise ValueError("damaged run lengths in the pixel data")
    starts = [int.from_bytes(frame[4 * i : 4 * i + 4], "little") for i in range(1, segments + 1)]
    expected = description.width * description.height
    for start, end in zip(starts, [*starts[1:], len(frame)], strict=True):
        if not RLE_HEADER <= start <= end <= len(frame):
            raise ValueError("damaged run lengths in the pixel data")
        # An encoder may pad a row or a segment, but not by as much again.
        most = 2 * expected + RLE_HEADER
        found = _expanded_length(frame, start, end, most)
        if not expected <= found <= most:
            count = f"more than {most:,}" if found > most else f"{found:,}"
            raise ValueError(f"run lengths of {count} values, where {expected:,} are stated")


def _expanded_length(frame: bytes, start: int, end: int, most: int) -> int:
    """Return the bytes that a segment of run lengths expands to, counted until there are more than `most`."""
    length = 0
    while start < end and length <= most:
        code = frame[start]
        if code < 128:  # This many bytes plus one follow uncompressed.
            length += min(code + 1, end - start - 1)
            start += code + 2
        else:  # The next byte is repeated; 128 means nothing.
            length += 257 - code if code > 128 and start + 1 < end else 0
            start += 2 if code > 128 else 1
    return length
