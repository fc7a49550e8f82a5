"""Boxes that radiologists drew around findings: read from tables, and drawn as masks."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pneumo_tf.data.datasets.csv_cells import read_cells
from pneumo_tf.data.datasets.dataset import Masks
from pneumo_tf.data.formats.registry import read_header
from pneumo_tf.errors import UserError

COLUMNS = ("x", "y", "width", "height")

FINDING = "pneumonia"

ROUNDING = 0.01
"""Fraction of a film's side by which a box may extend beyond it: boxes are drawn by hand, and rounded."""


class Box(NamedTuple):
    """A box on a film, as fractions of the film's sides.

    Args:
        x: Left side.
        y: Upper side.
        width: Width, above 0.
        height: Height, above 0.
    """

    x: float
    y: float
    width: float
    height: float


Boxes = Mapping[str, Sequence[Box]]
"""Boxes by film id."""


def read_box(cells: Sequence[str], place: str, side: float = 1) -> Box:
    """Read a box from the cells of a table.

    Args:
        cells: x, y, width and height.
        place: File and line of the cells, for error messages.
        side: Side of the film in the unit of the cells; 1 if the cells are fractions.

    Raises:
        UserError: If the cells are not numbers, or not a box on the film.
    """
    try:
        box = Box(*(float(cell) / side for cell in cells))
    except ValueError:
        raise UserError(f"{place}: {', '.join(cells)} is not a box of x, y, width and height") from None
    if not (box.width > 0 and box.height > 0 and _on_film(box)):
        raise UserError(f"{place}: the box {', '.join(cells)} does not lie on a film of sides {side:g}")
    return box


def read_table(path: Path) -> dict[str, list[Box]]:
    """Read a CSV of boxes: path, and x, y, width and height as fractions of the film's sides.

    If it has a column `finding`, and one of the findings is pneumonia, boxes of other findings are left out.

    Raises:
        UserError: If the file cannot be read, or a line is invalid.
    """
    lines = [
        (cells["path"].replace("\\", "/"), cells.get("finding", ""), read_box(_numbers(cells), place))
        for place, cells in read_cells(path, ("path", *COLUMNS))
    ]
    chosen = [line for line in lines if FINDING in line[1].lower()] or lines
    boxes: dict[str, list[Box]] = {}
    for film_id, _, box in chosen:
        boxes.setdefault(film_id, []).append(box)
    return boxes


def open_boxes(root: Path, boxes: Boxes) -> Masks:
    """Return the masks of boxes: 255 in every box of a film, None for a film without one.

    Args:
        root: Folder of the films; a mask has the size of the stored image.
        boxes: Boxes by film id.
    """

    def draw(film_id: str) -> np.ndarray | None:
        if not boxes.get(film_id):
            return None
        header = read_header((root / film_id).read_bytes())
        return draw_boxes(boxes[film_id], header.width, header.height)

    return draw


def draw_boxes(boxes: Sequence[Box], width: int, height: int) -> np.ndarray:
    """Draw boxes, at least one pixel each, as a mask: (height, width) uint8, 255 inside and 0 outside."""
    mask = np.zeros((height, width), np.uint8)
    for box in boxes:
        left, right = _pixels(box.x, box.width, width)
        top, bottom = _pixels(box.y, box.height, height)
        mask[top:bottom, left:right] = 255
    return mask


def _pixels(start: float, length: float, side: int) -> tuple[int, int]:
    first = min(max(round(start * side), 0), side - 1)
    return first, max(first + 1, min(round((start + length) * side), side))


def _on_film(box: Box) -> bool:
    if not all(map(math.isfinite, box)):
        return False
    far = max(box.x + box.width, box.y + box.height)
    return min(box.x, box.y) >= -ROUNDING and far <= 1 + ROUNDING


def _numbers(cells: Mapping[str, str]) -> list[str]:
    return [cells[name] for name in COLUMNS]
