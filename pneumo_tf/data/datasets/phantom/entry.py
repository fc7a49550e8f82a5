"""Entry of the phantom; the code that draws its films is imported only to draw them."""

import os
from pathlib import Path

import numpy as np

from pneumo_tf.data.datasets import kermany
from pneumo_tf.data.datasets.dataset import Masks
from pneumo_tf.data.datasets.dataset_source import DatasetSource, Progress, SourceSeries
from pneumo_tf.data.datasets.film_list import FilmList
from pneumo_tf.data.datasets.phantom.spec import RECORD, PhantomSpec
from pneumo_tf.data.datasets.reading_options import ReadingOptions
from pneumo_tf.data.formats.registry import decode
from pneumo_tf.errors import UserError


def find(path: Path) -> Path:
    """Find the record of a phantom in its root, or next to its folder of films.

    Raises:
        UserError: If there is none.
    """
    record = _find_record(path)
    if record is None:
        raise UserError(f"there is no {RECORD}")
    return record


def list_films(path: Path, options: ReadingOptions) -> FilmList:
    """List the films of a phantom, which have the names and folders of the set by Kermany et al. 2018.

    Args:
        path: The root of the phantom, or its folder of films.
        options: Options of the user, which are not used.

    Raises:
        UserError: If a folder is missing or empty.
    """
    record = _find_record(path)
    return kermany.list_films(record.parent / "chest_xray" if record else path)


def open_masks(root: Path, kind: str) -> Masks | None:
    """Open the masks that were drawn with the films: `<phantom>/<kind>/<film>.png`.

    Args:
        root: Folder that film ids are relative to.
        kind: `"masks"` for opacities or `"lungs"`.

    Returns:
        Function from a film id to its mask, (height, width) uint8 of 0 and 255, None if it has no file.
        Without a folder of that kind, None instead of the function.
    """
    folder = root.parent / kind
    if not folder.is_dir():
        return None

    def read(film_id: str) -> np.ndarray | None:
        path = (folder / film_id).with_suffix(".png")
        return decode(path.read_bytes()) if path.exists() else None

    return read


def _find_record(path: Path) -> Path | None:
    records = (place / RECORD for place in (path, path.parent))
    return next((record for record in records if os.path.isfile(record)), None)


def _draw(root: Path, progress: Progress | None) -> Path:
    from pneumo_tf.data.datasets.phantom.writer import write_phantom

    return write_phantom(PhantomSpec(), root, progress)


PHANTOM = DatasetSource(
    name="phantom",
    title="Phantom: synthetic films",
    folder=f"phantom-{PhantomSpec().fingerprint[:8]}",
    find=find,
    list_films=list_films,
    notice="Synthetic films, drawn by this program: no patient was examined, none is fit for diagnosis.",
    licence="none needed: no patient was examined",
    sides=("train folder", "test folder"),
    protocols=kermany.PROTOCOLS,
    series=SourceSeries(
        kermany.source_series,
        "Normal films have the two series of the set whose file names they have; both are drawn alike.",
    ),
    misleading_number=kermany.KERMANY.misleading_number,
    set_apart=kermany.is_set_apart,
    open_masks=open_masks,
    draw=_draw,
)
"""Synthetic films for machines without data."""
