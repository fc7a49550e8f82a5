"""A damaged run is a row with a reason; every number of the others stands."""

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.report import write_report
from pneumo_tf.report.board import Board
from pneumo_tf.report.provenance import warnings
from pneumo_tf.report.reading import read_boards
from pneumo_tf.report.saliency.measures import read_explanations
from pneumo_tf.report.tables.registry import TABLES
from pneumo_tf.report.tables.unfinished import unfinished
from pneumo_tf.run_folder import RunFolder
from pneumo_tf.runs import Runs
from tests.report.fabricate import RECIPES, fabricate_runs

CHOSEN = (RECIPES[2], RECIPES[3], RECIPES[5])
"""Two small CNNs and a trivial row: with the seeds below, four runs that are done."""

Change = Callable[[Path], None]


def write(content: str | bytes) -> Change:
    return lambda path: path.write_bytes(content.encode() if isinstance(content, str) else content) and None


def cut(share: float) -> Change:
    def change(path: Path) -> None:
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    return change


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def packed(content: bytes) -> Change:
    def change(path: Path) -> None:
        path.unlink()
        path.with_name(f"{path.name}.gz").write_bytes(content)

    return change


def values(**changed: object) -> Change:
    """Change keys of a JSON file; `...` removes one."""

    def change(path: Path) -> None:
        content = json.loads(path.read_text("utf-8")) | changed
        path.write_text(json.dumps({k: v for k, v in content.items() if v is not ...}), "utf-8")

    return change


def of_another_run(path: Path) -> None:
    """Put the file of the same name of another run in its place."""
    folder = next(parent for parent in path.parents if (parent / "status.json").exists())
    others = sorted(folder.parent.glob(f"*/{path.relative_to(folder)}"))
    shutil.copy(next(file for file in others if file != path), path)


def of_other_films(path: Path) -> None:
    """Put the run's predictions of its other set in the place of these."""
    (other,) = [file for file in path.parent.iterdir() if file != path]
    shutil.copy(other, path)


def lines(edit: Callable[[list[str]], list[str]]) -> Change:
    def change(path: Path) -> None:
        path.write_text("\n".join(edit(path.read_text("utf-8").splitlines())) + "\n", "utf-8")

    return change


NOISE = np.random.default_rng(3).bytes(700)
ANY = {
    "empty": write(""),
    "half": cut(0.5),
    "cut": cut(0.83),
    "noise": write(NOISE),
    "not UTF-8": write(b"\xff\xfe{\x00"),
    "folder": as_folder,
    "no gz": packed(b"this is no gz"),
    "gz cut": packed(gzip.compress(NOISE)[:-30]),
}
JSON = {
    "list": write("[]"),
    "number": write("3"),
    "null": write("null"),
    "text": write('"done"'),
    "deep": write("[" * 100_000),
}
STATUS = {
    "no state": values(state=...),
    "state unknown": values(state="finished"),
    "state is a list": values(state=["done"]),
    "at is text": values(at="yesterday"),
    "at is NaN": values(at=float("nan")),
    "reason is a number": values(reason=3),
    "missing": Path.unlink,
}
SPEC = {
    "no recipe": values(recipe=...),
    "recipe is text": values(recipe="net"),
    "recipe is null": values(recipe=None),
    "no seed": values(seed=...),
    "seed is text": values(seed="0"),
    "unknown key": values(colour="red"),
    "dataset is a number": values(dataset=4),
    "dataset unknown": values(dataset="0123456789abcdef"),
    "protocol is a list": values(protocol=[]),
    "fold is text": values(fold="first"),
    "harness is text": values(harness="one"),
    "another harness": values(harness=1),
    "no harness": values(harness=...),
    "another run": of_another_run,
    "missing": Path.unlink,
}
PREDICTIONS = {
    "missing": Path.unlink,
    "NaN": lines(lambda own: [*own[:5], own[5].split(",")[0] + ",nan,nan", *own[6:]]),
    "inf": lines(lambda own: [*own[:5], own[5].split(",")[0] + ",inf,0", *own[6:]]),
    "text": lines(lambda own: [*own[:5], own[5].split(",")[0] + ",high,0", *own[6:]]),
    "film unknown": lines(lambda own: [*own, "elsewhere.jpeg,0.0,1.0"]),
    "film twice": lines(lambda own: [*own, own[4]]),
    "film missing": lines(lambda own: own[:-1]),
    "other films": of_other_films,
    "column missing": lines(lambda own: [line.rpartition(",")[0] for line in own[:4]] + own[4:]),
    "column more": lines(lambda own: [f"{line},1" for line in own]),
    "header alone": lines(lambda own: own[:1]),
    "NUL": write(b"film,logit\n\x00,1\n"),
}
COSTS = {
    "missing": Path.unlink,
    "text": values(parameters="many"),
    "seconds": values(seconds=[1]),
    "stage": values(seconds={"a": "b"}),
}
ENVIRONMENT = {
    "missing": Path.unlink,
    "device": values(device=["GPU"]),
    "notes": values(notes="none"),
    "note": values(notes=[1]),
}
EXPLANATIONS = {
    "no films": values(films=...),
    "film unknown": values(films=["a.jpeg"]),
    "grid": values(grid="7"),
    "methods": values(methods=[]),
    "too short": values(methods={"grad_cam": {"title": "Grad-CAM", "border": [0.1]}}),
    "maps": values(maps=["zz"]),
    "sanity": values(sanity=[]),
}
HISTORY = {
    "missing": Path.unlink,
    "header alone": lines(lambda own: own[:1]),
    "text": lines(lambda own: [own[0], own[1] + "x", *own[2:]]),
    "columns": lines(lambda own: [line.rpartition(",")[0] for line in own[:1]] + own[1:]),
    "names": lines(lambda own: [own[0].replace("train_loss", "loss"), *own[1:]]),
}


