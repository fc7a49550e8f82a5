"""Damaged, lying and malicious DICOM files, each with the reason that refuses it."""

import io
import struct
import zlib

import imagecodecs
import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import UID

from tests.data.formats.dicom.dicom_files import describe, gradient, run_lengths, save, write_dicom

DEFLATED = "1.2.840.10008.1.2.1.99"
RLE = "1.2.840.10008.1.2.5"
BASELINE, EXTENDED, LOSSLESS = (f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 70))
JPEG_LS, JPEG_2000 = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"
HIGH_THROUGHPUT, MPEG = "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.100"

FILM = gradient(8)
DEEP = gradient(12)
FORM = describe(FILM)
WHOLE = write_dicom(FILM)


def lossy(pixels, **options):
    return imagecodecs.jpeg8_encode(pixels, level=90, **options)


def jfif_of_version(version):
    """A lossless JPEG, whose first segment states this version."""
    stream = lossy(FILM, lossless=True)
    place = stream.index(b"JFIF\x00") + 5
    return stream[:place] + bytes([version]) + stream[place + 1 :]


def compressed(stream, syntax, **elements):
    return write_dicom(stream, syntax=syntax, **FORM | elements)


def changed(content, **elements):
    """The file with other elements, which may contradict its pixels."""
    dataset = dcmread(io.BytesIO(content))
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return save(dataset, dataset.file_meta.TransferSyntaxUID)


def raw_value(content, keyword_tag, vr, value):
    """The file with the bytes of an element, VR and all, put in place of those that pydicom would write."""
    group, element = keyword_tag
    found = content.index(struct.pack("<HH", group, element), 132)
    length = struct.unpack_from("<H", content, found + 6)[0]
    return content[: found + 4] + vr + struct.pack("<H", len(value)) + value + content[found + 8 + length :]


def deflate_bomb():
    """Half a megabyte that inflate to half a gigabyte."""
    meta_end = changed(WHOLE).index(struct.pack("<HH", 8, 0x16))
    head = write_dicom(FILM, syntax=DEFLATED)
    start = 144 + struct.unpack_from("<I", head, 140)[0]
    assert meta_end > 132
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    zeros = bytes(16 * 1024**2)
    blocks = [squeeze.compress(zeros) for _ in range(32)]
    return head[:start] + b"".join(blocks) + squeeze.flush()


def run_length_bomb():
    """Run lengths of one pixel each that expand to gigabytes."""
    header = np.zeros(16, "<u4")
    header[:2] = 1, 64
    return compressed(header.tobytes() + b"\x81\x00" * 20_000_000, RLE)


def nested(depth):
    """Sequences within sequences, written without pydicom, which would run out of its own stack."""
    item = b""
    for _ in range(depth):
        item = struct.pack("<HH2sHI", 0x40, 0xA730, b"SQ", 0, len(item) + 8) + (
            struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item
        )
    at = WHOLE.index(struct.pack("<HH", 0x7FE0, 0x10))
    return WHOLE[:at] + item + WHOLE[at:]


def directory():
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.1.3.10", "1.2.3"
    dataset.DirectoryRecordSequence = Sequence([])
    return save(dataset)


def floating():
    dataset = dcmread(io.BytesIO(WHOLE))
    del dataset.PixelData
    dataset.FloatPixelData = FILM.astype("<f4").tobytes()
    return save(dataset)


def lut_item(**elements):
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return item


def without_items():
    dataset = dcmread(io.BytesIO(compressed(lossy(FILM), BASELINE)))
    dataset.PixelData = encapsulate([b"\x00\x00"])
    return save(dataset, UID(BASELINE))


def second_half_zero(stream):
    """The codestream with its middle wiped out, its header and end left."""
    middle = len(stream) // 2
    return stream[:middle] + bytes(len(stream) - middle - 8) + stream[-8:]


