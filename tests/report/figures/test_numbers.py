"""What figures show is right: against scikit-learn, and against counting by hand."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn import metrics as sk

from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.metrics import compute_metrics
from pneumo_tf.report.board import Board
from pneumo_tf.report.figures import (
    class_balance,
    confusion,
    histograms,
    missed,
    operating_curves,
    sheet,
    style,
    training,
)
from pneumo_tf.report.figures.key_numbers import key_numbers, provenance
from pneumo_tf.report.reading import read_boards
from tests.report.fabricate import fabricate_runs


def scored(labels, score) -> LabelledPredictions:
    labels, score = np.asarray(labels, np.int8), np.asarray(score, np.float64)
    ids = tuple(map(str, range(len(labels))))
    kinds = np.where(labels == 1, "virus", "normal")
    return LabelledPredictions(ids, labels, score[:, None].astype(np.float32), score, np.array(ids), kinds)


def drawn(films: int, seed: int, decimals: int) -> LabelledPredictions:
    """Random films; few decimals make ties."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(films) % 3 > 0).astype(int)
    return scored(labels, np.round(rng.normal(labels, 1.0), decimals))


RUNS = [[drawn(90, 1, 6)], [drawn(90, 2, 0)], [drawn(90, 3, 1), drawn(90, 4, 1), drawn(90, 5, 6)]]
FOLDS = [drawn(61, 6, 1), drawn(90, 7, 6), drawn(75, 8, 0)]


@pytest.fixture(scope="module")
def board(tmp_path_factory) -> Board:
    return read_boards(fabricate_runs(tmp_path_factory.mktemp("runs"), seeds=2, n_test=90))[0]


@pytest.mark.parametrize("run", [run for runs in RUNS for run in runs])
def test_roc_points_are_those_of_scikit_learn(run):
    ours = operating_curves.roc_points(run)
    x, y, _ = sk.roc_curve(run.labels, run.score, drop_intermediate=False)
    np.testing.assert_allclose(ours.x, x)
    np.testing.assert_allclose(ours.y, y)


@pytest.mark.parametrize("runs", [*RUNS, FOLDS])
def test_the_area_below_the_mean_roc_is_the_mean_auc(runs):
    curve = operating_curves.mean_roc(runs)
    assert (np.diff(curve.x) >= 0).all() and (np.diff(curve.y) >= -1e-12).all()
    expected = np.mean([sk.roc_auc_score(run.labels, run.score) for run in runs])
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(expected, abs=1e-12)


def test_the_mean_roc_of_equal_runs_passes_their_points():
    run = drawn(90, 9, 1)
    mean, single = operating_curves.mean_roc([run, run]), operating_curves.roc_points(run)
    for x, y in zip(*single, strict=True):
        there = mean.y[np.isclose(mean.x, x)]
        assert there.min() - 1e-9 <= y <= there.max() + 1e-9


@pytest.mark.parametrize("runs", [*RUNS, FOLDS])
def test_the_area_below_the_mean_precision_is_the_mean_average_precision(runs):
    curve = operating_curves.mean_precision(runs)
    expected = np.mean([sk.average_precision_score(run.labels, run.score) for run in runs])
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("run", [run for runs in RUNS for run in runs])
def test_precision_points_are_those_of_scikit_learn(run):
    ours = operating_curves.precision_points(run)
    precision, recall, _ = sk.precision_recall_curve(run.labels, run.score)
    theirs = set(zip(recall.round(9), precision.round(9), strict=True))
    assert set(zip(ours.x.round(9), ours.y.round(9), strict=True)) <= theirs
    assert (np.diff(ours.x) > 0).all() and ours.x[-1] == 1


def test_curves_of_one_class_are_not_defined():
    run = scored([1, 1, 1], [0.2, -1.0, 3.0])
    assert not operating_curves.mean_roc([run, run]).defined
    assert not operating_curves.precision_points(scored([0, 0], [1.0, 2.0])).defined


