"""Speed of inference, measured with a fake clock that a fake model advances."""

import numpy as np
import pytest

from benchmarks.worker import costs
from benchmarks.worker.costs import measure_latencies, measure_throughput

PIXELS = np.zeros((50, 4, 4), np.uint8)


class Model:
    """A predictor that takes a fixed time for a call, more for each film, and more at its first calls."""

    def __init__(self, monkeypatch, batch, call, film, slow=()):
        self.batch, self.call, self.film, self.slow = batch, call, film, list(slow)
        self.now, self.batches = 0.0, []
        monkeypatch.setattr(costs, "perf_counter", lambda: self.now)

    def __call__(self, pixels, rows):
        assert rows.max() < len(pixels)
        self.batches.append(len(rows))
        self.now += self.call + self.film * len(rows) + (self.slow.pop(0) if self.slow else 0.0)


def test_latency_is_of_single_films_without_the_first_calls(monkeypatch):
    times = measure_latencies(Model(monkeypatch, 128, call=0.003, film=0.001, slow=(5, 5)), PIXELS)
    np.testing.assert_allclose(times, 0.004)
    assert len(times) == pytest.approx(125, abs=1), "as many as half a second takes"


@pytest.mark.parametrize(("seconds", "calls"), [(1e-5, 200), (2.0, 20)])
def test_number_of_latency_calls_is_bounded_for_fast_and_slow_models(monkeypatch, seconds, calls):
    assert len(measure_latencies(Model(monkeypatch, 128, call=seconds, film=0), PIXELS)) == calls


def test_the_best_throughput_is_found_among_batches_up_to_the_predictors_own(monkeypatch):
    model = Model(monkeypatch, 128, call=0.01, film=1e-4)
    best = measure_throughput(model, PIXELS)
    assert best.batch == 128
    assert best.films_per_second == pytest.approx(128 / (0.01 + 0.0128))
    assert set(model.batches) == {8, 32, 128}


def test_a_slow_model_is_not_measured_with_large_batches(monkeypatch):
    model = Model(monkeypatch, 128, call=0.0, film=0.02)
    assert measure_throughput(model, PIXELS).films_per_second == pytest.approx(50)
    assert set(model.batches) == {8}


def test_a_predictor_of_small_batches_stays_small(monkeypatch):
    model = Model(monkeypatch, 4, call=0.0, film=1e-4)
    assert measure_throughput(model, PIXELS).batch == 4
