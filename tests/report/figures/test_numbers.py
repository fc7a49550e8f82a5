"""What figures show is right: against scikit-learn, and against counting by hand."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from sklearn import metrics as sk

from pneumo_tf.data.subtypes import subtype_groups
from pneumo_tf.evaluation.intervals import Estimate
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.metrics import compute_metrics
from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.figures import (
    class_balance,
    comparison,
    confusion,
    difference_map,
    histograms,
    image_sizes,
    missed,
    operating_curves,
    sheet,
    style,
    training,
)
from pneumo_tf.report.figures.key_numbers import key_numbers, provenance
from pneumo_tf.report.figures.scale import rows_of_scale
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


pytestmark = [
    pytest.mark.filterwarnings("error::DeprecationWarning"),
    pytest.mark.filterwarnings("error::PendingDeprecationWarning"),
]

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


def test_dots_are_at_the_threshold():
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
    rows = ranked(board)
    with style.applied():
        figure = next(confusion.draw_confusion_matrices(board)).figure
    assert len(figure.axes) == len(rows)
    for ax, row in zip(figure.axes, rows, strict=True):
        counts = np.mean([sk.confusion_matrix(run.labels, run.score > 0) for run in row.test], axis=0)
        shares = counts / counts.sum(axis=1, keepdims=True)
        cells = [text.get_text().split("\n") for text in ax.texts]
        assert [float(count) for count, _ in cells] == pytest.approx(counts.ravel(), abs=0.051)
        assert [share for _, share in cells] == [percentage(share) for share in shares.ravel()]
        np.testing.assert_allclose(np.ravel(ax.collections[0].get_array()), shares.ravel())
        assert row.name in ax.get_title().replace("\n", "")
        assert ("mean of 2 seeds" in ax.get_title()) == (len(row.runs) == 2)


def percentage(share: float) -> str:
    rounded = f"{share:.0%}"
    return {"0%": "<1%", "100%": ">99%"}.get(rounded, rounded) if 0 < share < 1 else rounded


def test_shares_that_are_not_whole_are_not_written_as_whole():
    shares = (0.0, 0.004, 0.005, 0.014, 0.5, 0.994, 0.995, 0.996, 1.0)
    written = "0% <1% <1% 1% 50% 99% >99% >99% 100%"
    assert " ".join(map(confusion.format_share, shares)) == written


def test_true_labels_are_rows_and_predicted_ones_columns(board):
    with style.applied():
        figure = next(confusion.draw_confusion_matrices(board)).figure
    first = figure.axes[0]
    assert (first.get_ylabel(), figure.axes[len(ranked(board)) - 1].get_xlabel()) == ("true", "predicted")
    places = {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in first.texts}
    top, bottom = (label.get_position()[1] for label in first.get_yticklabels())
    left, right = (label.get_position()[0] for label in first.get_xticklabels())
    run = ranked(board)[0].test
    missed_films = np.mean([((one.labels == 1) & (one.score <= 0)).sum() for one in run])
    assert float(places[bottom, left].split("\n")[0]) == pytest.approx(missed_films, abs=0.051)
    assert first.yaxis_inverted() and top < bottom and left < right


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
    assert names == [row.name for row in ranked(board)]
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


def test_histograms_are_those_of_numpy():
    run = drawn(90, 10, 2)
    ax = Figure().add_subplot()
    histograms.draw_score_histogram(ax, run)
    outlines = {collection.get_edgecolor()[0][:3].tobytes(): collection for collection in ax.collections}
    assert len(outlines) == 2
    edges = histograms.score_bins(run.score)
    for label, color in ((0, style.NORMAL), (1, style.PNEUMONIA)):
        own = run.score[run.labels == label]
        expected = np.histogram(own, edges)[0] / len(own)
        outline = outlines[np.array(to_rgb(color)).tobytes()].get_paths()[0].vertices
        for left, right, share in zip(edges, edges[1:], expected, strict=False):
            inside = outline[np.isclose(outline[:, 0], left)]
            assert np.isclose(inside[:, 1], share).any(), (left, right)


def test_boxes_reach_from_the_5th_to_the_95th_percentile(board):
    with style.applied():
        figure = next(image_sizes.draw_image_sizes(board)).figure
    ends = np.concatenate([line.get_xdata() for line in figure.axes[-1].get_lines()])
    for films in class_balance.split_classes(board).values():
        aspects = np.array([film.width / film.height for film in films])
        low, high = np.percentile(aspects, (5, 95))
        # A whisker ends at the last film within its percentile.
        for expected in (aspects[aspects >= low].min(), aspects[aspects <= high].max(), np.median(aspects)):
            assert np.isclose(ends, expected).any()


def ranked(board: Board) -> list[Row]:
    """The ranked rows by scikit-learn's AUC, the best first."""
    rows = [row for row in board.rows if row.ranked]
    return sorted(rows, key=lambda row: -np.mean([sk.roc_auc_score(r.labels, r.score) for r in row.test]))


