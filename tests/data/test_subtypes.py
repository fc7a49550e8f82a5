"""Subtypes of any names and number: in which order, and which are taken together."""

import pytest

from pneumo_tf.data.films import Film, Films
from pneumo_tf.data.subtypes import MAX_GROUPS, subtype_groups


def films_of(*kinds):
    return Films(
        tuple(
            Film(f"{at}.png", label, subtype, f"p{at}", "train", 8, 8, f"{at:032x}")
            for at, (label, subtype) in enumerate(kinds)
        )
    )


def test_named_subtypes_come_first_and_keep_their_names():
    films = films_of((1, "virus"), (1, "covid"), (0, "normal"), (1, "bacteria"), (0, "not normal"))
    titles = [group.title for group in subtype_groups(films)]
    assert titles == ["normal", "normal (not normal)", "bacteria", "virus", "pneumonia (covid)"]


def test_a_name_of_the_other_class_is_not_taken_for_it():
    films = films_of((0, "pneumonia"), (1, "normal"), (1, "pneumonia"))
    groups = subtype_groups(films)
    assert [group.title for group in groups] == ["normal (pneumonia)", "pneumonia", "pneumonia (normal)"]
    assert [group.among(films).tolist() for group in groups] == [
        [True, False, False],
        [False, False, True],
        [False, True, False],
    ]


@pytest.mark.parametrize("count", [1, MAX_GROUPS, MAX_GROUPS + 1, 300])
def test_every_film_is_in_one_group_however_many_subtypes_there_are(count):
    kinds = [(1, f"kind {at}") for at in range(count) for _ in range(1 + at % 3)]
    films = films_of((0, "normal"), *kinds)
    groups = subtype_groups(films)
    assert len(groups) == 1 + min(count, MAX_GROUPS)
    assert (sum(group.among(films).astype(int) for group in groups) == 1).all()
    assert len({group.title for group in groups}) == len(groups)


def test_the_rarest_subtypes_are_taken_together():
    kinds = [(1, name) for at, name in enumerate("abcdefgh") for _ in range(at + 1)]
    *shown, rest = subtype_groups(films_of(*kinds))
    assert [group.name for group in shown] == ["h", "g", "f", "e"]
    assert (rest.title, rest.subtypes) == ("pneumonia (4 others)", ("d", "c", "b", "a"))
