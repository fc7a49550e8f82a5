"""The one owner of a run folder: its id, its states, its files, how they are written and read."""

import csv
import dataclasses
import hashlib
import io
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from pneumo_tf.atomic import write_atomically
from pneumo_tf.data.datasets.dataset_source import Dataset
from pneumo_tf.data.datasets.registry import stored_source
from pneumo_tf.data.films import Films
from pneumo_tf.failures import RunFailure
from pneumo_tf.recipe import Recipe
from pneumo_tf.stored_files import (
    DamagedFile,
    read_json_object,
    read_npz,
    read_number_rows,
    read_text,
    unreadable,
)


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
    """Read `to_csv`, gzipped if the name ends in `.gz`.

    Raises:
        DamagedFile: If the file is damaged, or a line is no film with its logits; it names the first.
    """
    text = read_text(path)
    try:
        header, *rows = csv.reader(io.StringIO(text))
    except csv.Error as error:
        raise unreadable(path, error) from error
    except ValueError:
        raise DamagedFile(path, "it holds no logits") from None
    try:
        ids, *columns = zip(header, *rows, strict=True)
        logits = np.array([list(map(float, column[1:])) for column in columns], np.float32).T
        if not logits.size or logits.shape[1] > 2:
            raise ValueError
    except ValueError:
        raise DamagedFile(path, _first_fault(header, rows)) from None
    return Predictions(ids[1:], logits)


