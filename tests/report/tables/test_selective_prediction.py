"""The table of selective prediction: every cell against a count from the files."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pneumo_tf.data.scoring_variants import MILD_IN_WORDS
from pneumo_tf.predictions import Predictions
from pneumo_tf.recipe import Augment, Head
from pneumo_tf.report.figures import FIGURES, style
from pneumo_tf.report.reading import read_boards
from pneumo_tf.report.tables.selective_prediction import selective_prediction_table
from tests.report.fabricate import RECIPES, fabricate_runs

PLAIN, NET, THUMBNAIL = RECIPES[2], RECIPES[3], RECIPES[-1]
COLUMNS = ("name", "over", "difference", "error", "distance", "spread", "best")


def truth(ids):
    return np.array(["PNEUMONIA" in film for film in ids]).astype(int)


def add(run, kind, draws, noise):
    """Adds draws around the plain scores, and gives them, (draws, films)."""
    plain = run.read_predictions("test")
    rng = np.random.default_rng([run.spec.seed, len(kind), draws])
    scores = plain.score + noise * rng.normal(size=(draws, len(plain.ids)))
    for number, score in enumerate(scores, start=1):
        run.write_predictions(
            f"test@{kind}-{number}", Predictions(plain.ids, score[:, None].astype(np.float32))
        )
    return np.float32(scores)


def aurc_by_hand(wrong, confidence):
    """Without ties."""
    order = sorted(range(len(wrong)), key=lambda film: -confidence[film])
    kept, risks = 0, []
    for count, film in enumerate(order, start=1):
        kept += wrong[film]
        risks.append(kept / count)
    return np.mean(risks)


def lines_of(runs):
    (board,) = read_boards(runs)
    table, name, found = selective_prediction_table(board), "", {}
    for line in table.rows:
        name = line[0] or name
        found[name, line[1]] = dict(zip(COLUMNS, line, strict=True))
    return found, table.notes


@pytest.fixture
def runs(tmp_path):
    return fabricate_runs(tmp_path, (PLAIN, NET, THUMBNAIL), 2, flawed=False)


def of(runs, recipe):
    return [run for run in runs if run.spec.recipe.name == recipe.name]


def test_every_cell_of_the_views_by_hand(runs):
    sets = [add(run, "tta", 4, 2.0) for run in of(runs, NET)]
    labels = truth(of(runs, NET)[0].read_predictions("test").ids)
    plain = [run.read_predictions("test").score for run in of(runs, NET)]
    line = lines_of(runs)[0][NET.name, "4 augmented views"]
    means, spreads = [s.mean(axis=0) for s in sets], [s.std(axis=0) for s in sets]
    wrong = [(mean > 0) != labels for mean in means]
    single = np.mean([((score > 0) != labels).mean() for score in plain])
    assert line["error"] == f"{single:.3f} → {np.mean(wrong):.3f}"
    by_distance = [aurc_by_hand(w, np.abs(m)) for w, m in zip(wrong, means, strict=True)]
    by_spread = [aurc_by_hand(w, -s) for w, s in zip(wrong, spreads, strict=True)]
    assert float(line["distance"]) == pytest.approx(np.mean(by_distance), abs=6e-4)
    assert float(line["spread"]) == pytest.approx(np.mean(by_spread), abs=6e-4)
    gain = [roc_auc_score(labels, m) - roc_auc_score(labels, p) for m, p in zip(means, plain, strict=True)]
    assert float(line["difference"].split()[0]) == pytest.approx(np.mean(gain), abs=6e-3)


def test_a_spread_that_orders_the_errors_reaches_the_best(runs):
    for run in of(runs, NET):
        plain = run.read_predictions("test")
        wrong = (plain.score > 0) != truth(plain.ids)
        for number in (1, 2):
            shift = np.where(wrong, 1e-3, 1e-6) * (-1) ** number
            score = (plain.score + shift)[:, None].astype(np.float32)
            run.write_predictions(f"test@mc-{number}", Predictions(plain.ids, score))
    line = lines_of(runs)[0][NET.name, "2 dropout samples"]
    assert line["spread"] == line["best"]


def test_seeds_have_a_line_and_one_score_of_a_film_has_no_spread(runs):
    lines, notes = lines_of(runs)
    assert lines[NET.name, "2 seeds"]["spread"] != "–"
    alone = lines[THUMBNAIL.name, "1 seed"]
    assert (alone["difference"], alone["spread"]) == ("–", "–")
    assert any("nothing to average" in note for note in notes)
    assert not any("mild" in note or "dropout of" in note for note in notes)


def test_runs_of_unequal_draws_use_those_that_all_have_and_say_which_lack_them(tmp_path):
    runs = fabricate_runs(tmp_path, (NET,), 3, flawed=False)
    for draws, run in zip((5, 3), of(runs, NET)[:2], strict=True):
        add(run, "tta", draws, 1.0)
    assert (NET.name, "3 augmented views (not scored in 1 run)") in lines_of(runs)[0]


def test_what_has_nothing_to_draw_and_whose_views_are_mild_is_said(tmp_path):
    own = replace(NET, name="own", augment=Augment(rotation=5))
    runs = fabricate_runs(tmp_path, (PLAIN, own, THUMBNAIL), 1, flawed=False)
    for run in [*of(runs, PLAIN), *of(runs, own)]:
        add(run, "tta", 2, 1.0)
    add(*of(runs, own), "mc", 2, 1.0)
    notes = lines_of(runs)[1]
    assert PLAIN.head.dropout == Head().dropout == 0 < own.head.dropout
    assert f"Views of {PLAIN.name}, trained without augmentation, are mild: {MILD_IN_WORDS}." in notes
    assert f"No dropout sample of {PLAIN.name}: there is no dropout." in notes


def test_folds_have_a_line_for_their_ensemble(tmp_path):
    runs = fabricate_runs(tmp_path, (NET,), 1, protocol="cv5", flawed=False)
    scores = np.stack([run.read_predictions("test").score for run in runs])
    labels = truth(next(iter(runs)).read_predictions("test").ids)
    add(next(iter(runs)), "mc", 2, 1.0)
    lines = lines_of(runs)[0]
    line = lines[f"{NET.name}, 5 folds", "5 folds: the ensemble"]
    wrong = (scores.mean(axis=0) > 0) != labels
    assert line["error"].endswith(f"→ {wrong.mean():.3f}")
    assert float(line["spread"]) == pytest.approx(aurc_by_hand(wrong, -scores.std(axis=0)), abs=6e-4)
    assert (f"{NET.name}, 5 folds", "2 dropout samples (not scored in 4 runs)") in lines


def test_the_figure_draws_a_curve_for_each_way(runs):
    add(of(runs, NET)[0], "tta", 2, 1.0)
    (board,) = read_boards(runs)
    with style.applied():
        (page,) = FIGURES["risk_coverage"].draw(board)
    curves = {ax.get_title(): len(ax.lines) for ax in page.figure.axes}
    assert curves == {NET.name: 4, PLAIN.name: 3, THUMBNAIL.name: 2}
    for ax in page.figure.axes:
        best, *others = (line.get_ydata() for line in ax.lines)
        assert all((best <= other + 1e-12).all() for other in others[:1])
