"""The datasets that the suite can read. To add one, write a module with its entry, and list it here."""

import os
from collections.abc import Mapping
from pathlib import Path

from pneumo_tf.data.datasets.class_folders import CLASS_FOLDERS
from pneumo_tf.data.datasets.csv_table import CSV_TABLE
from pneumo_tf.data.datasets.dataset_source import DatasetSource
from pneumo_tf.data.datasets.kermany import KERMANY
from pneumo_tf.data.datasets.nih import NIH
from pneumo_tf.data.datasets.phantom.entry import PHANTOM
from pneumo_tf.data.datasets.rsna import RSNA
from pneumo_tf.errors import UserError, unknown

DATASETS: dict[str, DatasetSource] = {
    source.name: source for source in (PHANTOM, KERMANY, RSNA, NIH, CSV_TABLE, CLASS_FOLDERS)
}
"""Datasets by name, in the order in which a folder is tested: the most specific first."""


def dataset_source(name: str) -> DatasetSource:
    """Return the dataset of a name.

    Raises:
        UserError: If there is none.
    """
    if name not in DATASETS:
        raise unknown("dataset", name, DATASETS)
    return DATASETS[name]


def recognise(path: Path) -> DatasetSource:
    """Find the dataset that a folder or table contains.

    Raises:
        UserError: If it is no known dataset, or there is no such folder or file.
    """
    if not os.path.lexists(path):
        fetched = ", ".join(source.name for source in DATASETS.values() if source.download)
        raise UserError(
            f"there is no folder or table {path}; `python -m benchmarks.fetch NAME` fetches films "
            f"(NAME: {fetched})"
        )
    if path.resolve().parent == path.resolve():
        raise UserError(f"{path} is the whole disk; give the folder of the films")
    reasons = []
    for source in DATASETS.values():
        lacking = source.lacks(path)
        if not lacking:
            return source
        reasons.append(f"{source.name}: {lacking}")
    raise UserError(f"{path} contains no known dataset ({'; '.join(reasons)})")


def stored_source(description: Mapping[str, str]) -> DatasetSource:
    """Return the dataset that a `dataset.json` describes.

    Older descriptions have no name; there were only two datasets, which differ in their titles.

    Raises:
        UserError: If the dataset is unknown.
    """
    if "source" in description:
        return dataset_source(description["source"])
    return PHANTOM if description["title"].startswith("Phantom") else KERMANY
