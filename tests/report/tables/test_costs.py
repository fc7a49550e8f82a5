"""Tables and figure of costs: counted by hand, with dashes for what was not measured."""

import numpy as np
import pytest

from pneumo_tf.report.figures import cost, style
from pneumo_tf.report.reading import read_boards
from pneumo_tf.report.tables.inference_cost import inference_cost_table
from pneumo_tf.report.tables.run_time import run_time_table
from pneumo_tf.report.tables.training_cost import training_cost_table
from pneumo_tf.runs import Runs
from tests.report.fabricate import RECIPES, fabricate_runs

GPU = "NVIDIA A100-SXM4-40GB"


def lines(table):
    return {row[0]: dict(zip(table.header, row, strict=True)) for row in table.rows}


def board_of(runs):
    (board,) = read_boards(runs)
    return board


@pytest.fixture
def on_gpu(tmp_path):
    """Two seeds of one network with figures chosen by hand, and a trivial row."""
    runs = fabricate_runs(tmp_path, [RECIPES[2], RECIPES[-1]], n_test=60, flawed=False, device=GPU)
    for seed, folder in enumerate(folder for folder in runs if folder.spec.recipe.phases):
        seconds = {"start": 3.0, "data": 0.2, "decode": 0.3, "train": 7000.0 + 400 * seed, "total": 130.0}
        own = {
            "seconds": seconds,
            "trace_seconds": 12.0,
            "wait_share": 0.04 + 0.02 * seed,
            "features_reused": 0.5 * seed,
            "flops_per_second": (90 + 6 * seed) * 1e12,
            "peak_flops_per_second": 300e12,
            "energy_joules": 3.6e6,
            "epochs": 10,
            "train_films": 5000,
            "peak_host_mb": 2000.0 + 500 * seed,
            "peak_device_mb": 7000.0,
            "parameters": 2_000_000,
            "flops_per_film": 0.6e9,
            "latency_ms": 2.0 + seed,
            "latency_p95_ms": 4.0,
            "films_per_second": 1500.0,
            "films_per_second_batch": 128 >> 2 * seed,
            "batch": 32,
            "micro_batches": 2,
        }
        folder.write_json("costs.json", own)
    return runs


def test_the_table_of_times(on_gpu):
    row = lines(run_time_table(board_of(on_gpu)))["cnn_baseline"]
    assert (row["Start"], row["Films"], row["Training"]) == ("3.0 s", "0.5 s", "2.0 h")
    assert (row["First calls"], row["In all"]) == ("12 s", "2 min")
    assert "Saving" not in row


def test_the_table_of_training(on_gpu):
    table = training_cost_table(board_of(on_gpu))
    assert set(lines(table)) == {"cnn_baseline"}, "what scikit-learn fits trains no network"
    row = lines(table)["cnn_baseline"]
    assert (row["Waiting"], row["GFLOP/s"], row["Share of peak"]) == ("5.0 %", "93,000", "31 %")
    assert row["Features reused"] == "25 %"
    # 1,000 Wh for ten epochs of 5,000 films.
    assert row["Energy (Wh)"] == "20.00"
    assert (row["Host memory"], row["GPU memory"]) == ("2.5 GB", "7.0 GB")
    assert (row["Batch"], row["Device"]) == ("32 in 2 micro-batches", GPU)


def test_the_table_of_use(on_gpu):
    row = lines(inference_cost_table(board_of(on_gpu)))["cnn_baseline"]
    assert (row["Parameters"], row["GFLOPs per film"], row["Best films/s"]) == ("2,000,000", "0.60", "1,500")
    assert row["Batch"] == "32, 128"
    assert (row["Latency, median (ms)"], row["Latency, 95th percentile (ms)"]) == ("2.5", "4.0")


def test_what_no_run_measured_is_named_below(tmp_path):
    runs = fabricate_runs(tmp_path, RECIPES[2:4], n_test=60, flawed=False)
    table = training_cost_table(board_of(runs))
    assert not {"Share of peak", "Energy (Wh)", "GPU memory"} & set(table.header)
    (note,) = table.notes
    assert all(title in note for title in ("Share of peak", "Energy (Wh)", "GPU memory"))


def test_runs_from_before_have_dashes_where_others_have_figures(tmp_path):
    runs = fabricate_runs(tmp_path, RECIPES[2:4], seeds=1, n_test=60, flawed=False)
    old = next(folder for folder in runs if folder.spec.recipe.name == "cnn_baseline")
    old.write_json("costs.json", {"seconds": {"train": 30.0}, "latency_ms": 5.0, "parameters": 7})
    rows = lines(inference_cost_table(board_of(runs)))
    assert rows["cnn_baseline"]["GFLOPs per film"] == "–"
    assert rows["cnn_regularised"]["GFLOPs per film"] != "–"
    assert lines(training_cost_table(board_of(runs)))["cnn_baseline"]["GFLOP/s"] == "–"
    for folder in runs:
        folder.write_json("costs.json", {})
    assert run_time_table(board_of(runs)).markdown() == inference_cost_table(board_of(runs)).markdown() == ""


@pytest.mark.parametrize("seed", range(20))
def test_the_front_holds_what_no_other_beats(seed):
    rng = np.random.default_rng(seed)
    price, value = rng.integers(1, 8, 12).astype(float), rng.integers(1, 8, 12) / 8
    front = cost.pareto_front(price, value)
    beaten = [
        any(
            price[j] <= price[i] and value[j] >= value[i] and (price[j], value[j]) != (price[i], value[i])
            for j in range(12)
        )
        for i in range(12)
    ]
    expected = {(price[i], value[i]) for i in range(12) if not beaten[i]}
    assert [(price[i], value[i]) for i in front] == sorted(expected)


def test_points_are_at_cost_and_auc(tmp_path):
    runs = fabricate_runs(tmp_path, n_test=80, flawed=False)
    (board,) = read_boards(runs)
    with style.applied():
        (page,) = cost.draw_auc_against_cost(board)
    networks = [row for row in board.rows if not row.trivial]
    trivial = max(row.estimates["auc"].value for row in board.rows if row.trivial)
    for ax, name in zip(page.figure.axes, ("flops_per_film", "latency_ms"), strict=False):
        points = {
            (line.get_xdata()[0], line.get_ydata()[0])
            for line in ax.lines
            if line.get_marker() in cost.MARKERS.values() and len(line.get_xdata())
        }
        unit = 1e9 if name == "flops_per_film" else 1
        expected = {
            (np.mean([known[name] for known in row.costs]) / unit, row.estimates["auc"].value)
            for row in networks
        }
        np.testing.assert_allclose(sorted(points), sorted(expected))
        assert [line.get_ydata()[0] for line in ax.lines if line.get_ydata()[:1] == [trivial]], "trivial row"


def test_without_costs_there_is_no_figure(tmp_path):
    runs = fabricate_runs(tmp_path, RECIPES[2:4], n_test=60, flawed=False)
    for folder in Runs(runs.root):
        folder.write_json("costs.json", {})
    (board,) = read_boards(runs)
    assert list(cost.draw_auc_against_cost(board)) == []


@pytest.mark.parametrize(
    ("low", "high"), [(3.1, 6.0), (0.004, 0.03), (1.0, 900.0), (140.0, 1e5), (7.0, 14.0)]
)
def test_a_logarithmic_axis_has_at_least_three_round_ticks(low, high):
    ticks = cost._ticks(low, high)
    assert 3 <= len(ticks) <= 9
    assert all(low <= tick <= high for tick in ticks)