def test_dots_stand_where_the_threshold_is():
    run = RUNS[0][0]
    called = run.score > 0
    sensitivity = sk.recall_score(run.labels, called)
    assert operating_curves.roc_point(run) == pytest.approx(
        (1 - sk.recall_score(run.labels, called, pos_label=0), sensitivity)
    )
    assert operating_curves.precision_point(run) == pytest.approx(
        (sensitivity, sk.precision_score(run.labels, called))
    )


def test_the_legend_says_the_auc_of_scikit_learn(board):
    with style.applied():
        figure = next(operating_curves.draw_roc_curves(board)).figure
    lines = {text.get_text() for text in figure.legends[0].get_texts()}
    for row in (row for row in board.rows if row.ranked):
        expected = np.mean([sk.roc_auc_score(run.labels, run.score) for run in row.test])
        assert any(line.startswith(f"{expected:.3f} [") and line.endswith(f"  {row.name}") for line in lines)


def test_confusion_cells_are_those_of_scikit_learn(board):
    rows = [row for row in board.rows if row.ranked]
    with style.applied():
        figure = next(confusion.draw_confusion_matrices(board)).figure
    assert len(figure.axes) == len(rows)
    for ax, row in zip(figure.axes, rows, strict=True):
        counts = np.mean([sk.confusion_matrix(run.labels, run.score > 0) for run in row.test], axis=0)
        shares = counts / counts.sum(axis=1, keepdims=True)
        cells = [text.get_text().split("\n") for text in ax.texts]
        assert [float(count) for count, _ in cells] == pytest.approx(counts.ravel(), abs=0.051)
        assert [share for _, share in cells] == [f"{share:.0%}" for share in shares.ravel()]
        assert row.name in ax.get_title().replace("\n", "")
        assert ("mean of 2 seeds" in ax.get_title()) == (len(row.runs) == 2)


def test_a_label_without_films_has_no_percentage():
    ax = Figure().add_subplot()
    confusion.draw_confusion_matrix(ax, np.array([[0.0, 0.0], [3.0, 1.0]]))
    assert [text.get_text() for text in ax.texts] == ["0\nno films", "0\nno films", "3\n75%", "1\n25%"]


def test_missed_pneumonia_is_counted_and_compared(board):
    rows = [row for row in board.rows if row.ranked]
    counts = {
        row.name: np.mean([((run.labels == 1) & (run.score <= 0)).sum() for run in row.test]) for row in rows
    }
    reference = missed.reference_row(rows).name
    with style.applied():
        figure = next(missed.draw_missed_pneumonia(board)).figure
    bars = figure.axes[0]
    names = [label.get_text().replace("\n", "") for label in bars.get_yticklabels()]
    assert names == sorted(names, key=lambda name: counts[name])
    for name, patch, text in zip(names, bars.patches, bars.texts, strict=True):
        assert patch.get_width() == pytest.approx(counts[name])
        expected = missed.format_count(counts[name])
        gap = missed.format_change(counts[name], counts[reference])
        assert text.get_text() == (expected if name == reference else f"{expected}  ({gap})")


def test_the_reference_is_the_best_trained_row_else_a_trivial_one(board):
    rows = [row for row in board.rows if row.ranked]
    auc = {row.name: sk.roc_auc_score(run.labels, run.score) for row in rows for run in row.test[:1]}
    single = [replace(row, runs=row.runs[:1], specs=row.specs[:1]) for row in rows]
    trained = [row for row in single if not row.trivial]
    assert missed.reference_row(single).name == max((row.name for row in trained), key=auc.get)
    assert missed.reference_row([row for row in single if row.trivial]).trivial
    assert missed.reference_row([]) is None


@pytest.mark.parametrize(
    ("value", "held", "shown"), [(12, 20, "−8"), (20.5, 20, "+0.5"), (20, 20, "±0"), (20.01, 20, "±0")]
)
def test_differences_are_signed(value, held, shown):
    assert missed.format_change(value, held) == shown


