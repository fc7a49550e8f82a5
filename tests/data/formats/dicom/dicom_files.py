"""DICOM files made for tests, each element of which a test can choose."""

import io

import imagecodecs
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, generate_uid

COMPUTED_RADIOGRAPHY = "1.2.840.10008.5.1.4.1.1.1"


def gradient(bits, *, signed=False, shape=(37, 52)):
    """Values that cover all that the bits allow, the smallest and the largest in it."""
    low = -(2 ** (bits - 1)) if signed else 0
    values = np.linspace(low, low + 2**bits - 1, shape[0] * shape[1]).round()
    mixed = values.reshape(shape)[np.random.default_rng(0).permutation(shape[0])]
    kind = "i" if signed else "u"
    return mixed.astype(f"{kind}{1 if bits <= 8 else 2}")


def write_dicom(data, *, syntax=ExplicitVRLittleEndian, encapsulated=None, omit=(), **elements):
    """Return the bytes of a DICOM file.

    Args:
        data: Pixels as an array, whose shape and type give the elements, or the bytes of one frame.
        syntax: UID of the transfer syntax.
        encapsulated: Whether the bytes are a codestream; by default as the syntax says.
        omit: Keywords of elements left out.
        elements: Values of other elements, by keyword.
    """
    syntax = UID(syntax)
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = COMPUTED_RADIOGRAPHY, generate_uid(entropy_srcs=["film"])
    stated = {"PhotometricInterpretation": "MONOCHROME2", "SamplesPerPixel": 1, "PixelRepresentation": 0}
    if isinstance(data, np.ndarray):
        stated |= describe(data)
        order = ">" if syntax == ExplicitVRBigEndian else "<"
        data = data.astype(data.dtype.newbyteorder(order)).tobytes()
    stated |= elements
    for keyword, value in stated.items():
        setattr(dataset, keyword, value)
    if encapsulated is None:
        encapsulated = not syntax.is_private and syntax.is_encapsulated
    dataset.PixelData = encapsulate([data]) if encapsulated else data + bytes(len(data) % 2)
    dataset["PixelData"].VR = "OW" if stated["BitsAllocated"] > 8 else "OB"
    for keyword in omit:
        del dataset[keyword]
    return save(dataset, syntax)


def describe(pixels):
    """Elements of the pixels of an array."""
    samples = {"SamplesPerPixel": 3, "PlanarConfiguration": 0} if pixels.ndim == 3 else {}
    bits = pixels.dtype.itemsize * 8
    return samples | {
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
    }


def depth(bits):
    """Elements of values that need fewer bits than they take up."""
    return {"BitsStored": bits, "HighBit": bits - 1}


def save(dataset, syntax=ExplicitVRLittleEndian):
    """Return the bytes of a dataset as a file."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    buffer = io.BytesIO()
    if syntax.is_private:
        dataset.save_as(buffer, implicit_vr=False, little_endian=True, enforce_file_format=True)
    else:
        dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def run_lengths(pixels):
    """Return an array as run lengths: one segment for each byte of a value, the highest first."""
    planes = np.moveaxis(pixels, -1, 0) if pixels.ndim == 3 else pixels[None]
    segments = []
    for plane in planes:
        size = plane.dtype.itemsize
        high_first = plane.astype(plane.dtype.newbyteorder(">")).tobytes()
        for place in range(size):
            packed = b"".join(
                imagecodecs.packbits_encode(high_first[place::size][row : row + plane.shape[1]])
                for row in range(0, plane.size, plane.shape[1])
            )
            segments.append(packed + bytes(len(packed) % 2))
    starts = np.cumsum([64, *map(len, segments)])[:-1]
    header = np.zeros(16, "<u4")
    header[0], header[1 : len(segments) + 1] = len(segments), starts
    return header.tobytes() + b"".join(segments)
