"""Joining predictions with the film table."""

import numpy as np
import pytest

from pneumo_tf.data.films import Film, Films
from pneumo_tf.errors import UserError
from pneumo_tf.evaluation.labelled_predictions import check_complete, join_labels
from pneumo_tf.predictions import Predictions

FILMS = Films(
    (
        Film("a.jpeg", 0, "normal", "n-1", "test", 10, 10, "0"),
        Film("b.jpeg", 1, "virus", "v-1", "test", 10, 10, "1"),
        Film("c.jpeg", 1, "bacteria", "b-1", "test", 10, 10, "2"),
    )
)


def test_labels_patients_and_kinds_follow_the_order_of_the_predictions():
    scored = join_labels(Predictions(("c.jpeg", "a.jpeg"), np.array([[0, 2], [3, 1]], np.float32)), FILMS)
    assert scored.labels.tolist() == [1, 0]
    assert scored.patients.tolist() == ["b-1", "n-1"]
    assert scored.subtypes.tolist() == ["bacteria", "normal"]
    assert scored.score.tolist() == [2.0, -2.0]
    assert scored.predicted.tolist() == [True, False]
    assert scored.probability == pytest.approx([1 / (1 + np.exp(-2)), 1 / (1 + np.exp(2))])


def test_probability_of_extreme_scores_does_not_overflow():
    scored = join_labels(Predictions(("a.jpeg", "b.jpeg"), np.array([[-2000], [2000]], np.float32)), FILMS)
    with np.errstate(all="raise", under="ignore"):
        assert scored.probability.tolist() == [0.0, 1.0]


def test_a_set_of_the_same_films_shares_what_is_known_of_them():
    first = join_labels(Predictions(("a.jpeg", "b.jpeg"), np.ones((2, 1), np.float32)), FILMS)
    again = join_labels(Predictions(("a.jpeg", "b.jpeg"), np.zeros((2, 1), np.float32)), FILMS, first)
    other = join_labels(Predictions(("b.jpeg", "a.jpeg"), np.zeros((2, 1), np.float32)), FILMS, first)
    assert again.patients is first.patients
    assert other.labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("ids", "logit", "message"),
    [
        (("a.jpeg", "x.jpeg"), 0.0, "1 predicted films are not in the film table, such as 'x.jpeg'"),
        (("b.jpeg", "b.jpeg"), 0.0, "'b.jpeg' is predicted twice"),
        (("b.jpeg", "a.jpeg"), np.nan, "the score of 'b.jpeg' is not a number"),
        (("a.jpeg", "b.jpeg"), np.inf, "the score of 'a.jpeg' is not a number"),
    ],
)
def test_predictions_that_cannot_be_scored_are_an_error(ids, logit, message):
    with pytest.raises(UserError, match=message):
        join_labels(Predictions(ids, np.full((2, 1), logit, np.float32)), FILMS)


def test_the_first_score_that_is_not_a_number_is_named():
    logits = np.array([[0, 1], [0, np.nan], [np.nan, 0]], np.float32)
    with pytest.raises(UserError, match="'b.jpeg' is not a number"):
        join_labels(Predictions(("a.jpeg", "b.jpeg", "c.jpeg"), logits), FILMS)


def test_sets_that_lack_a_film_or_hold_another_name_it():
    check_complete(("b", "a"), ("a", "b"))
    with pytest.raises(UserError, match="2 of 3 films are missing, such as 'b'"):
        check_complete(("a",), ("c", "a", "b"))
    with pytest.raises(UserError, match="1 films do not belong to the set, such as 'c'"):
        check_complete(("a", "c"), ("a",))
