"""The image format DICOM."""

import numpy as np

from pneumo_tf.data.formats.dicom.elements import is_dicom, read_elements
from pneumo_tf.data.formats.dicom.fields import fields_of, stated_fields
from pneumo_tf.data.formats.dicom.frame import check_frame, decode_frame, shows_colour
from pneumo_tf.data.formats.dicom.gray import read_gray_scale, to_gray
from pneumo_tf.data.formats.dicom.image_description import describe_image
from pneumo_tf.data.formats.gray import COLOUR, FRAMES
from pneumo_tf.data.formats.image_format import ImageFormat, ImageHeader, Warn


def _read_header(content: bytes) -> ImageHeader:
    dataset = read_elements(content, pixels=True)
    description = describe_image(dataset)
    check_frame(dataset, description)
    notes = read_gray_scale(dataset, description).notes
    if shows_colour(dataset, description):
        notes += (COLOUR,)
    if description.frames > 1:
        notes += (FRAMES,)
    fields = stated_fields(fields_of(dataset))
    bits = max(8, description.stored)
    return ImageHeader(description.width, description.height, bits, True, notes, fields)


def _decode(content: bytes, bits: int, warn: Warn) -> np.ndarray:
    """Decode a film; a DICOM file states its own bits of gray."""
    dataset = read_elements(content, pixels=True)
    description = describe_image(dataset)
    excess = check_frame(dataset, description)
    if excess > 0:
        warn(f"{excess:,} bytes after the pixels")
    scale = read_gray_scale(dataset, description)
    return to_gray(decode_frame(dataset, description, warn), scale)


DICOM = ImageFormat("DICOM", (".dcm", ".dicom"), is_dicom, _read_header, _decode)