def titles(figure: Figure) -> list[str]:
    return [ax.get_title().replace("\n", "") for ax in figure.axes if ax.get_title()]


@pytest.mark.parametrize(
    "draw",
    [
        confusion.draw_confusion_matrices,
        histograms.draw_score_histograms,
        training.draw_training_curves,
    ],
)
def test_panels_are_in_the_order_of_the_ranking(board, draw):
    with style.applied():
        shown = titles(next(draw(board)).figure)
    names = [row.name for row in ranked(board)]
    if draw is training.draw_training_curves:
        names = [row.name for row in ranked(board) if not row.trivial]
    assert all(title.startswith(name) for name, title in zip(names, shown, strict=False))


def test_the_difference_map_shows_what_is_significant(board):
    with style.applied():
        figure = next(difference_map.draw_auc_differences(board)).figure
    rows = ranked(board)
    auc = [np.mean([sk.roc_auc_score(run.labels, run.score) for run in row.test]) for row in rows]
    cells = {text.get_position(): text.get_text() for text in figure.axes[0].texts}
    significant = np.argwhere(board.comparison.significant)
    assert len(cells) == len(significant) > 0
    for row, column in significant:
        shown = float(cells[column + 0.5, row + 0.5].replace("−", "-"))
        assert shown == pytest.approx(auc[row] - auc[column], abs=0.0051)
    (dots,) = figure.axes[0].get_lines()
    assert len(dots.get_xdata()) == len(rows) * (len(rows) - 1) - len(significant)


def estimate(value: float, half: float = 0.02) -> Estimate:
    return Estimate(value, value - half, value + half, np.nan, (value,))


def row_of(value: float, *, trivial: bool = False, half: float = 0.02) -> SimpleNamespace:
    return SimpleNamespace(name=f"{value}", trivial=trivial, estimates={"auc": estimate(value, half)})


@pytest.mark.parametrize(
    ("trained", "trivial", "kept"),
    [
        ((0.99, 0.95, 0.89), (0.90, 0.81, 0.50), (True, True, False)),
        ((0.99, 0.50), (0.90, 0.40), (True, True)),  # A poor trained row is no outlier.
        ((0.95,), (0.90, 0.50), (True, False)),
        ((), (0.90, 0.50), (True, True)),
        ((0.95,), (np.nan, 0.60), (False, True)),  # The best trivial row is always on the scale.
    ],
)
def test_a_far_trivial_row_does_not_set_the_scale(trained, trivial, kept):
    rows = [*map(row_of, trained), *(row_of(value, trivial=True) for value in trivial)]
    assert rows_of_scale(rows, "auc") == [True] * len(trained) + list(kept)


def test_a_row_beyond_the_scale_is_written_at_its_edge(board):
    row = next(row for row in board.ranking if row.trivial)
    far = replace(row, name="far", known_metrics=replace(row.metrics, estimates=constant(row)))
    with style.applied():
        (page, *_) = comparison.draw_metrics(replace(board, rows=(*board.ranking, far)))
        (without, *_) = comparison.draw_metrics(replace(board, rows=board.ranking))
    assert page.figure.axes[0].get_xlim() == pytest.approx(without.figure.axes[0].get_xlim())
    assert [text.get_text() for text in page.figure.axes[0].texts] == ["0.01"]


def constant(row: Row) -> dict[str, Estimate]:
    return {name: Estimate(0.01, 0.01, 0.01, np.nan, (0.01,)) for name in row.estimates}


def test_class_balance_counts_films_and_patients(board):
    groups = class_balance.split_classes(board)
    counts = class_balance.count_units(groups["test", 1], subtype_groups(board.films))
    by_name = {unit: {group.name: n for group, n in found.items()} for unit, found in counts.items()}
    own = [film for film in board.films if film.split == "test" and film.label == 1]
    assert by_name["films"]["virus"] == sum(film.subtype == "virus" for film in own)
    assert by_name["patients"]["virus"] == len({film.patient for film in own if film.subtype == "virus"})
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


def test_a_failed_seed_is_on_the_sheet(board):
    row = next(row for row in board.rows if row.runs and row.unfinished)
    assert provenance(board, row)["Unfinished"] == "seed 2 failed"


def test_there_is_a_sheet_for_every_row_with_a_run(board):
    with style.applied():
        names = [page.name for page in sheet.draw_evaluation_sheets(board)]
    others = [row for row in board.rows if row.runs and not row.ranked]
    assert names == [f"sheet-{row.name}-{row.protocol}" for row in [*ranked(board), *others]]
    assert len(others) == 1


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
