"""The one owner of a run folder: its id, its states, its files, how they are written and read."""

import csv
import dataclasses
import gzip
import hashlib
import io
import json
import shutil
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pneumo_tf.atomic import write_atomically
from pneumo_tf.data.datasets.registry import stored_source
from pneumo_tf.data.films import Dataset, Films
from pneumo_tf.errors import UserError
from pneumo_tf.recipe import Recipe


def score_of_logits(logits: np.ndarray) -> np.ndarray:
    """Return the score of films: logit of pneumonia minus logit of normal, or the single logit.

    Args:
        logits: (n, 1) or (n, 2); two columns are normal and pneumonia.

    Returns:
        (n,) float64.
    """
    logits = logits.astype(np.float64)
    return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits[:, 0]


@dataclass(frozen=True)
class Predictions:
    """Outputs of one model on one set.

    Args:
        ids: Film ids, n of them.
        logits: (n, classes) float32; one column is the logit of pneumonia.
    """

    ids: tuple[str, ...]
    logits: np.ndarray

    @property
    def score(self) -> np.ndarray:
        """(n,) float64: logit of pneumonia minus logit of normal, or the single logit."""
        return score_of_logits(self.logits)


def to_csv(predictions: Predictions) -> str:
    """Predictions as CSV text."""
    columns = ("logit",) if predictions.logits.shape[1] == 1 else ("logit_normal", "logit_pneumonia")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["film", *columns])
    writer.writerows(
        [film, *map(repr, map(float, row))]
        for film, row in zip(predictions.ids, predictions.logits, strict=True)
    )
    return text.getvalue()


def read_file(path: Path) -> Predictions:
    """Reads `to_csv`, gzipped where the name ends in `.gz`.

    Raises:
        UserError: Where the file is damaged, or a line is no film with its logits; it names the first.
    """
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
        header, *rows = csv.reader(io.StringIO(text))
    except (ValueError, EOFError, OSError, zlib.error, csv.Error) as error:
        raise UserError(f"{path} cannot be read: {error}; run it again with --fresh") from error
    try:
        ids, *columns = zip(header, *rows, strict=True)
        logits = np.array([list(map(float, column[1:])) for column in columns], np.float32).T
        if not logits.size:
            raise ValueError
    except ValueError:
        raise UserError(f"{path}: {_unreadable(header, rows)}; run it again with --fresh") from None
    return Predictions(ids[1:], logits)


