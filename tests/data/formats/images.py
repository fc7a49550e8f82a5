"""Pictures like films, and files that hold them."""

import io
import zlib

import cv2
import numpy as np
from PIL import Image

PNG_START = b"\x89PNG\r\n\x1a\n"


def film(height=48, width=64, seed=0):
    """(height, width) of 0 to 1: a gradient under soft structures, as on a film, with both ends."""
    noise = np.random.default_rng(seed).standard_normal((height, width))
    soft = cv2.GaussianBlur(noise, (0, 0), 4) + np.linspace(-0.2, 0.2, width)
    return (soft - soft.min()) / np.ptp(soft)


def gray(height=48, width=64, seed=0):
    """uint8 film."""
    return np.rint(film(height, width, seed) * 255).astype(np.uint8)


def colour(height=48, width=64):
    """(height, width, 3) uint8, red first."""
    return np.dstack([gray(height, width, seed) for seed in range(3)])


def encode(image, kind, **settings):
    """Bytes of an array or a Pillow image in a format of Pillow."""
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


def chunk(name, content):
    """A PNG chunk."""
    body = name + content
    return len(content).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)


def with_chunk(png, name, content):
    """A PNG file with a chunk after its header."""
    return png[:33] + chunk(name, content) + png[33:]


def deep_png(values):
    """PNG of 16 bits, by OpenCV."""
    return cv2.imencode(".png", values.astype(np.uint16))[1].tobytes()


def deep_tiff(values):
    """TIFF of 16 bits, by Pillow."""
    return encode(values.astype(np.uint16), "TIFF")


def exif(orientation):
    """EXIF with an orientation."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags
