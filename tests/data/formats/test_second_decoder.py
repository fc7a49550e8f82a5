"""Every format against a decoder that this program does not use for it, and against what was written."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from pneumo_tf.data.formats.gray import ALPHA, COLOUR, FRAMES
from pneumo_tf.data.formats.orientation import ROTATED
from pneumo_tf.data.formats.registry import FORMATS, decode, read_header
from tests.data.formats.images import colour, deep_png, encode, exif, gray, with_chunk


def by_pillow(content):
    """Gray of an image as Pillow displays it, on black."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    if image.mode in ("LA", "RGBA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, image)
    return np.array(image.convert("RGB").convert("L"))


def by_opencv(content):
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)


def transparent():
    """Pillow image with an alpha from 0 to 255."""
    alpha = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))
    return Image.fromarray(np.dstack([colour(), alpha]))


def palette(**settings):
    return Image.fromarray(colour()).quantize(64, **settings)


# Name, content, second decoder, largest difference, notes. Conversions of colour round differently.
CASES = [
    ("JPEG, gray", encode(gray(), "JPEG", quality=90), by_opencv, 0, ()),
    ("JPEG, colour", encode(colour(), "JPEG", quality=90), by_opencv, 0, (COLOUR,)),
    ("JPEG, colour, 4:4:4", encode(colour(), "JPEG", subsampling=0), by_opencv, 0, (COLOUR,)),
    ("JPEG, progressive", encode(colour(), "JPEG", progressive=True), by_opencv, 0, (COLOUR,)),
    ("JPEG, inks", encode(Image.fromarray(colour()).convert("CMYK"), "JPEG"), by_opencv, 0, (COLOUR,)),
    ("JPEG, RGB", encode(colour(), "JPEG", keep_rgb=True), by_opencv, 0, (COLOUR,)),
    ("PNG, gray", encode(gray(), "PNG"), by_opencv, 0, ()),
    ("PNG, colour", encode(colour(), "PNG"), by_opencv, 0, (COLOUR,)),
    ("PNG, 1 bit", encode(Image.fromarray(gray() > 127), "PNG"), by_opencv, 0, ()),
    ("PNG, palette", encode(palette(), "PNG"), by_opencv, 0, (COLOUR,)),
    ("PNG, palette of 4", encode(palette().quantize(4), "PNG", bits=2), by_opencv, 0, (COLOUR,)),
    (
        "PNG, gamma",
        with_chunk(encode(colour(), "PNG"), b"gAMA", (45455).to_bytes(4)),
        by_opencv,
        0,
        (COLOUR,),
    ),
    ("PNG, alpha", encode(transparent(), "PNG"), by_pillow, 2, (COLOUR, ALPHA)),
    ("PNG, gray with alpha", encode(transparent().convert("LA"), "PNG"), by_pillow, 1, (ALPHA,)),
    (
        "PNG, opaque",
        encode(np.dstack([colour(), np.full((48, 64), 255, np.uint8)]), "PNG"),
        by_opencv,
        0,
        (COLOUR, ALPHA),
    ),
    (
        "PNG, clear grey level",
        encode(gray(), "PNG", transparency=int(gray()[20, 20])),
        by_pillow,
        0,
        (ALPHA,),
    ),
    ("PNG, clear palette", encode(palette(), "PNG", transparency=3), by_pillow, 1, (COLOUR, ALPHA)),
    (
        "PNG, frames",
        encode(Image.fromarray(gray()), "PNG", save_all=True, append_images=[Image.fromarray(gray(seed=1))]),
        by_pillow,
        0,
        (FRAMES,),
    ),
    ("TIFF, gray", encode(gray(), "TIFF"), by_opencv, 0, ()),
    ("TIFF, LZW", encode(gray(), "TIFF", compression="tiff_lzw"), by_opencv, 0, ()),
    ("TIFF, deflate", encode(colour(), "TIFF", compression="tiff_adobe_deflate"), by_opencv, 1, (COLOUR,)),
    ("TIFF, JPEG", encode(gray(), "TIFF", compression="jpeg"), by_opencv, 0, ()),
    ("TIFF, 1 bit", encode(Image.fromarray(gray() > 127), "TIFF"), by_pillow, 0, ()),
    ("TIFF, palette", encode(palette(), "TIFF"), by_opencv, 1, (COLOUR,)),
    ("TIFF, alpha", encode(transparent(), "TIFF"), by_pillow, 1, (COLOUR, ALPHA)),
    ("TIFF, inks", encode(Image.fromarray(colour()).convert("CMYK"), "TIFF"), by_pillow, 1, (COLOUR,)),
    (
        "TIFF, pages",
        encode(Image.fromarray(gray()), "TIFF", save_all=True, append_images=[Image.fromarray(gray(seed=1))]),
        by_opencv,
        0,
        (FRAMES,),
    ),
    ("BMP, gray", encode(gray(), "BMP"), by_opencv, 0, ()),
    ("BMP, colour", encode(colour(), "BMP"), by_opencv, 1, (COLOUR,)),
    ("BMP, 1 bit", encode(Image.fromarray(gray() > 127), "BMP"), by_opencv, 0, ()),
    ("WebP, lossy", encode(colour(), "WEBP", quality=80), by_opencv, 1, (COLOUR,)),
    ("WebP, lossless", encode(gray(), "WEBP", lossless=True), by_opencv, 1, ()),
    (
        "WebP, alpha",
        encode(transparent(), "WEBP", lossless=True, exact=True),
        by_pillow,
        1,
        (COLOUR, ALPHA),
    ),
    (
        "WebP, frames",
        encode(
            Image.fromarray(gray()),
            "WEBP",
            lossless=True,
            save_all=True,
            append_images=[Image.fromarray(gray(seed=1))],
        ),
        by_pillow,
        1,
        (ALPHA, FRAMES),
    ),
]


