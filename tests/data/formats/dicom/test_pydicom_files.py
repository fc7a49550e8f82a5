"""The files that pydicom's own tests use: each gives the film that pydicom shows, or a plain reason."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut

from pneumo_tf.data.formats.dicom.dicom_format import DICOM

DATA = Path(pydicom.__file__).parent / "data"
FILES = sorted(
    path
    for folder in ("test_files", "charset_files", "palettes")
    for path in (DATA / folder).rglob("*")
    if path.is_file() and path.read_bytes()[128:132] == b"DICM"
)

pytestmark = pytest.mark.filterwarnings("ignore")  # pydicom warns of its own odd files.

REFUSED = {
    "JPEG-lossy.dcm": "lossy JPEG of 12 bits",
    "JPGExtended.dcm": "lossy JPEG of 12 bits",
    "JPEG2000-embedded-sequence-delimiter.dcm": "pixel data",
    "MR_truncated.dcm": "pixel data cut off: 8,130 bytes of 8,192",
    "badVR.dcm": "NumberOfFrames is not a whole number",
    "meta_missing_tsyntax.dcm": "no transfer syntax stated",
    "nested_priv_SQ.dcm": "no Columns",
    **dict.fromkeys(
        ("SC_rgb_rle_32bit.dcm", "SC_rgb_rle_32bit_2frame.dcm", "rtdose.dcm", "rtdose_1frame.dcm",
         "rtdose_expb.dcm", "rtdose_expb_1frame.dcm", "rtdose_rle.dcm", "rtdose_rle_1frame.dcm"),
        "32 bits per value",
    ),
}  # fmt: skip
"""Reasons for the images that are not read; files without an image are refused for that."""


def shown_by_pydicom(dataset):
    """The first frame as pydicom processes it, 0 to 255."""
    photometric = dataset.PhotometricInterpretation
    luminance_first = photometric.startswith("YBR_FULL")
    frame = pydicom.pixels.pixel_array(dataset, index=0, raw=luminance_first)
    if luminance_first:
        return frame[..., 0].astype(float)
    if photometric == "PALETTE COLOR":
        frame = apply_color_lut(frame, dataset)
    if frame.ndim == 3:
        return frame @ [0.299, 0.587, 0.114] * (255 / np.iinfo(frame.dtype).max)
    slope, intercept = dataset.get("RescaleSlope", 1), dataset.get("RescaleIntercept", 0)
    low = -(2 ** (dataset.BitsStored - 1)) * dataset.PixelRepresentation
    shown = apply_voi_lut(apply_modality_lut(frame, dataset), dataset).astype(float)
    share = (shown - (low * slope + intercept)) / ((2**dataset.BitsStored - 1) * slope)
    return 255 * (1 - share if photometric == "MONOCHROME1" else share)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(DATA).as_posix())
def test_each_file_gives_its_film_or_a_reason(path):
    content = path.read_bytes()
    dataset = pydicom.dcmread(path)
    if "PixelData" not in dataset or path.name in REFUSED:
        reason = REFUSED.get(path.name, "no pixel data|a directory of DICOM files")
        for read in (DICOM.read_header, lambda content: DICOM.decode(content, 8, pytest.fail)):
            with pytest.raises(ValueError, match=reason):
                read(content)
        return
    faults = []
    gray, header = DICOM.decode(content, 8, faults.append), DICOM.read_header(content)
    assert (header.width, header.height) == (dataset.Columns, dataset.Rows) == gray.shape[::-1]
    assert faults == (["128 bytes after the pixels"] if path.name == "MR_small_padded.dcm" else [])
    assert np.abs(gray - shown_by_pydicom(dataset)).max() <= 1.01


def test_there_are_files_of_many_kinds():
    syntaxes = {
        pydicom.dcmread(path, stop_before_pixels=True).file_meta.get("TransferSyntaxUID") for path in FILES
    }
    assert len(FILES) > 100 and len(syntaxes) > 10
