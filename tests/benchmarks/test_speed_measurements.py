"""Each row of the speed table, measured on few small films."""

from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import tensorflow as tf

from benchmarks.speed import backbones, entries
from benchmarks.speed.fabricated import fabricate_films, fabricate_runs
from benchmarks.speed.speed_setup import Scale, Setup
from benchmarks.speed.table import tabulate_speed
from pneumo_tf.data.augment import random_transforms
from pneumo_tf.report.reading import read_boards

TINY = Scale(
    side=64,
    epoch=96,
    files=24,
    originals=4,
    layers=64,
    step_side=64,
    steps=48,
    frozen=40,
    frozen_epochs=4,
    plain_epochs=3,
    explained=4,
    explained_singly=1,
    scored=(64,),
    runs=8,
    growing_runs=(4, 8),
    growing_films=(64, 256),
    backbone_batch=8,
    backbone_seconds=0.01,
)


def test_a_backbone_is_measured_in_smaller_batches_if_the_device_is_full(monkeypatch):
    batches, lines = [], []

    class Backbone:
        def __init__(self, setup, recipe, gpu):
            batches.append(recipe.batch)

        def training(self):
            if batches[-1] > 2:
                raise tf.errors.InternalError(None, None, "Dst tensor is not initialized.")
            return "training"

        def inference(self):
            return "inference"

    monkeypatch.setattr(backbones, "_Backbone", Backbone)
    setup = SimpleNamespace(scale=TINY, log=lines.append)
    assert list(backbones.measure(setup, ["mobilenetv2"])) == ["training", "inference"]
    assert batches == [8, 4, 2]
    assert len(lines) == 2


def test_fabricated_films_have_the_published_counts():
    films = fabricate_films()
    test = [film for film in films if film.split == "test"]
    assert (len(films), len(test)) == (5856, 624)
    assert (sum(film.label for film in test), len({film.id for film in films})) == (390, 5856)


def test_fabricated_runs_make_boards_with_seeds_and_two_protocols(tmp_path):
    (board,) = read_boards(fabricate_runs(tmp_path, 58))
    assert {row.protocol for row in board.rows} == {"official", "published-test-selected"}
    assert sum(len(row.runs) for row in board.rows) == 58
    assert not any(row.unfinished for row in board.rows)
    assert max(len(row.runs) for row in board.rows) == 2
    trivial = [row for row in board.rows if row.trivial]
    assert [len(row.runs) for row in trivial] == [1] * len(trivial)
    row = next(row for row in board.rows if len(row.runs) == 2)
    assert len(row.test[0]) == 624
    assert not np.array_equal(row.test[0].score, row.test[1].score)


@pytest.fixture(scope="module")
def speed_setup(tmp_path_factory, small_phantom):
    return Setup(small_phantom, False, tmp_path_factory.mktemp("speed"), None, 1, TINY, print)


@pytest.mark.parametrize("without", [{"shift": 0.0, "flip": 0.0}, {"rotation": 0.0}, {}], ids=str)
def test_the_generator_draws_as_we_do(without):
    """A spot off the centre goes to the same places, and as often to either side."""
    import keras

    from benchmarks.speed.pipeline import TWO_PHASE

    side, count, augment = 64, 2000, replace(TWO_PHASE.augment, **without)
    film = np.zeros((side, side), np.float32)
    film[30:34, 44:48] = 1
    film = cv2.GaussianBlur(film, (0, 0), 1)
    generator = keras.src.legacy.preprocessing.image.ImageDataGenerator(
        rotation_range=augment.rotation,
        width_shift_range=augment.shift,
        height_shift_range=augment.shift,
        horizontal_flip=augment.flip > 0,
        fill_mode=augment.fill,
    )
    np.random.seed(0)
    theirs = [_centre(generator.random_transform(film[..., None])[..., 0]) for _ in range(count)]
    ours = [_centre(_warped(film, warp)) for warp in random_transforms(augment, count, side, 0).warp]
    chance = np.std(theirs, axis=0) * np.sqrt(2 / count)
    for moment in (np.mean, np.std):
        assert (np.abs(moment(ours, axis=0) - moment(theirs, axis=0)) < 4 * chance).all()


def _centre(film):
    y, x = np.mgrid[: film.shape[0], : film.shape[1]]
    return (x * film).sum() / film.sum(), (y * film).sum() / film.sum()


def _warped(film, warp):
    return cv2.warpAffine(
        film,
        warp.reshape(2, 3),
        film.shape[::-1],
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def test_scoring_runs(speed_setup):
    (line,) = entries.ENTRIES["e"].resolve()(speed_setup)
    assert len(line.ours) == 1
    assert line.what == "scoring of 64 films"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("letter", "ratios"), [("a", 4), ("b", 2), ("c", 1), ("d", 3), ("f", 0), ("g", 3)], ids=lambda x: str(x)
)
def test_every_row_runs_end_to_end(speed_setup, letter, ratios):
    lines = list(entries.ENTRIES[letter].resolve()(speed_setup))
    assert sum(bool(line.ratios) for line in lines) == ratios
    assert all(len(line.ours) == speed_setup.repeat and min(line.ours) > 0 for line in lines)
    assert all(line.note.endswith(".") for line in lines)
    assert tabulate_speed([(letter, line) for line in lines])


@pytest.mark.slow
def test_backbones_run_where_there_is_no_gpu_too(speed_setup):
    from benchmarks.speed.backbones import measure

    training, inference = measure(speed_setup, ("conv4_gray",))
    assert training.at_least == inference.at_least == 0.9
    assert len(training.ratios) == len(inference.ratios) == 1
    assert "160 px" in training.note
    assert "float32" in training.note
    assert "peak" not in training.note  # of a CPU none is known