def without(name: str) -> Change:
    def change(path: Path) -> None:
        with np.load(path) as arrays:
            left = {key: arrays[key] for key in arrays.files if key != name}
        np.savez(path, **left)

    return change


def short(path: Path) -> None:
    with np.load(path) as arrays:
        np.savez(path, **({key: arrays[key] for key in arrays.files} | {"maps": arrays["maps"][:1]}))


def no_archive(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.ones(3))


PICTURES = {"no maps": without("maps"), "no ids": without("ids"), "short": short, "array": no_archive}
PLAIN = {name: change for name, change in ANY.items() if "gz" not in name}
COSTLY = {
    "status.json": ANY | JSON | STATUS,
    "run.json": ANY | JSON | SPEC,
    "predictions/test.csv": ANY | PREDICTIONS,
    "predictions/validation.csv": ANY | PREDICTIONS,
}
EXTRA = {
    "costs.json": ANY | JSON | COSTS,
    "environment.json": ANY | JSON | ENVIRONMENT,
    "explanations.json": ANY | JSON | EXPLANATIONS,
    "history.csv": PLAIN | HISTORY,
    "pictures/explained.npz": PLAIN | PICTURES,
}


def cases(table: dict[str, dict[str, Change]]) -> list:
    return [
        pytest.param(file, change, id=f"{file}-{name}")
        for file, changes in table.items()
        for name, change in changes.items()
    ]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five runs that are done, each with every file that a run may leave."""
    root = tmp_path_factory.mktemp("whole")
    for folder in fabricate_runs(root, CHOSEN, seeds=2, n_test=40, n_train=80, flawed=False):
        ids = list(folder.read_predictions("test").ids[:4])
        measures = {"grad_cam": {"title": "Grad-CAM", "border": [0.1, 0.2, 0.3, None]}}
        folder.write_json("explanations.json", {"grid": [2, 2], "films": ids, "methods": measures})
        films = {"pixels": np.zeros((4, 8, 8), np.uint8), "maps": np.ones((4, 8, 8), np.float32)}
        folder.write_arrays("explained", {"ids": np.array(ids), "common": np.ones(4, bool), **films})
    return root


@pytest.fixture
def runs(whole: Path, tmp_path: Path) -> Runs:
    return Runs(shutil.copytree(whole, tmp_path / "runs"))


def victim(runs: Runs) -> RunFolder:
    return next(folder for folder in runs if folder.path.name.startswith("cnn_baseline-official-seed0"))


def numbers(board: Board) -> dict[str, list[object]]:
    """Every run's own metrics, by row."""
    return {
        row.name: [repr(sorted((name, known.runs) for name, known in row.estimates.items()))]
        for row in board.rows
        if row.runs
    }


def board_of_others(runs: Runs) -> Board:
    """The board that holds the rows that nothing was done to, as it has to be read and put into tables."""
    board = max(read_boards(runs), key=lambda board: len(board.rows))
    for table in TABLES.values():
        table.markdown(board)
    read_explanations(board)
    for row in board.rows:
        _ = row.explained, row.augmented, row.history
    return board


@pytest.mark.parametrize(("file", "change"), cases(COSTLY))
def test_a_damaged_run_costs_its_own_numbers_alone(whole, runs, file, change):
    before, folder = numbers(read_boards(Runs(whole))[0]), victim(runs)
    change(folder.path / file)
    boards = read_boards(runs)
    after = numbers(board_of_others(runs))
    del before["cnn_baseline"]
    assert {name: after[name] for name in before} == before
    assert all(folder.path.name not in [run.path.name for run in row.runs] for b in boards for row in b.rows)
    listed = [line for board in boards for line in unfinished(board).rows]
    faults = [line[4] for line in listed if line[0] in ("cnn_baseline", folder.path.name)]
    assert any(
        file in fault or "is not named after its id" in fault or "films.csv" in fault for fault in faults
    )


