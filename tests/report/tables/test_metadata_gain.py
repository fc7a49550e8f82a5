"""The image score with age, sex and view, fitted on out-of-fold scores: against scikit-learn."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from pneumo_tf.report.cross_validation import cross_validations
from pneumo_tf.report.image_and_metadata import measure_image_and_metadata, score_with_metadata
from pneumo_tf.report.reading import read_boards
from pneumo_tf.report.tables.metadata_gain import metadata_gain_table
from tests.report.fabricate import RECIPES, fabricate_runs


def describe(films, change=None):
    """The films with ages, sexes and views, of which the view depends on the label."""
    rng = np.random.default_rng(0)
    ages = {film.id: str(rng.integers(1, 90)) for film in films}
    sexes = {film.id: "MF"[rng.integers(2)] for film in films}
    views = {film.id: ("PA", "AP")[int(rng.random() < 0.2 + 0.6 * film.label)] for film in films}
    for film in films:
        if change and change(film):
            ages[film.id], sexes[film.id], views[film.id] = "", "X", "lateral"
    return replace(films, covariates={"age": ages, "sex": sexes, "view": views})


def described(board, change=None):
    films = describe(board.films, change)
    return replace(board, films=films, rows=tuple(replace(row, films=films) for row in board.rows))


@pytest.fixture(scope="module")
def folded(tmp_path_factory):
    network = next(recipe for recipe in RECIPES if recipe.phases)
    trivial = next(recipe for recipe in RECIPES if not recipe.phases)
    root = tmp_path_factory.mktemp("runs")
    return read_boards(fabricate_runs(root, [network, trivial], 2, protocol="cv5", flawed=False))[0]


def by_hand(films, out_of_fold, test, with_score):
    """Test scores of a regression on columns that are standardised by hand on the training films."""

    def columns(scored):
        at = films.indices(scored.ids)
        age = np.array(films.column("age"), float)[at]
        sex, view = (np.array(films.column(name))[at] for name in ("sex", "view"))
        numbers = [age, scored.score] if with_score else [age]
        return np.stack(numbers, 1), np.stack([sex == "F", sex == "M", view == "AP", view == "PA"], 1)

    (numbers, categories), (test_numbers, test_categories) = columns(out_of_fold), columns(test)
    mean, sd = numbers.mean(axis=0), numbers.std(axis=0)
    regression = LogisticRegression(class_weight="balanced", max_iter=2000)
    regression.fit(np.hstack([(numbers - mean) / sd, categories]), out_of_fold.labels)
    return regression.decision_function(np.hstack([(test_numbers - mean) / sd, test_categories]))


def test_aucs_are_those_of_scikit_learn(folded):
    board = described(folded)
    (found,) = measure_image_and_metadata(board)
    (folds,) = [one for one in cross_validations(board) if not one.row.trivial]
    sets = list(zip(folds.out_of_fold, folds.ensembles, strict=True))
    assert len(sets) == 2 and found.row is folds.row
    for estimate, with_score in ((found.metadata, False), (found.both, True)):
        aucs = [roc_auc_score(test.labels, by_hand(board.films, oof, test, with_score)) for oof, test in sets]
        assert estimate.runs == pytest.approx(aucs, abs=1e-4)
    aucs = [roc_auc_score(test.labels, test.score) for _, test in sets]
    assert found.image.runs == pytest.approx(aucs)
    assert found.gain.value == pytest.approx(found.both.value - found.image.value)
    assert found.gain.low < found.gain.value < found.gain.high
    assert found.gain.half_width < found.both.half_width + found.image.half_width


def test_test_films_never_enter_the_fit(folded):
    board, moved = described(folded), described(folded, lambda film: film.split == "test" and film.label)
    (folds,) = [one for one in cross_validations(board) if not one.row.trivial]
    out_of_fold, test = folds.out_of_fold[0], folds.ensembles[0]
    flipped = replace(test, score=np.where(test.labels == 1, -99.0, test.score), labels=1 - test.labels)
    before = score_with_metadata(board.films, out_of_fold, test)
    after = score_with_metadata(moved.films, out_of_fold, flipped)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one[test.labels == 0], other[test.labels == 0])
        assert (one[test.labels == 1] != other[test.labels == 1]).all()


def test_there_is_no_table_without_metadata_or_folds(folded, tmp_path):
    assert metadata_gain_table(folded).rows == []
    official = read_boards(fabricate_runs(tmp_path, RECIPES[:1], 1, flawed=False))[0]
    assert metadata_gain_table(described(official)).rows == []


def test_the_table_has_a_line_for_each_network(folded):
    board = described(folded)
    (line,) = metadata_gain_table(board).rows
    assert line[0] == next(row.name for row in board.rows if not row.trivial)
    assert all("[" in cell for cell in line[1:])


def test_an_age_that_is_no_number_is_named_in_place_of_the_table(folded):
    board = described(folded)
    ages = dict.fromkeys(board.films.covariates["age"], "forty")
    films = replace(board.films, covariates={**board.films.covariates, "age": ages})
    rows = tuple(replace(row, films=films) for row in board.rows)
    table = metadata_gain_table(replace(board, films=films, rows=rows))
    assert not table.rows and "is 'forty', not a number of years" in table.empty
