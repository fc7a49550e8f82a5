"""A tiny run through `run_all` on phantom films, and a check that all its files exist."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.doctor.step_input import Row, StepInput
from pneumo_tf.data.datasets.phantom.spec import FilmCounts, PhantomSpec
from pneumo_tf.data.datasets.phantom.writer import write_phantom
from pneumo_tf.errors import UserError
from pneumo_tf.run_folder import RunFolder
from pneumo_tf.runs import Runs

SPEC = PhantomSpec(
    seed=3, train=FilmCounts(24, 14, 10), val=FilmCounts(0, 0, 0), test=FilmCounts(6, 4, 4), side=96
)

ON_GPU = ("--profile", "full", "--only", "baseline_cnn,mobilenetv2_finetuned")
ON_CPU = ("--profile", "quick", "--size", "32", "--workers", "1", "--only", "baseline_cnn")

PARTS = ("log.txt", "model.keras", "history.csv", "costs.json", "explanations.json", "predictions/test.csv")
"""Files that a finished run has."""


def measure(step_input: StepInput) -> Iterator[Row]:
    """Generate films, run the suite on them, and check the files of each run.

    Raises:
        UserError: If the suite ended without a run.
    """
    with tempfile.TemporaryDirectory() as scratch:
        root, out = write_phantom(SPEC, Path(scratch) / "phantom"), Path(scratch) / "out"
        options = ["--data", str(root), "--out", str(out), "--films", "40", "--epochs", "1", "--seeds", "1"]
        options += ["--weights", "random", *(ON_GPU if step_input.gpu else ON_CPU)]
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.run_all", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        print(done.stdout, file=sys.stderr)
        folders = list(Runs(out / "runs"))
        yield from map(check_folder, folders)
        last = (done.stdout.strip().splitlines() or ["nothing was printed"])[-1]
        if not folders:
            raise UserError(f"run_all ended with status {done.returncode} and no run: {last}")
        yield check_report(out / "report", done.returncode)


def check_folder(folder: RunFolder) -> Row:
    """Return state and costs of a run, and a problem if it is not done or lacks a file."""
    row: Row = {"run": folder.spec.recipe.name, "precision": folder.spec.precision, "state": folder.state}
    lacking = [part for part in PARTS if not (folder.path / part).exists()]
    if folder.state != "done":
        return row | {"problem": f"{row['run']} is {folder.state}: {folder.status.get('reason', '')}"}
    if lacking:
        return row | {"problem": f"{row['run']} lacks {', '.join(lacking)}"}
    costs = folder.read_json("costs.json")
    return row | {
        "seconds": costs["seconds"]["total"],
        "start_seconds": costs["seconds"].get("start"),
        "train_seconds": costs["seconds"].get("train"),
        "explain_seconds": costs["seconds"].get("explain"),
        "peak_device_mb": costs.get("peak_device_mb"),
        "energy_joules": costs.get("energy_joules"),
    }


def check_report(report: Path, status: int) -> Row:
    """Return whether the leaderboard was written, and a problem if it is missing or `run_all` failed."""
    row: Row = {
        "run": "leaderboard",
        "state": "written" if (report / "leaderboard.md").exists() else "missing",
    }
    if status or row["state"] == "missing":
        row["problem"] = f"run_all ended with status {status}, leaderboard {row['state']}"
    return row
