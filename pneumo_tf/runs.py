"""A folder of runs, with the film tables of their datasets."""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pneumo_tf.atomic import write_atomically
from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.datasets.registry import stored_source
from pneumo_tf.data.films import Films
from pneumo_tf.run_folder import RunFolder, State
from pneumo_tf.run_spec import RunSpec
from pneumo_tf.stored_files import DamagedFile, read_json_object, read_text

COPY = "copy it again from where the runs were made"


class Runs:
    """A folder of runs, with the film tables that their predictions refer to."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def plan(self, spec: RunSpec) -> RunFolder:
        """Return the folder of a run; a new one is created and marked `planned`.

        The description of the recipe, which is not part of the id, is updated in an existing folder.
        """
        folder = self.folder(spec)
        try:
            known = folder.read_json("run.json")
        except DamagedFile:
            known = {}
        if known != json.loads(json.dumps(spec.to_dict())):
            folder.write_json("run.json", spec.to_dict())
        if not folder.status:
            folder.set_status("planned")
        return folder

    def __iter__(self) -> Iterator[RunFolder]:
        files = (path for name in ("run.json", "status.json") for path in self.root.glob(f"*/{name}*"))
        for folder in sorted({path.parent for path in files}):
            yield RunFolder(folder)

    def state(self, spec: RunSpec) -> State | None:
        """Return the state of a run, None if it was never planned here. Writes nothing."""
        return self.folder(spec).state

    def folder(self, spec: RunSpec) -> RunFolder:
        """Return the folder of a run, whether it exists or not. Writes nothing."""
        return RunFolder(self.root / spec.id)

    def dataset_folder(self, fingerprint: str) -> Path:
        """Return the folder of a dataset's film table."""
        return self.root / "datasets" / fingerprint

    def write_films(self, dataset: Dataset) -> None:
        """Store the film table that predictions will be joined to, and what else describes the dataset."""
        folder = self.dataset_folder(dataset.films.fingerprint)
        described = {
            "source": dataset.source.name,
            "title": dataset.title,
            "bits": dataset.bits,
            "notes": dataset.notes,
        }
        write_atomically(folder / "films.csv", dataset.films.to_csv())
        write_atomically(folder / "dataset.json", json.dumps(described, ensure_ascii=False) + "\n")

    def read_films(self, fingerprint: str, root: Path | None = None) -> Dataset:
        """Read a dataset that `write_films` stored.

        Args:
            fingerprint: Fingerprint of its films.
            root: Root folder of the films, None if none will be opened.

        Raises:
            DamagedFile: If the table is missing, damaged or not that of the runs, or the source of the
                dataset is unknown.
        """
        folder = self.dataset_folder(fingerprint)
        table, description = folder / "films.csv", folder / "dataset.json"
        for path in (table, description):
            if not path.exists():
                raise DamagedFile(path, "is missing", COPY)
        try:
            described = read_json_object(description)
            source, title = stored_source(described), described["title"]
            if not isinstance(title, str):
                raise TypeError("the title is not a text")
            bits, notes = _read_depth(described), _read_notes(described)
            films = source.mark_set_apart(Films.from_csv(read_text(table)))
        except DamagedFile as error:
            raise DamagedFile(error.path, error.fault, COPY) from error
        except (ValueError, TypeError, KeyError, AttributeError, csv.Error) as error:
            raise DamagedFile(folder, f"holds no film table: {error}", COPY) from error
        if films.fingerprint != fingerprint:
            raise DamagedFile(table, f"was changed after its runs were made{_contradiction(films)}", COPY)
        return Dataset(source, title, root, films, bits, notes)


def _read_depth(described: Mapping[str, Any]) -> int:
    """Return the depth of a set; older descriptions, of sets of 8 bits alone, have none."""
    bits = described.get("bits", 16)
    if not isinstance(bits, int):
        raise TypeError("the depth is not a number")
    return bits


def _read_notes(described: Mapping[str, Any]) -> tuple[str, ...]:
    notes = described.get("notes", [])
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        raise TypeError("the notes are not texts")
    return tuple(notes)


def _contradiction(films: Films) -> str:
    """Describe how a film table was changed, with the first film whose label is not that of its subtype."""
    usual = Counter((film.subtype, film.label) for film in films)
    odd = (film for film in films if usual[film.subtype, film.label] < usual[film.subtype, 1 - film.label])
    first = next(odd, None)
    found = f"; {first.id!r} is {first.subtype} with label {first.label}" if first else ""
    return f": labels, patients or sizes differ{found}"
