"""The folder of a run: its states, and reading and writing of its files."""

import csv
import io
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from pneumo_tf.atomic import write_atomically
from pneumo_tf.failures import FAILURES, RunFailure
from pneumo_tf.predictions import Predictions, read_predictions
from pneumo_tf.run_spec import RunSpec
from pneumo_tf.stored_files import DamagedFile, read_json_object, read_npz, read_number_rows

State = Literal["planned", "running", "done", "failed", "interrupted"]
STATES = get_args(State)


class RunFolder:
    """One run on disk.

    `run.json` holds its spec, `status.json` its state, `log.txt` its output; `history.csv`, `predictions/`,
    `costs.json`, `environment.json`, `pictures/` and `model.keras` are its results, each replaced atomically;
    `work/` holds files that are needed only while it runs. A run has results only if it is `done`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def log(self) -> Path:
        """File with the output of the worker."""
        return self.path / "log.txt"

    @property
    def work(self) -> Path:
        """Folder for checkpoints, removed when the run is done."""
        return self.path / "work"

    @property
    def model(self) -> Path:
        """File of the trained model."""
        return self.path / "model.keras"

    @property
    def spec(self) -> RunSpec:
        """Specification of the run.

        Raises:
            DamagedFile: If `run.json` is missing or holds no run.
        """
        path = self.path / "run.json"
        try:
            spec = RunSpec.from_dict(self.read_json("run.json"))
            _ = spec.id
        except DamagedFile:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            raise DamagedFile(path, f"holds no run: {error}") from error
        return spec

    @property
    def status(self) -> dict[str, Any]:
        """`state`, `reason`, `kind`, `at` and the other values of `set_status`; `{}` without a file.

        A damaged file counts as a failure of the kind `damaged`, so that the run is listed and can be
        repeated.
        """
        try:
            status = self.read_json("status.json")
            if status:
                _check_status(self.path / "status.json", status)
        except DamagedFile as error:
            return {"state": "failed", "kind": "damaged", "reason": self.fault(error), "at": 0.0}
        return status

    def fault(self, error: DamagedFile) -> str:
        """Return one line about a damaged file: its path within the folder and the fault."""
        return f"{error.path.relative_to(self.path)}: {error.fault}"

    def damage(self) -> str:
        """Return one line about the first damaged file among spec and predictions, "" if there is none."""
        try:
            _ = self.spec
            for name in {"test", "validation", *self.prediction_sets()}:
                self.read_predictions(name)
        except DamagedFile as error:
            return self.fault(error)
        return ""

    def missing_extras(self) -> list[str]:
        """Return the files, other than predictions, that a finished run must have and that are missing."""
        names = ["costs.json", "environment.json"]
        if self.spec.recipe.phases:
            names.append("history.csv")
        return [
            name
            for name in names
            if not (self.path / name).exists() and not (self.path / f"{name}.gz").exists()
        ]

    @property
    def state(self) -> State | None:
        """State of the run, None if it was never planned."""
        return self.status.get("state")

    def fail(self, failure: RunFailure) -> None:
        """Record that the run failed, and why."""
        self.set_status("failed", failure.reason, kind=failure.kind)

    def set_status(self, state: State, reason: str = "", **more: Any) -> None:
        """Record a state.

        Args:
            state: The new state.
            reason: Reason of `failed` and `interrupted`, one line.
            **more: JSON-ready values stored with it.
        """
        self.write_json("status.json", {"state": state, "reason": reason, "at": time.time(), **more})
        if state == "done":
            shutil.rmtree(self.work, ignore_errors=True)

    def clear(self) -> None:
        """Remove every result, so that the run is planned again."""
        for item in self.path.iterdir():
            if item.name not in ("run.json", "status.json", "lock"):
                shutil.rmtree(item) if item.is_dir() else item.unlink()
        self.set_status("planned")

    def prepare_retry(self) -> None:
        """Plan a failed run again, keeping its checkpoint and model if the kind of failure allows it."""
        failure = FAILURES.get(self.status.get("kind", ""))
        if failure and failure.keeps_work:
            self.set_status("planned")
        else:
            self.clear()

    def write_json(self, name: str, values: Mapping[str, Any]) -> None:
        """Write a JSON file of the run, replacing an existing one, even if it is gzipped or damaged."""
        path, packed = self.path / name, self.path / f"{name}.gz"
        if path.is_dir():
            shutil.rmtree(path)
        write_atomically(path, json.dumps(values, indent=1, ensure_ascii=False) + "\n")
        packed.unlink(missing_ok=True)

    def read_json(self, name: str) -> dict[str, Any]:
        """Read a JSON file of the run, gzipped or not, `{}` if it has none.

        Raises:
            DamagedFile: If the file cannot be read or is not an object.
        """
        path = self.path / name
        packed = self.path / f"{name}.gz"
        if packed.exists():
            return read_json_object(packed)
        return read_json_object(path) if path.exists() else {}

    def write_history(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Write one row per epoch; every row has the same keys."""
        write_atomically(self.path / "history.csv", _csv(list(rows[0]), [list(row.values()) for row in rows]))

    def read_history(self) -> list[dict[str, float]]:
        """Read the rows of `write_history`, `[]` if nothing was trained.

        Raises:
            DamagedFile: If the file cannot be read.
        """
        path = self.path / "history.csv"
        return read_number_rows(path) if path.exists() else []

    def write_predictions(self, name: str, predictions: Predictions) -> None:
        """Write `predictions/<name>.csv`.

        Args:
            name: Name of the set, `validation`, `test` or `held_out`; `<set>@<variant>` for a scoring
                variant.
            predictions: Predictions of the set.
        """
        write_atomically(self.path / "predictions" / f"{name}.csv", predictions.to_csv())

    def predictions_file(self, name: str) -> Path:
        """Return the file with the predictions of a set: `predictions/<name>.csv`, gzipped or not."""
        plain = self.path / "predictions" / f"{name}.csv"
        packed = plain.with_suffix(".csv.gz")
        return packed if packed.exists() else plain

    def read_predictions(self, name: str) -> Predictions:
        """Read the predictions of a set.

        Raises:
            DamagedFile: If the run has no such set, or a line of its file cannot be read.
        """
        path = self.predictions_file(name)
        if not path.exists():
            raise DamagedFile(path, "is missing")
        return read_predictions(path)

    def prediction_sets(self) -> list[str]:
        """Return the names of the predicted sets, sorted."""
        files = (self.path / "predictions").glob("[!.]*.csv*")
        return sorted({file.name.split(".csv")[0] for file in files})

    def write_arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Write `pictures/<name>.npz`: pixels and maps that the report draws."""
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
        """Save the model atomically: `save` writes to a temporary path, which then replaces the old file."""
        temporary = self.path / "saving.keras"
        save(temporary)
        temporary.replace(self.model)


def _csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _check_status(path: Path, status: Mapping[str, Any]) -> None:
    """Check that a status has a known state, and a reason, kind and time of the right type."""
    if status.get("state") not in STATES:
        raise DamagedFile(path, f"has no known state, but {status.get('state')!r}")
    at = status.get("at", 0.0)
    if not isinstance(at, int | float) or not np.isfinite(at):
        raise DamagedFile(path, f"has no time, but {at!r}")
    if not all(isinstance(status.get(key, ""), str) for key in ("reason", "kind")):
        raise DamagedFile(path, "its reason or kind is not a text")