def _unreadable(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Names the first line of a prediction file that is no film with its logits."""
    for number, row in enumerate(rows, start=2):
        try:
            if len(row) == len(header) > 1 and np.array(row[1:], np.float32).size:
                continue
        except ValueError:
            pass
        return f"line {number}, {','.join(row)!r}, is no film with its logits"
    return "it holds no logits"


HARNESS_VERSION = 2
"""Raised by the commit that changes results by more than rounding, so that runs from before are run again."""

State = Literal["planned", "running", "done", "failed", "interrupted"]


@dataclass(frozen=True)
class RunSpec:
    """What a run is: everything that decides its result.

    Args:
        recipe: As it is run, profile and overrides applied.
        protocol: Name in `pneumo_tf.data.protocols.registry`.
        dataset: Fingerprint of the films.
        profile: `"full"`, `"quick"`, or `"custom: …"` with what was changed.
        seed: Of training; the split has its own.
        fold: For protocols with folds.
        precision: Keras dtype policy, resolved.
        weights: `"random"`, or `"imagenet"` with the digest of the file.
        train_films: Training films used, None for all.
        harness: Version of the harness; runs stored without one are of version 1.
        xla: Steps are compiled with XLA, which rounds and drops units in another way.
    """

    recipe: Recipe
    protocol: str
    dataset: str
    profile: str
    seed: int
    fold: int | None
    precision: str
    weights: str
    train_films: int | None = None
    harness: int = HARNESS_VERSION
    xla: bool = False

    @property
    def id(self) -> str:
        """Readable name and hash: runs of the same id are the same run."""
        values = self._values | {"recipe": self.recipe.distinctive()}
        if not self.xla:
            # A run without XLA keeps the id that it had before this field was there.
            del values["xla"]
        digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:10]
        fold = "" if self.fold is None else f"-fold{self.fold}"
        return f"{self.recipe.name}-{self.protocol}{fold}-seed{self.seed}-{digest}"

    def to_dict(self) -> dict[str, Any]:
        """The spec as JSON-ready values."""
        return self._values | {"recipe": self.recipe.to_dict()}

    @property
    def _values(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "RunSpec":
        """Rebuilds a spec from `to_dict`."""
        return cls(**{"harness": 1, **values, "recipe": Recipe.from_dict(values["recipe"])})


class RunFolder:
    """One run on disk.

    `run.json` says what it is, `status.json` how far it came, `log.txt` what it printed; `history.csv`,
    `predictions/`, `costs.json`, `environment.json`, `pictures/` and `model.keras` are its results, each
    replaced atomically; `work/` holds what is needed only while it runs. A run counts only when `done`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def log(self) -> Path:
        """Where the worker's output goes."""
        return self.path / "log.txt"

    @property
    def work(self) -> Path:
        """Folder for checkpoints, removed when the run is done."""
        return self.path / "work"

    @property
    def model(self) -> Path:
        """The trained model."""
        return self.path / "model.keras"

    @property
    def spec(self) -> RunSpec:
        """What the run is."""
        return RunSpec.from_dict(self.read_json("run.json"))

    @property
    def status(self) -> dict[str, Any]:
        """`state`, `reason` and `at`, with what else `set_status` was given."""
        return self.read_json("status.json")

    @property
    def state(self) -> State:
        """How far the run came."""
        return self.status["state"]

    def set_status(self, state: State, reason: str = "", **more: Any) -> None:
        """Records a state.

        Args:
            state: The new state.
            reason: Why, for `failed` and `interrupted`: one line.
            **more: JSON-ready values that belong to it.
        """
        self.write_json("status.json", {"state": state, "reason": reason, "at": time.time(), **more})
        if state == "done":
            shutil.rmtree(self.work, ignore_errors=True)

    def clear(self) -> None:
        """Removes every result, and leaves the run as it was planned."""
        for item in self.path.iterdir():
            if item.name not in ("run.json", "status.json", "lock"):
                shutil.rmtree(item) if item.is_dir() else item.unlink()
        self.set_status("planned")

    def write_json(self, name: str, values: Mapping[str, Any]) -> None:
        """Writes a JSON file of the run."""
        write_atomically(self.path / name, json.dumps(values, indent=1, ensure_ascii=False) + "\n")

    def read_json(self, name: str) -> dict[str, Any]:
        """Reads a JSON file of the run, gzipped or not, `{}` where it has none."""
        path = self.path / name
        packed = self.path / f"{name}.gz"
        if packed.exists():
            return json.loads(gzip.decompress(packed.read_bytes()))
        return json.loads(path.read_text("utf-8")) if path.exists() else {}

    def write_history(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Writes one row per epoch; every row has the same keys."""
        write_atomically(self.path / "history.csv", _csv(list(rows[0]), [list(row.values()) for row in rows]))

    def read_history(self) -> list[dict[str, float]]:
        """Rows of `write_history`, `[]` where nothing was trained."""
        path = self.path / "history.csv"
        if not path.exists():
            return []
        rows = csv.DictReader(io.StringIO(path.read_text("utf-8")))
        return [{key: float(value) for key, value in row.items()} for row in rows]

    def write_predictions(self, name: str, predictions: Predictions) -> None:
        """Writes `predictions/<name>.csv`.

        Args:
            name: `validation`, `test` or `held_out`; `<set>@<condition>` where the films or the model were
                changed at random.
            predictions: The outputs.
        """
        write_atomically(self.path / "predictions" / f"{name}.csv", to_csv(predictions))

    def predictions_file(self, name: str) -> Path:
        """Where the predictions of a set are: `predictions/<name>.csv`, gzipped or not."""
        plain = self.path / "predictions" / f"{name}.csv"
        packed = plain.with_suffix(".csv.gz")
        return packed if packed.exists() else plain

    def read_predictions(self, name: str) -> Predictions:
        """Reads the predictions of a set.

        Raises:
            UserError: Where the run has no such set, or a line of its file cannot be read.
        """
        path = self.predictions_file(name)
        if not path.exists():
            raise UserError(f"{self.path} has no predictions named {name!r}; run it again with --fresh")
        return read_file(path)

    def prediction_sets(self) -> list[str]:
        """Names of the sets that were predicted."""
        files = (self.path / "predictions").glob("*.csv*")
        return sorted({file.name.split(".csv")[0] for file in files})

    def write_arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Writes `pictures/<name>.npz`: pixels and maps that the report draws."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        write_atomically(self.path / "pictures" / f"{name}.npz", buffer.getvalue())

    def read_arrays(self, name: str) -> dict[str, np.ndarray]:
        """Reads `pictures/<name>.npz`, `{}` where the run has none."""
        path = self.path / "pictures" / f"{name}.npz"
        if not path.exists():
            return {}
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)

    def save_model(self, save: Callable[[Path], None]) -> None:
        """Lets `save` write the model to a temporary path, then puts it in its place."""
        temporary = self.path / "saving.keras"
        save(temporary)
        temporary.replace(self.model)


class Runs:
    """A folder of runs, with the film tables that their predictions are joined to."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def plan(self, spec: RunSpec) -> RunFolder:
        """Gives the folder of a run, made and marked `planned` where it is new.

        What only describes a recipe is not in the id, so a finished run takes a better description on.
        """
        folder = self.folder(spec)
        if folder.read_json("run.json") != json.loads(json.dumps(spec.to_dict())):
            folder.write_json("run.json", spec.to_dict())
        if not folder.status:
            folder.set_status("planned")
        return folder

    def __iter__(self) -> Iterator[RunFolder]:
        for path in sorted(self.root.glob("*/status.json")):
            yield RunFolder(path.parent)

    def state(self, spec: RunSpec) -> State | None:
        """How far a run came, None where it was never planned here. Writes nothing."""
        return self.folder(spec).status.get("state")

    def folder(self, spec: RunSpec) -> RunFolder:
        """Where a run is, or would be. Writes nothing."""
        return RunFolder(self.root / spec.id)

    def dataset_folder(self, fingerprint: str) -> Path:
        """Where the film table of a dataset is kept."""
        return self.root / "datasets" / fingerprint

    def write_films(self, dataset: Dataset) -> None:
        """Store the film table that predictions will be joined to, with the dataset's name and title."""
        folder = self.dataset_folder(dataset.films.fingerprint)
        described = {"source": dataset.source.name, "title": dataset.title}
        write_atomically(folder / "films.csv", dataset.films.to_csv())
        write_atomically(folder / "dataset.json", json.dumps(described, ensure_ascii=False) + "\n")

    def read_films(self, fingerprint: str, root: Path | None = None) -> Dataset:
        """Read a dataset as `write_films` stored it.

        Args:
            fingerprint: Of its films.
            root: Folder that the film ids are relative to, None if no film will be opened.

        Raises:
            UserError: If the table is missing, or is not the one that the runs were made with, or the dataset
                is of a source that is not known here.
        """
        folder = self.dataset_folder(fingerprint)
        if not (folder / "films.csv").exists():
            raise UserError(f"{folder / 'films.csv'} is missing; copy it from where the runs were made")
        described = json.loads((folder / "dataset.json").read_text("utf-8"))
        source = stored_source(described)
        films = source.tabulate(Films.from_csv((folder / "films.csv").read_text("utf-8")))
        if films.fingerprint != fingerprint:
            raise UserError(
                f"{folder / 'films.csv'} was changed after its runs were made{_contradiction(films)}"
            )
        return Dataset(source, described["title"], root, films)


def _contradiction(films: Films) -> str:
    """Names the first film whose label is not that of its kind, where there is one."""
    odd = (film for film in films if film.label != int(film.subtype != "normal"))
    first = next(odd, None)
    found = f"; {first.id!r} is {first.subtype} with label {first.label}" if first else ""
    return f": labels, patients or sizes differ{found}; copy it again from where they were made"


def _csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
