"""Pictures of the report: marking and writing of the pages that figures draw."""

import io
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from pneumo_tf.atomic import write_atomically
from pneumo_tf.report.board import Board
from pneumo_tf.report.figures import style

LARGEST = 400_000
"""Bytes above which a PNG is written with fewer colour levels, which compress the grain of films better."""


class Picture(NamedTuple):
    """One page of a figure.

    Args:
        name: Name of the file, made safe when it is written.
        caption: What all pages of a figure show, and which direction is better.
        figure: The page.
        note: What only this page shows.
    """

    name: str
    caption: str
    figure: Figure
    note: str = ""


def board_key(board: Board) -> str:
    """Return the folder name for a board's pictures, unique for dataset, profile and harness."""
    return f"{_slug(board.profile)}-{board.dataset[:8]}-harness{board.harness}"


def write_picture(picture: Picture, board: Board, scored: bool, out: Path) -> str:
    """Mark a picture and write it under `out`.

    Args:
        picture: Picture to write.
        board: The board it was drawn for.
        scored: True if it shows predictions of a model.
        out: The report's folder.

    Returns:
        Its POSIX path relative to `out`.
    """
    marks = []
    if board.synthetic:
        marks.append("synthetic films")
    if scored:
        marks.append("research use, not a medical device")
    width, height = picture.figure.get_size_inches()
    picture.figure.text(
        1 - 0.08 / width, 0.06 / height, " · ".join(marks), size=6.5, color=style.QUIET, ha="right"
    )
    relative = f"figures/{board_key(board)}/{_slug(picture.name)}.png"
    write_atomically(out / relative, encode_png(picture.figure))
    return relative


def encode_png(figure: Figure) -> bytes:
    """Encode a figure as PNG; the same figure gives the same bytes."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    content = _png(pixels)
    for step in (4, 8):
        if len(content) <= LARGEST:
            break
        content = _png(np.minimum(np.rint(pixels / step) * step, 255).astype(np.uint8))
    return content


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    # For these pages level 3 is both faster and smaller than the default, 6.
    Image.fromarray(pixels).save(buffer, "png", compress_level=3)
    return buffer.getvalue()


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9_.]+", "-", text.lower()).strip("-.")
