"""Source of a suite's films: a folder named by the user, a fetched dataset, or synthetic films."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.datasets.dataset_source import DatasetSource, Progress
from pneumo_tf.data.datasets.reading_options import NO_OPTIONS, ReadingOptions
from pneumo_tf.data.datasets.registry import DATASETS, recognise
from pneumo_tf.data.datasets.scan import levels
from pneumo_tf.errors import UserError

DATA = Path("data")
"""Folder of the datasets, each in a folder of its own."""

MOUNTS = (Path("/kaggle/input"), Path("/content"))
"""Folders in which Kaggle and Colab mount datasets, searched if none was fetched."""

MOUNT_LEVELS = 2
"""Levels below a mount at which folders of datasets are; the films may be in their subfolders."""

NOT_SEARCHED = "drive"
"""Folder of Google Drive on Colab: listing it takes minutes."""

SYNTHETIC = "SYNTHETIC FILMS: results test the suite and have no medical meaning."


@dataclass(frozen=True)
class Source:
    """Films on disk, or still to be generated.

    Args:
        dataset: Description of the dataset.
        path: Its folder.
        notes: Warnings about the choice, one line each.
        options: Facts about the films that the user gives.
    """

    dataset: DatasetSource
    path: Path
    notes: tuple[str, ...] = ()
    options: ReadingOptions = NO_OPTIONS

    @property
    def ready(self) -> bool:
        """Whether its films exist already."""
        return not (self.dataset.synthetic and self.dataset.lacks(self.path))


def find_source(wanted: str, options: ReadingOptions = NO_OPTIONS) -> Source:
    """Choose the films.

    Args:
        wanted: `"auto"` for the first dataset that was fetched or that Kaggle or Colab has mounted, or
            synthetic films if there is none; the name of a dataset; a folder of films, or a CSV that lists
            them.
        options: Facts about the films that the user gives.

    Raises:
        UserError: If there is no such folder, or it holds no known dataset.
    """
    return replace(_find_source(wanted), options=options)


def _find_source(wanted: str) -> Source:
    if wanted == "auto":
        return _first_fetched() or _first_mounted() or _synthetic(f"There is no {_folders()}. {_advice()}")
    if wanted not in DATASETS:
        path = Path(os.path.expanduser(wanted))
        if path.suffix.lower() == ".zip" and path.is_file():
            raise UserError(
                f"{path} is a zip; `python -m benchmarks.fetch NAME --zip {path}` takes the films out of it"
            )
        dataset = recognise(path)
        # Mark synthetic films that are given by folder too, so that nobody takes them for real ones.
        return Source(dataset, path, (SYNTHETIC,) if dataset.synthetic else ())
    dataset = DATASETS[wanted]
    if not dataset.folder:
        raise UserError(f"name the place of the films: --data PATH; {wanted} is how it will be read")
    if dataset.synthetic:
        return Source(dataset, DATA / dataset.folder, (SYNTHETIC,))
    if not (DATA / dataset.folder).is_dir():
        raise UserError(f"there is no {DATA / dataset.folder}. {_advice()}")
    return Source(dataset, DATA / dataset.folder)


def read_source(
    source: Source, cache: Path | None, sizes: Path | None, progress: Callable[[str], Progress]
) -> tuple[Dataset, list[str]]:
    """Read the films of a source; synthetic ones are generated if they do not exist yet.

    Args:
        source: Source from `find_source`.
        cache: Folder for the index of the films; None to store none.
        sizes: CSV of original pixel sizes.
        progress: Function that returns a progress callback for a named task.

    Returns:
        The dataset, and how it differs from the published set, one line each.

    Raises:
        UserError: If the folder does not hold that dataset.
    """
    generate_if_missing(source, progress)
    dataset = source.dataset.read(
        source.path,
        options=source.options,
        cache=cache,
        sizes=sizes,
        progress=progress("reading film headers"),
    )
    return dataset, source.dataset.count_differences(dataset.films)


def generate_if_missing(source: Source, progress: Callable[[str], Progress]) -> None:
    """Generate the films of a synthetic source that is not ready.

    Args:
        source: Source from `find_source`.
        progress: Function that returns a progress callback for a named task.
    """
    if not source.ready:
        source.dataset.draw(source.path, progress("generating synthetic films"))


def _first_fetched() -> Source | None:
    places = ((dataset, DATA / dataset.folder) for dataset in _real())
    return next((Source(dataset, path) for dataset, path in places if path.is_dir()), None)


def _real() -> list[DatasetSource]:
    """Return the datasets of real films that have a folder of their own."""
    return [dataset for dataset in DATASETS.values() if dataset.folder and not dataset.synthetic]


def _first_mounted() -> Source | None:
    fetched = [dataset for dataset in DATASETS.values() if dataset.download]
    for path in _mounted_folders():
        dataset = next((dataset for dataset in fetched if not dataset.lacks(path)), None)
        if dataset:
            return Source(dataset, path, (f"Films found in {path}; --data names another folder.",))
    return None


def _mounted_folders() -> Iterator[Path]:
    """List the folders of all mounts that may contain a dataset, level by level."""
    for mount in filter(Path.is_dir, MOUNTS):
        for level in islice(levels(mount, MOUNT_LEVELS), 1, None):
            for listing in level:
                if listing.path.split("/")[0] != NOT_SEARCHED:
                    yield mount / listing.path


def _synthetic(reason: str) -> Source:
    dataset = next(dataset for dataset in DATASETS.values() if dataset.synthetic)
    return Source(dataset, DATA / dataset.folder, (SYNTHETIC, reason))


def _folders() -> str:
    return " or ".join(str(DATA / dataset.folder) for dataset in _real())


def _advice() -> str:
    names = " or ".join(dataset.name for dataset in DATASETS.values() if dataset.download)
    return f"For real films: python -m benchmarks.fetch {names}, or --data FOLDER."