@pytest.mark.parametrize("score", [[-3.0, 0.0, 5.0], [2.0, 2.0, 2.0], [-1e-9, -2.0, -1.0], [0.0, 0.0, 0.0]])
def test_histograms_hold_every_film_and_part_at_the_threshold(score):
    edges = histograms.score_bins(np.array(score))
    assert np.isclose(edges, 0, atol=1e-12).any()
    assert np.histogram(score, edges)[0].sum() == len(score)


def test_class_balance_counts_films_and_patients(board):
    groups = class_balance.split_classes(board)
    films, patients = class_balance.count_subtypes(groups["test", 1])
    own = [film for film in board.films if film.split == "test" and film.label == 1]
    assert films["virus"] == sum(film.subtype == "virus" for film in own)
    assert patients["virus"] == len({film.patient for film in own if film.subtype == "virus"})
    assert sum(len(group) for group in groups.values()) == len(board.films)


def test_training_marks_the_kept_epoch_and_the_phases(board):
    row = next(row for row in board.rows if len(row.recipe.phases) == 2 and row.runs)
    history, kept = row.history, training.kept_epoch(row)
    figure = Figure()
    ax = figure.add_subplot()
    training.draw_auc(ax, history, kept)
    curve, mark, boundary = ax.get_lines()
    assert list(curve.get_ydata()) == [epoch["validation_auc"] for epoch in history]
    assert list(mark.get_xdata()) == [kept]
    assert list(boundary.get_xdata()) == [row.recipe.phases[0].epochs + 0.5] * 2


def test_an_undefined_validation_auc_can_be_drawn(board):
    row = next(row for row in board.rows if row.history)
    blank = [epoch | {"validation_auc": np.nan} for epoch in row.history]
    training.draw_auc(Figure().add_subplot(), blank, 1)


def test_the_sheet_says_what_its_numbers_rest_on(board):
    row = next(row for row in board.rows if row.ranked and not row.trivial)
    lines = {line.title: line for line in key_numbers(row)}
    expected = np.mean([compute_metrics(run.labels, run.score)["macro_f1"][0] for run in row.test])
    assert lines["Macro F1"].value == f"{expected:.3f}"
    assert " to " in lines["AUC"].interval and float(lines["AUC"].sd) >= 0
    assert float(lines["Validation AUC"].value) == pytest.approx(row.validation_auc, abs=5e-4)
    known = provenance(board, row)
    assert known["Seeds"] == "0, 1"
    assert f"n = {len(row.test[0])}: " in known["Test films"]
    assert {"Dataset", "Protocol", "Initial", "Precision", "Device", "Model"} <= set(known)


def test_a_failed_seed_stands_on_the_sheet(board):
    row = next(row for row in board.rows if row.runs and row.unfinished)
    assert provenance(board, row)["Unfinished"] == "seed 2 failed"


def test_there_is_a_sheet_for_every_row_with_a_run(board):
    with style.applied():
        names = [page.name for page in sheet.draw_evaluation_sheets(board)]
    assert names == [f"sheet-{row.name}-{row.protocol}" for row in board.rows if row.runs]


def test_strokes_differ_among_sixteen_rows():
    given = style.strokes([False] * 16 + [True] * 3)
    assert len({(stroke.color, stroke.linestyle) for stroke in given}) == len(given)
    assert all(stroke.linestyle != "-" for stroke in given[16:])


@pytest.mark.parametrize("name", ["short", "a_name_of_some_length", "x" * 70, "many_words_" * 9])
def test_folded_names_fit(name):
    lines = style.fold(name, 20).split("\n")
    assert len(lines) <= 2 and max(map(len, lines)) <= 24


@pytest.mark.parametrize("width", [24, 30])
def test_folded_names_keep_their_spaces(width):
    lines = style.fold("mobilenetv2_frozen, ensemble of five folds", width).split("\n")
    assert len(lines) == 2
    assert all(len(line) <= width for line in lines)
    assert " ".join(lines) == "mobilenetv2_frozen, ensemble of five folds"
