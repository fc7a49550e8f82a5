"""Image files that are damaged, lie or are no image: how each is made, and what must come of it.

What must come of a file is the shape of its gray, or a part of the reason why it is refused.
"""

import io
import struct
import zipfile
import zlib

import cv2
import numpy as np
from PIL import Image

from tests.data.formats.images import (
    PNG_START,
    chunk,
    colour,
    deep_png,
    encode,
    exif,
    film,
    gray,
    with_chunk,
)

JPEG, PNG = encode(gray(), "JPEG"), encode(gray(), "PNG")
TIFF, BMP, WEBP = (encode(gray(), kind) for kind in ("TIFF", "BMP", "WEBP"))
SHAPE = (48, 64)


def zeros_png(width, height, bits=8, colour_type=0, extra=0):
    """PNG of black pixels, some of them missing or more than there should be; large ones take 0.1 %."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour_type]
    length = height * (1 + width * channels * bits // 8) + extra
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(bytes(min(2**24, length - at))) for at in range(0, length, 2**24))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0))
    return PNG_START + header + chunk(b"IDAT", packed + packer.flush()) + chunk(b"IEND", b"")


def png_header(width, height, bits=8, colour_type=0):
    """PNG whose header claims a size, with hardly any pixels."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    return (
        PNG_START + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )


def with_frame(jpeg, marker=None, precision=None, height=None, width=None, channels=None):
    """JPEG with other values in the header of its frame."""
    at = jpeg.index(b"\xff\xc0")
    changed = bytearray(jpeg)
    changed[at + 1] = marker or 0xC0
    changed[at + 4] = precision or 8
    if height is not None:
        changed[at + 5 : at + 7] = height.to_bytes(2)
    if width is not None:
        changed[at + 7 : at + 9] = width.to_bytes(2)
    if channels is not None:
        changed[at + 9] = channels
    return bytes(changed)


def with_noise(content):
    """A file with 60 other bytes in the middle of its second half."""
    noise = np.random.default_rng(2).integers(0, 255, 60, np.uint8).tobytes()
    at = len(content) * 3 // 4
    return content[:at] + noise + content[at + len(noise) :]


def many_scans():
    """Progressive JPEG with its last scan 5,000 times."""
    jpeg = encode(gray(), "JPEG", progressive=True)
    last = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    return jpeg[:-2] + last * 5000 + b"\xff\xd9"


def tiff(**tags):
    """Little-endian TIFF of the given tags (numbers as text) without pixels."""
    values = {"256": 64, "257": 48, "258": 8, "262": 1, "273": 8, "277": 1, "278": 48, "279": 3072} | tags
    entries = b"".join(
        struct.pack("<HHII", int(tag), 4, 1, value) for tag, value in sorted(values.items(), key=_number)
    )
    return struct.pack("<2sHIH", b"II", 42, 8, len(values)) + entries + bytes(4) + bytes(3072)


def _number(item):
    return int(item[0])


def bmp(width=64, height=48, bits=8):
    """BMP whose header claims a size."""
    return BMP[:18] + struct.pack("<iiHH", width, height, 1, bits) + BMP[30:]


def webp_canvas(width, height):
    """WebP whose extended header claims a size."""
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + (10).to_bytes(4, "little") + bytes(4) + sides + WEBP[12:]
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def archive():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("film.jpeg", JPEG)
    return buffer.getvalue()


def dicom_start():
    return bytes(128) + b"DICM"


def own_next_directory():
    """TIFF whose first directory states itself as the next."""
    at = int.from_bytes(TIFF[4:8], "little")
    end = at + 2 + 12 * int.from_bytes(TIFF[at : at + 2], "little")
    return TIFF[:end] + TIFF[4:8] + TIFF[end + 4 :]


def clear_png():
    """PNG of which nothing is opaque."""
    return encode(np.dstack([colour(), np.zeros(SHAPE, np.uint8)]), "PNG")


