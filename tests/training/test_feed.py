"""The batches of the next epoch are made while the validation films are predicted."""

import dataclasses
import threading

import numpy as np

from pneumo_tf.data import batches
from pneumo_tf.recipe import Phase
from pneumo_tf.training.feed import FilmFeed
from tests.training.trainings import CNN, films_of, trained


def test_an_epoch_is_opened_before_the_validation_of_the_one_before(small_phantom, tmp_path, monkeypatch):
    films, _ = films_of(small_phantom, tmp_path)
    order, real_batches, real_validate = [], FilmFeed.batches, FilmFeed.validate

    def make_batches(self, rows, view):
        order.append(("batches", view[2]))
        return real_batches(self, rows, view)

    def validate(self):
        order.append(("validation", sum(kind == "validation" for kind, _ in order)))
        return real_validate(self)

    monkeypatch.setattr(FilmFeed, "batches", make_batches)
    monkeypatch.setattr(FilmFeed, "validate", validate)
    phase = Phase(epochs=3, learning_rate=1e-3)
    trained(dataclasses.replace(CNN, phases=(phase, phase)), films, tmp_path)
    of_phase = ["batches", "batches", "validation", "batches", "validation", "validation"]
    assert [kind for kind, _ in order] == 2 * of_phase
    assert [epoch for kind, epoch in order if kind == "batches"] == 2 * [0, 1, 2]


def test_the_first_batch_is_made_before_it_is_requested(small_phantom, tmp_path, monkeypatch):
    films, _ = films_of(small_phantom, tmp_path)
    made, warp = threading.Event(), batches._warp

    def watched(*arguments):
        made.set()
        return warp(*arguments)

    monkeypatch.setattr(batches, "_warp", watched)
    iterator = iter(FilmFeed(CNN, films, None).batches(films.train, (0, 0, 0)))
    assert made.wait(timeout=60)
    monkeypatch.undo()
    plain = batches.training_batches(CNN, films.sources, films.train, films.labels, 0, 0, 0)
    for (found, _), (expected, _) in zip(iterator, plain, strict=True):
        np.testing.assert_array_equal(found, expected)