def _first_fault(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Names the first line of a prediction file that is no film with its logits."""
    for number, row in enumerate(rows, start=2):
        try:
            if len(row) == len(header) > 1 and np.array(row[1:], np.float32).size:
                continue
        except ValueError:
            pass
        return f"line {number}, {','.join(row)!r}, is no film with its logits"
    return "it holds no logits" if len(header) < 4 else f"it has {len(header)} columns"


HARNESS_VERSION = 2
"""Raised by the commit that changes results by more than rounding, so that runs from before are run again."""

State = Literal["planned", "running", "done", "failed", "interrupted"]
STATES = get_args(State)


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
        """What the run is.

        Raises:
            DamagedFile: If `run.json` is missing or holds no run.
        """
        path = self.path / "run.json"
        try:
            spec = RunSpec.from_dict(self.read_json("run.json"))
            _check_types(spec)
            _ = spec.id
        except DamagedFile:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            raise DamagedFile(path, f"holds no run: {error}") from error
        return spec

    @property
    def status(self) -> dict[str, Any]:
        """`state`, `reason`, `kind` and `at`, with what else `set_status` was given; `{}` without a file.

        A damaged file is a run that failed, of the kind `damaged`: it is listed, and can be run again.
        """
        try:
            status = self.read_json("status.json")
            if status:
                _check_status(self.path / "status.json", status)
        except DamagedFile as error:
            return {"state": "failed", "kind": "damaged", "reason": self.fault(error), "at": 0.0}
        return status

    def fault(self, error: DamagedFile) -> str:
        """A damaged file of the run and what is wrong with it, its path within the folder."""
        return f"{error.path.relative_to(self.path)}: {error.fault}"

    def damage(self) -> str:
        """The first of the spec and the prediction files that cannot be read, "" if all can."""
        try:
            _ = self.spec
            for name in {"test", "validation", *self.prediction_sets()}:
                self.read_predictions(name)
        except DamagedFile as error:
            return self.fault(error)
        return ""

    @property
    def state(self) -> State | None:
        """How far the run came, None if it was never planned."""
        return self.status.get("state")

    def fail(self, failure: RunFailure) -> None:
        """Record that the run failed, and why."""
        self.set_status("failed", failure.reason, kind=failure.kind)

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
        """Remove every result, and leave the run as it was planned."""
        for item in self.path.iterdir():
            if item.name not in ("run.json", "status.json", "lock"):
                shutil.rmtree(item) if item.is_dir() else item.unlink()
        self.set_status("planned")

    def write_json(self, name: str, values: Mapping[str, Any]) -> None:
        """Write a JSON file of the run, in place of whatever is there."""
        path, packed = self.path / name, self.path / f"{name}.gz"
        if path.is_dir():
            shutil.rmtree(path)
        write_atomically(path, json.dumps(values, indent=1, ensure_ascii=False) + "\n")
        packed.unlink(missing_ok=True)

    def read_json(self, name: str) -> dict[str, Any]:
        """Read a JSON file of the run, gzipped or not, `{}` if it has none.

        Raises:
            DamagedFile: If the file cannot be read or is no object.
        """
        path = self.path / name
        packed = self.path / f"{name}.gz"
        if packed.exists():
            return read_json_object(packed)
        return read_json_object(path) if path.exists() else {}

    def write_history(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Writes one row per epoch; every row has the same keys."""
        write_atomically(self.path / "history.csv", _csv(list(rows[0]), [list(row.values()) for row in rows]))

    def read_history(self) -> list[dict[str, float]]:
        """Read the rows of `write_history`, `[]` if nothing was trained.

        Raises:
            DamagedFile: If the file cannot be read.
        """
        path = self.path / "history.csv"
        return read_number_rows(path) if path.exists() else []

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
            DamagedFile: If the run has no such set, or a line of its file cannot be read.
        """
        path = self.predictions_file(name)
        if not path.exists():
            raise DamagedFile(path, "is missing")
        return read_file(path)

    def prediction_sets(self) -> list[str]:
        """Names of the sets that were predicted."""
        files = (self.path / "predictions").glob("[!.]*.csv*")
        return sorted({file.name.split(".csv")[0] for file in files})

    def write_arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Writes `pictures/<name>.npz`: pixels and maps that the report draws."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        write_atomically(self.path / "pictures" / f"{name}.npz", buffer.getvalue())

    def read_arrays(self, name: str) -> dict[str, np.ndarray]:
        """Read `pictures/<name>.npz`, `{}` if the run has none.

        Raises:
            DamagedFile: If the file cannot be read.
        """
        path = self.path / "pictures" / f"{name}.npz"
        return read_npz(path) if path.exists() else {}

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
        """How far a run came, None where it was never planned here. Writes nothing."""
        return self.folder(spec).state

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
            DamagedFile: If the table is missing, damaged or not the one that the runs were made with, or the
                dataset is of a source that is not known here.
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
                raise TypeError("the title is no text")
            films = source.tabulate(Films.from_csv(read_text(table)))
        except DamagedFile as error:
            raise DamagedFile(error.path, error.fault, COPY) from error
        except (ValueError, TypeError, KeyError, AttributeError, csv.Error) as error:
            raise DamagedFile(folder, f"holds no film table: {error}", COPY) from error
        if films.fingerprint != fingerprint:
            raise DamagedFile(table, f"was changed after its runs were made{_contradiction(films)}", COPY)
        return Dataset(source, title, root, films)


COPY = "copy it again from where the runs were made"


def _contradiction(films: Films) -> str:
    """Names the first film whose label is not that of its kind, where there is one."""
    odd = (film for film in films if film.label != int(film.subtype != "normal"))
    first = next(odd, None)
    found = f"; {first.id!r} is {first.subtype} with label {first.label}" if first else ""
    return f": labels, patients or sizes differ{found}"


def _csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _check_types(spec: RunSpec) -> None:
    """Refuse a spec whose values are not of the types that it declares."""
    texts = (spec.protocol, spec.dataset, spec.profile, spec.precision, spec.weights, spec.recipe.name)
    wholes = (spec.seed, spec.harness, spec.fold or 0, spec.train_films or 0)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a name in it is no text")
    if not all(isinstance(whole, int) for whole in wholes):
        raise TypeError("a number in it is no whole number")


def _check_status(path: Path, status: Mapping[str, Any]) -> None:
    """Refuse a status without a known state, or whose reason or time is of another type."""
    if status.get("state") not in STATES:
        raise DamagedFile(path, f"holds no known state, but {status.get('state')!r}")
    at = status.get("at", 0.0)
    if not isinstance(at, int | float) or not np.isfinite(at):
        raise DamagedFile(path, f"holds no time, but {at!r}")
    if not all(isinstance(status.get(key, ""), str) for key in ("reason", "kind")):
        raise DamagedFile(path, "its reason or kind is no text")