HOSTILE = {
    # No image, or one that is not read
    "empty": (b"", "empty"),
    "one byte": (b"\xff", "no image"),
    "text": (b"no image at all", "no image"),
    "html": (b"<html>not found</html>", "no image"),
    "zeros": (bytes(5000), "no image"),
    "noise": (np.random.default_rng(1).bytes(5000), "no image"),
    "gif": (encode(gray(), "GIF"), "GIF file, which is not read"),
    "jpeg 2000": (encode(gray(), "JPEG2000"), "JPEG 2000 file, which is not read"),
    "avif": (bytes(3) + b"\x20ftypavif" + bytes(20), "HEIC or AVIF file, which is not read"),
    "pdf": (b"%PDF-1.7\n", "PDF file, which is not read"),
    "zip": (archive(), "zip file, which is not read"),
    "gzip": (b"\x1f\x8b\x08" + bytes(20), "gzip file, which is not read"),
    "portable graymap": (encode(gray(), "PPM"), "portable pixmap file, which is not read"),
    "big tiff": (encode(gray(), "TIFF", big_tiff=True), "BigTIFF file, which is not read"),
    "dicom without content": (dicom_start(), "no pixel data"),
    # JPEG
    "jpeg, two bytes": (JPEG[:2], "damaged header"),
    "jpeg, cut in header": (JPEG[:100], "damaged header"),
    "jpeg, cut": (JPEG[: len(JPEG) * 2 // 3], "cut off"),
    "jpeg, cut before its end marker": (JPEG[:-2], "cut off"),
    "jpeg, cut and closed": (JPEG[: len(JPEG) * 2 // 3] + b"\xff\xd9", SHAPE),
    "jpeg, noise": (with_noise(JPEG), SHAPE),
    "jpeg, bytes after its end": (JPEG + bytes(10_000), SHAPE),
    "jpeg, bytes between segments": (JPEG[:20] + b"junk" + JPEG[20:], SHAPE),
    "jpeg, zero after a marker's byte": (JPEG[:20] + b"\xff\x00\xff\x00" + JPEG[20:], SHAPE),
    "jpeg, no frame": (JPEG[: JPEG.index(b"\xff\xc0")] + JPEG[JPEG.index(b"\xff\xda") :], "damaged header"),
    "jpeg, no height": (with_frame(JPEG, height=0), "no pixels"),
    "jpeg, 65,535 a side": (
        with_frame(JPEG, height=65_535, width=65_535),
        "too many pixels: 65,535 × 65,535",
    ),
    "jpeg, too high": (with_frame(JPEG, height=2000), (2000, 64)),
    "jpeg, 12 bits": (with_frame(JPEG, precision=12), "JPEG of 12 bits, which is not read"),
    "jpeg, lossless": (with_frame(JPEG, marker=0xC3), "lossless JPEG, which is not read"),
    "jpeg-ls": (with_frame(JPEG, marker=0xF7), "JPEG-LS, which is not read"),
    "jpeg, 2 channels": (with_frame(JPEG, channels=2), "JPEG of 2 channels, which is not read"),
    "jpeg, inks": (encode(Image.fromarray(colour()).convert("CMYK"), "JPEG"), SHAPE),
    "jpeg, turned": (encode(gray(), "JPEG", exif=exif(6)), SHAPE[::-1]),
    "jpeg, one pixel": (encode(gray()[:1, :1], "JPEG"), (1, 1)),
    "jpeg, 5,000 scans": (many_scans(), "more than 100 scans"),
    # PNG
    "png, signature alone": (PNG[:8], "cut off"),
    "png, cut": (PNG[: len(PNG) // 2], "cut off"),
    "png, no end": (PNG[:-12], "cut off"),
    "png, noise": (with_noise(PNG), "damaged data"),
    "png, damaged header": (PNG[:20] + b"\xff" + PNG[21:], "damaged header"),
    "png, no pixels": (PNG_START + chunk(b"IHDR", PNG[16:29]) + chunk(b"IEND", b""), "does not decode"),
    "png, width 0": (png_header(0, 10), "no pixels"),
    "png, unknown colour": (png_header(10, 10, colour_type=5), "damaged header"),
    "png, 3 bits": (png_header(10, 10, bits=3), "damaged header"),
    "png, pixels missing": (png_header(100, 100), "does not decode"),
    "png, 2 billion a side": (png_header(2**31 - 1, 2**31 - 1), "too many pixels"),
    "png, 64 million deep pixels with alpha": (png_header(8000, 8000, 16, 6), "too many pixels"),
    "png, palette": (encode(Image.fromarray(colour()).quantize(16), "PNG"), SHAPE),
    "png, nothing opaque": (clear_png(), SHAPE),
    "png, one bit": (encode(Image.fromarray(gray() > 127), "PNG"), SHAPE),
    "png, 16 bits": (deep_png(film() * 65535), SHAPE),
    "png, frames": (
        encode(Image.fromarray(gray()), "PNG", save_all=True, append_images=[Image.fromarray(gray(seed=1))]),
        SHAPE,
    ),
    "png, named jpeg": (PNG, SHAPE),
    "png, alpha in parts": (encode(np.dstack([colour(), gray()]), "PNG"), SHAPE),
    "gif, frames": (
        encode(Image.fromarray(gray()), "GIF", save_all=True, append_images=[Image.fromarray(gray(seed=1))]),
        "GIF file, which is not read",
    ),
    # TIFF
    "tiff, four bytes": (TIFF[:4], "damaged header"),
    "tiff, cut": (TIFF[: len(TIFF) // 2], "cut off"),
    "tiff, directory beyond the end": (TIFF[:4] + b"\xff\xff\xff\x7f" + TIFF[8:], "damaged header"),
    "tiff, its own next directory": (own_next_directory(), SHAPE),
    "tiff, 60,000 a side": (tiff(**{"256": 60_000, "257": 60_000}), "too many pixels"),
    "tiff, strip beyond the end": (tiff(**{"273": 2**30}), "cut off"),
    "tiff, 4 billion bytes a strip": (tiff(**{"279": 2**32 - 1}), SHAPE),
    "tiff, float": (encode(Image.fromarray(film().astype(np.float32)), "TIFF"), "floating-point"),
    "tiff, 32 bits": (tiff(**{"258": 32}), "TIFF of 1 × 32 bits per pixel, which is not read"),
    "tiff, deep colour": (
        cv2.imencode(".tiff", np.zeros((8, 8, 3), np.uint16))[1].tobytes(),
        "TIFF of 3 × 16 bits per pixel, which is not read",
    ),
    "tiff, unknown compression": (tiff(**{"259": 40_000}), "does not decode"),
    # BMP and WebP
    "bmp, two bytes": (b"BM", "damaged header"),
    "bmp, cut": (BMP[: len(BMP) // 2], "cut off"),
    "bmp, 40,000 a side": (bmp(40_000, 40_000), "too many pixels"),
    "bmp, negative width": (bmp(-64), "no pixels"),
    "bmp, largest negative height": (bmp(64, -(2**31)), "too many pixels"),
    "bmp, 7 bits": (bmp(bits=7), "does not decode"),
    "webp, frames": (
        encode(
            Image.fromarray(gray()),
            "WEBP",
            save_all=True,
            append_images=[Image.fromarray(gray(seed=1))],
        ),
        SHAPE,
    ),
    "webp, header alone": (WEBP[:12], "damaged header"),
    "webp, cut": (WEBP[: len(WEBP) // 2], "does not decode"),
    "webp, noise": (with_noise(WEBP), SHAPE),
    "webp, 16,000 a side": (webp_canvas(16_000, 16_000), "too many pixels"),
    "webp, canvas of another size": (webp_canvas(500, 400), "does not decode"),
}
"""Content of each file, and what must come of it."""

BOMBS = {
    "png, 20,000 a side": (lambda: zeros_png(20_000, 20_000), "too many pixels: 20,000 × 20,000"),
    "png, 88 million pixels": (lambda: zeros_png(9400, 9400), (9400, 9400)),
    "png, 88 million deep pixels": (lambda: zeros_png(9400, 9400, 16), (9400, 9400)),
    "png, 22 million deep pixels with alpha": (lambda: zeros_png(4700, 4700, 16, 6), (4700, 4700)),
    "png, 59 million pixels in colour": (lambda: zeros_png(7700, 7700, 8, 2), (7700, 7700)),
    "png, pixels in plenty": (lambda: zeros_png(8, 8, extra=200_000_000), (8, 8)),
    "png, text in plenty": (
        lambda: with_chunk(PNG, b"zTXt", b"a\0\0" + zlib.compress(bytes(200_000_000), 9)),
        SHAPE,
    ),
    "jpeg, 88 million pixels": (lambda: encode(np.zeros((9400, 9400), np.uint8), "JPEG"), (9400, 9400)),
    "jpeg, 29 million progressive pixels": (
        lambda: encode(Image.new("RGB", (5400, 5400)), "JPEG", progressive=True),
        (5400, 5400),
    ),
    "tiff, 88 million pixels, packed": (
        lambda: encode(Image.new("L", (9400, 9400)), "TIFF", compression="tiff_adobe_deflate"),
        (9400, 9400),
    ),
    "webp, 11 million pixels": (lambda: encode(Image.new("L", (3300, 3300)), "WEBP", method=0), (3300, 3300)),
}
"""Small files of many pixels, by functions: making them takes seconds and memory."""
