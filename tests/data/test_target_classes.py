"""Classes of models with one, two and three logits."""

import numpy as np
import pytest

from pneumo_tf.data.films import Film, Films
from pneumo_tf.data.target_classes import target_labels, without_target
from pneumo_tf.errors import UserError


def films(*subtypes):
    rows = [
        Film(f"{place}.png", int(subtype != "normal"), subtype, str(place), "train", 9, 9, str(place))
        for place, subtype in enumerate(subtypes)
    ]
    return Films(tuple(rows))


KNOWN = films("virus", "normal", "bacteria", "virus")


@pytest.mark.parametrize(("logits", "expected"), [(1, [1, 0, 1, 1]), (2, [1, 0, 1, 1]), (3, [2, 0, 1, 2])])
def test_labels_by_the_number_of_logits(logits, expected):
    labels = target_labels(KNOWN, logits)
    assert labels.tolist() == expected and labels.dtype == np.int8


def test_films_of_another_subtype_have_no_target_among_three_classes():
    other = films("normal", "pneumonia", "covid", "virus")
    assert without_target(other, 2) == [] and without_target(other, 3) == ["1.png", "2.png"]
    assert target_labels(other, 2).tolist() == [0, 1, 1, 1]
    with pytest.raises(UserError, match="'1.png' has none of the classes normal, bacteria, virus"):
        target_labels(other, 3)