@pytest.mark.parametrize(("file", "change"), cases(EXTRA))
def test_a_damaged_extra_costs_no_number_and_is_noted(whole, runs, file, change):
    before, folder = numbers(read_boards(Runs(whole))[0]), victim(runs)
    change(folder.path / file)
    board = board_of_others(runs)
    assert numbers(board) == before
    (row,) = [row for row in board.rows if row.name == "cnn_baseline"]
    (fault,) = row.damaged_extras
    assert f"{folder.path.name}/{file}" in fault
    assert fault.split(":")[0] in TABLES["run_notes"].markdown(board).replace("\\", "")


def test_runs_without_pictures_explanations_and_models_are_whole(whole, runs):
    """Such runs are published: what is left out is not drawn, and nothing is wrong with them."""
    for folder in runs:
        shutil.rmtree(folder.path / "pictures")
        (folder.path / "explanations.json").unlink()
        (folder.path / "model.keras").write_bytes(NOISE)
    board = board_of_others(runs)
    assert numbers(board) == numbers(read_boards(Runs(whole))[0])
    assert not [fault for row in board.rows for fault in row.damaged_extras]


def test_predictions_of_another_run_on_the_same_films_are_warned_of(runs):
    (board,) = read_boards(runs)
    assert not [line for line in warnings(board) if "test scores" in line]
    folder, other = victim(runs), list(runs)[1]
    assert (other.spec.recipe, other.spec.seed) == (folder.spec.recipe, 1)
    shutil.copy(other.path / "predictions/test.csv", folder.path / "predictions/test.csv")
    (board,) = read_boards(runs)
    (line,) = [line for line in warnings(board) if "test scores" in line]
    assert folder.path.name in line and other.path.name in line


def test_validation_films_that_are_reported_on_are_refused_in_a_single_run(tmp_path):
    runs = fabricate_runs(tmp_path, CHOSEN[:1], seeds=1, n_test=40, n_train=80, flawed=False)
    (folder,) = runs
    of_other_films(folder.path / "predictions/validation.csv")
    ((row,),) = [board.rows for board in read_boards(runs)]
    assert not row.runs
    assert "predictions/validation.csv: 40 films are also in 'test'" in row.unfinished[0].reason


def test_validation_films_of_another_fold_are_refused(tmp_path):
    runs = fabricate_runs(tmp_path, CHOSEN[:1], seeds=1, n_test=40, n_train=200, protocol="cv5", flawed=False)
    first, second, *_ = runs
    shutil.copy(second.path / "predictions/validation.csv", first.path / "predictions/validation.csv")
    ((row,),) = [board.rows for board in read_boards(runs)]
    assert len(row.runs) == 4
    (damaged,) = row.unfinished
    assert damaged.name == first.path.name and "predictions/validation.csv" in damaged.reason


def test_a_damaged_film_table_costs_its_board_alone(runs, tmp_path):
    fabricate_runs(tmp_path / "runs", CHOSEN[:1], seeds=1, n_test=20, n_train=40, flawed=False)
    before = {board.dataset: numbers(board) for board in read_boards(runs)}
    first, second = before
    for name in ("films.csv", "dataset.json"):
        for change in (*PLAIN.values(), write("[]"), write("film,label\na,b\n"), write('{"title": 3}')):
            file = runs.dataset_folder(second) / name
            kept = file.read_bytes()
            change(file)
            (board,) = read_boards(runs)
            assert numbers(board) == before[first]
            assert any(second in line[4] for line in unfinished(board).rows)
            if file.is_dir():
                file.rmdir()
            file.write_bytes(kept)


def test_the_report_of_several_damaged_runs_is_written(runs, tmp_path):
    folders = list(runs)
    (folders[0].path / "status.json").write_text("")
    (folders[1].path / "predictions/test.csv").write_bytes(NOISE)
    (folders[2].path / "pictures/explained.npz").write_bytes(NOISE)
    (folders[2].path / "costs.json").write_text("[]")
    (folders[3].path / "run.json").write_text("null")
    (folders[4].path / "environment.json").unlink()
    (folders[4].path / "costs.json").unlink()
    page = write_report(runs.root, tmp_path / "out").read_text("utf-8")
    for fault in ("status.json", "predictions/test.csv", "pictures/explained.npz", "costs.json", "run.json"):
        assert fault in page