def hostile_files():
    """Files by name: bytes, and the reason as a pattern; `""` where a film results, None where either may."""
    lossless = jfif_of_version(1)
    half = imagecodecs.jpegls_encode(FILM), imagecodecs.jpeg2k_encode(FILM, codecformat="j2k")
    return {
        "empty": (b"", "not a DICOM file"),
        "mark alone": (bytes(128) + b"DICM", "no pixel data"),
        "text with the mark": (
            b"#" * 128 + b"DICM" + b"all work and no play " * 999,
            "damaged|no pixel data",
        ),
        "no preamble": (WHOLE[132:], "not a DICOM file"),
        "no pixel data": (write_dicom(FILM, omit=["PixelData"]), "no pixel data"),
        "empty pixel data": (changed(WHOLE, PixelData=b""), "no pixel data"),
        "floating point": (floating(), "floating point"),
        "directory": (directory(), "a directory of DICOM files"),
        "cut in the pixels": (WHOLE[:-900], "pixel data cut off"),
        "cut in the header": (WHOLE[:400], "damaged|no pixel data"),
        "cut in an element": (WHOLE[:203], "damaged|no pixel data"),
        "no rows": (changed(WHOLE, Rows=0), "no pixels"),
        "no columns": (write_dicom(FILM, omit=["Columns"]), "no Columns"),
        "3.6 gigapixels": (changed(WHOLE, Rows=60_000, Columns=60_000), "too many pixels: 60,000 × 60,000"),
        "49 megapixels": (changed(WHOLE, Rows=7000, Columns=7000), "too many pixels for a DICOM film"),
        "too few bytes": (changed(WHOLE, Rows=4000, Columns=4000), "pixel data cut off"),
        "too many bytes": (changed(WHOLE, Rows=5), "pixel data of 1,924 bytes"),
        "a million frames": (changed(WHOLE, NumberOfFrames=1_000_000), "pixel data cut off"),
        "three frames": (write_dicom(FILM.tobytes() * 3, **FORM, NumberOfFrames=3), ""),
        "negative frames": (changed(WHOLE, NumberOfFrames=-3), "NumberOfFrames -3"),
        "unknown syntax": (write_dicom(FILM.tobytes(), syntax="1.2.3.4", **FORM), "transfer syntax 1.2.3.4"),
        "another syntax": (compressed(half[1], HIGH_THROUGHPUT), "High-Throughput JPEG 2000"),
        "video": (compressed(b"\x00\x00\x01\xb3", MPEG), "MPEG2"),
        "no syntax": (raw_value(WHOLE, (2, 0x10), b"UI", b""), "no transfer syntax stated"),
        "32 bits": (write_dicom(FILM.astype(np.uint32)), "32 bits per value"),
        "12 bits packed": (changed(WHOLE, BitsAllocated=12, BitsStored=12, HighBit=11), "12 bits per value"),
        "more bits than room": (
            changed(WHOLE, BitsStored=12, HighBit=11),
            "12 bits stored up to bit 11 of 8",
        ),
        "bits below zero": (
            changed(write_dicom(DEEP), BitsStored=12, HighBit=3),
            "12 bits stored up to bit 3",
        ),
        "unknown photometric": (changed(WHOLE, PhotometricInterpretation="CMYK"), "interpretation CMYK"),
        "no photometric": (write_dicom(FILM, omit=["PhotometricInterpretation"]), "no PhotometricInterpr"),
        "colour of one value": (
            changed(WHOLE, PhotometricInterpretation="RGB"),
            "1 values per pixel contradict",
        ),
        "no window": (changed(WHOLE, WindowCenter=5, WindowWidth=0), "WindowWidth 0"),
        "half a window": (changed(WHOLE, WindowCenter=5), "only one of centre and width"),
        "window of words": (
            raw_value(changed(WHOLE, WindowCenter=5, WindowWidth=9), (0x28, 0x1051), b"DS", b"wide"),
            "WindowWidth",
        ),
        "endless window": (
            raw_value(changed(WHOLE, WindowCenter=5, WindowWidth=9), (0x28, 0x1051), b"DS", b"1e999 "),
            "WindowWidth is not a finite",
        ),
        "flat rescale": (changed(WHOLE, RescaleSlope=0, RescaleIntercept=0), "RescaleSlope 0"),
        "short LUT": (
            changed(WHOLE, VOILUTSequence=[lut_item(LUTDescriptor=[256, 0, 16], LUTData=b"1234")]),
            "damaged VOILUT",
        ),
        "LUT of 40 bits": (
            changed(WHOLE, VOILUTSequence=[lut_item(LUTDescriptor=[1, 0, 40], LUTData=b"12")]),
            "VOILUTSequence of 40",
        ),
        "no palette": (changed(WHOLE, PhotometricInterpretation="PALETTE COLOR"), "damaged palette"),
        "bad VR": (raw_value(WHOLE, (0x28, 0x10), b"??", b"\x25\x00"), None),
        "rows as text": (raw_value(WHOLE, (0x28, 0x10), b"LO", b"many"), "Rows is not a whole number"),
        "length beyond the file": (
            raw_value(WHOLE, (0x28, 0x10), b"OB", struct.pack("<I", 2**32 - 16)),
            None,
        ),
        "sequences in sequences": (nested(3000), None),
        "60 MB of private tags": (changed_private(60_000_000), ""),
        "deflate bomb": (deflate_bomb(), "deflated data of more than 128 MiB"),
        "damaged deflate": (write_dicom(FILM, syntax=DEFLATED)[:-40] + b"\xff" * 40, "deflated data"),
        "cut deflate": (write_dicom(FILM, syntax=DEFLATED)[:-40], "deflated data are cut off"),
        "pixels as they are, declared JPEG": (
            raw_value(WHOLE, (2, 0x10), b"UI", BASELINE.encode()),
            "damaged frames",
        ),
        "JPEG, declared uncompressed": (
            raw_value(compressed(lossy(FILM), BASELINE), (2, 0x10), b"UI", b"1.2.840.10008.1.2.1\x00"),
            "pixel data cut off",
        ),
        "codestream of nothing": (without_items(), "no compressed image"),
        "JPEG of another size": (compressed(lossy(FILM[:20]), BASELINE), "pixel data of 52 × 20 × 1 values"),
        "JPEG in colour, declared gray": (
            compressed(lossy(np.dstack([FILM] * 3)), BASELINE),
            "52 × 37 × 3 values",
        ),
        "lossless JPEG, declared baseline": (
            compressed(lossy(FILM, lossless=True), BASELINE),
            "but pixel data in lossless JPEG",
        ),
        "JPEG, declared lossless": (compressed(lossy(FILM), LOSSLESS), "but pixel data in JPEG"),
        "JPEG 2000, declared JPEG-LS": (compressed(half[1], JPEG_LS), "but pixel data in JPEG 2000"),
        "JPEG of 12 bits": (
            write_dicom(
                lossy(DEEP, bitspersample=12),
                syntax=EXTENDED,
                **describe(DEEP) | {"BitsStored": 12, "HighBit": 11},
            ),
            "lossy JPEG of 12 bits",
        ),
        "16 bits in 8": (compressed(imagecodecs.jpegls_encode(DEEP), JPEG_LS), "pixel data of 16 bits in 8"),
        "cut JPEG": (compressed(lossy(FILM)[:-300], BASELINE), "compressed pixel data are cut off"),
        "JPEG of markers": (
            compressed(b"\xff\xd8" + b"\xff" * 5_000_000, BASELINE),
            "compressed pixel data are damaged",
        ),
        # Over these two GDCM ends the process, if it is given them as they are.
        "odd version of JFIF": (compressed(jfif_of_version(62), LOSSLESS), ""),
        "bytes between segments": (
            compressed(lossless[:20] + b"more" + lossless[20:], LOSSLESS),
            "are damaged",
        ),
        "wiped JPEG-LS": (compressed(second_half_zero(half[0]), JPEG_LS), None),
        "wiped JPEG 2000": (compressed(second_half_zero(half[1]), JPEG_2000), None),
        "run length bomb": (run_length_bomb(), "run lengths of"),
        "run lengths of another depth": (compressed(run_lengths(DEEP), RLE), "damaged run lengths"),
        "cut run lengths": (compressed(run_lengths(FILM)[:-200], RLE), "run lengths of"),
        "run lengths from nowhere": (
            compressed(struct.pack("<2I", 1, 9999) + bytes(100), RLE),
            "damaged run lengths",
        ),
        "offsets from nowhere": (
            changed(
                compressed(lossy(FILM), BASELINE),
                ExtendedOffsetTable=b"\xff" * 8,
                ExtendedOffsetTableLengths=b"\xff" * 8,
            ),
            "damaged frames|no compressed",
        ),
    }


def changed_private(size):
    dataset = dcmread(io.BytesIO(WHOLE))
    block = dataset.private_block(0x11, "A VENDOR", create=True)
    block.add_new(1, "OB", bytes(size))
    return save(dataset)