@pytest.mark.parametrize(
    ("content", "second", "difference", "notes"),
    [pytest.param(*case, id=name) for name, *case in CASES],
)
def test_pixels_are_those_of_a_second_decoder(content, second, difference, notes):
    image, header = decode(content), read_header(content)
    assert image.dtype == np.uint8 and image.flags.c_contiguous
    assert image.shape == (header.height, header.width) == (48, 64)
    assert np.abs(image.astype(int) - second(content)).max() <= difference
    assert header.notes == notes and header.bits == 8 and header.depth_stated
    assert np.std(image) > 10


def test_every_format_is_in_the_table():
    assert {name.split(",")[0] for name, *_ in CASES} == set(FORMATS) - {"DICOM"}


def gray_as_colour(spot=False):
    """Gray in three channels; with a spot, one block of 8 pixels has a touch of red."""
    image = np.dstack([gray()] * 3)
    if spot:
        image[16:24, 24:32] = np.clip(image[16:24, 24:32].astype(int) + (40, 0, 0), 0, 255)
    return Image.fromarray(image)


STORED_IN_COLOUR = {
    "JPEG": lambda image: encode(image, "JPEG"),
    "JPEG, 4:4:4": lambda image: encode(image, "JPEG", subsampling=0, quality=95),
    "JPEG, progressive": lambda image: encode(image, "JPEG", progressive=True),
    "JPEG, RGB": lambda image: encode(image, "JPEG", keep_rgb=True),
    "PNG": lambda image: encode(image, "PNG"),
    "PNG, palette": lambda image: encode(image.quantize(256), "PNG"),
    "PNG, alpha": lambda image: encode(image.convert("RGBA"), "PNG"),
    "PNG, 16 bits": lambda image: deep_png(np.asarray(image)[..., ::-1].astype(np.uint16) * 257),
    "TIFF": lambda image: encode(image, "TIFF"),
    "TIFF, palette": lambda image: encode(image.quantize(256), "TIFF"),
    "BMP": lambda image: encode(image, "BMP"),
    "BMP, palette": lambda image: encode(image.quantize(256), "BMP"),
    "WebP, lossy": lambda image: encode(image, "WEBP", quality=90),
    "WebP, lossless": lambda image: encode(image, "WEBP", lossless=True),
}


@pytest.mark.parametrize("write", STORED_IN_COLOUR.values(), ids=STORED_IN_COLOUR)
def test_colours_are_noted_where_channels_differ_and_not_where_gray_is_stored_in_three(write):
    content = write(gray_as_colour())
    assert COLOUR not in read_header(content).notes
    assert np.abs(decode(content).astype(int) - gray()).max() <= 24
    assert COLOUR in read_header(write(gray_as_colour(spot=True))).notes


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_an_orientation_is_applied_to_size_and_pixels(kind, orientation):
    settings = {"quality": 95} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    content = encode(gray(), kind, exif=exif(orientation), **settings)
    image, header = decode(content), read_header(content)
    assert image.shape == (header.height, header.width) == ((64, 48) if orientation >= 5 else (48, 64))
    assert np.abs(image.astype(int) - by_pillow(content)).max() <= 1
    assert header.notes == ((ROTATED,) if orientation > 1 else ())


@pytest.mark.parametrize(
    "content", [b"", b"II*\0", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", b"MM\0*\xff\xff\xff\xff"]
)
def test_damaged_exif_leaves_a_film_as_it_is_stored(content):
    assert np.array_equal(decode(with_chunk(encode(gray(), "PNG"), b"eXIf", content)), gray())


def test_an_orientation_that_is_none_counts_as_upright():
    for stated in (0, 9, 65535):
        assert np.array_equal(
            decode(with_chunk(encode(gray(), "PNG"), b"eXIf", exif(stated).tobytes())), gray()
        )


def test_the_table_of_an_animation_does_not_hide_the_first_picture():
    png = encode(gray(), "PNG")
    assert np.array_equal(decode(with_chunk(png, b"acTL", bytes(8))), gray())
    assert read_header(with_chunk(png, b"acTL", (2).to_bytes(4) + bytes(4))).notes == (FRAMES,)


def test_a_damaged_chunk_of_text_costs_no_pixel():
    png = encode(gray(), "PNG")
    damaged = bytearray(with_chunk(png, b"tEXt", b"a\0b"))
    damaged[45] ^= 1
    assert np.array_equal(decode(bytes(damaged)), gray())


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_colour_becomes_its_luminance(kind):
    luminance = colour() @ np.array([0.299, 0.587, 0.114])
    assert np.abs(decode(encode(colour(), kind)) - luminance).max() < 1.1


def test_a_signature_belongs_to_one_format():
    for kind in ("JPEG", "PNG", "TIFF", "BMP", "WEBP"):
        content = encode(gray(), kind)
        assert [entry.name for entry in FORMATS.values() if entry.recognise(content)] == [
            {"WEBP": "WebP"}.get(kind, kind)
        ]
