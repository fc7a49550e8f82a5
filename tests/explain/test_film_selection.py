"""Which films are explained: the same for every recipe, but for its outcomes."""

from dataclasses import replace

import numpy as np
import pytest

from pneumo_tf.data.films import Films
from pneumo_tf.explain.film_selection import (
    COMMON,
    MEASURED,
    common_films,
    marked_films,
    measured_films,
    outcome_films,
)
from pneumo_tf.explain.localisation import read_masks


def test_films_for_all_recipes_depend_on_the_set_alone(small_phantom):
    films = small_phantom.films
    ids = tuple(film.id for film in films if film.split == "test")
    for choose, counts in ((common_films, COMMON), (measured_films, MEASURED)):
        chosen = choose(films, ids)
        assert chosen == choose(films, ids[::-1])
        assert set(chosen) <= set(ids)
        for subtype in ("normal", "bacteria", "virus"):
            there = sum(film.subtype == subtype and film.split == "test" for film in films)
            had = sum(films.rows[films.position[name]].subtype == subtype for name in chosen)
            assert had == min(counts[subtype], there)


def test_outcomes_show_the_surest_the_middle_and_the_least_sure(small_phantom):
    films = small_phantom.films
    ids = tuple(film.id for film in films if film.label == 1)
    score = np.linspace(-2, 5, len(ids))
    places = outcome_films(films, ids, score)
    of = {name: value for name, value in zip(ids, score, strict=True) if name in places}
    called = {place: value for name, place in places.items() if (value := of[name]) > 0}
    assert called["most"] == 5
    assert called["least"] == score[score > 0].min()
    assert abs(called["median"] - np.median(score[score > 0])) < 0.2
    missed = {place: value for name, place in places.items() if (value := of[name]) <= 0}
    assert missed["most"] == -2
    assert len(places) == 6


def test_an_outcome_of_few_films_gives_what_it_has(small_phantom):
    films = small_phantom.films
    ids = tuple(film.id for film in films if film.label == 0)[:3]
    places = outcome_films(films, ids, np.array([3.0, -1.0, -4.0]))
    assert places == {ids[0]: "most", ids[2]: "most", ids[1]: "median"}


@pytest.mark.parametrize("choose, counts", [(common_films, COMMON), (measured_films, MEASURED)])
def test_subtypes_of_other_names_count_as_their_class(small_phantom, choose, counts):
    other = {"normal": "not normal", "bacteria": "covid", "virus": "fungus"}
    films = Films(tuple(film._replace(subtype=other[film.subtype]) for film in small_phantom.films))
    ids = tuple(film.id for film in films)
    labels = films.labels[films.indices(choose(films, ids))]
    assert [int((labels == label).sum()) for label in (0, 1)] == [counts["normal"], counts["pneumonia"]]


def test_films_with_a_mark_are_measured_first(small_phantom):
    """Of a set in which few films have boxes, those would hardly be among films chosen by hash."""
    films = small_phantom.films
    ids = tuple(film.id for film in films)
    by_hash = measured_films(films, ids)
    few = [film.id for film in films if film.subtype == "bacteria" and film.id not in by_hash][:7]
    masks = {film_id: np.full((2, 2), 255, np.uint8) for film_id in few}
    masks[ids[0]] = np.zeros((2, 2), np.uint8)
    source = replace(small_phantom.source, open_masks=lambda *_: masks.get)
    assert sorted(marked_films(replace(small_phantom, source=source), ids)) == sorted(few)
    assert marked_films(replace(small_phantom, source=source), few[:2]) in (few[:2], few[1::-1])
    chosen = measured_films(films, ids, few)
    assert set(few) <= set(chosen)
    assert len(chosen) == len(by_hash)
    everywhere = marked_films(small_phantom, ids)
    assert measured_films(films, ids, everywhere) == by_hash


def test_masks_of_a_kind_are_opened_once(small_phantom):
    opened, real = [], small_phantom.source.open_masks
    source = replace(
        small_phantom.source, open_masks=lambda root, kind: opened.append(kind) or real(root, kind)
    )
    dataset, ids = replace(small_phantom, source=source), small_phantom.films.position
    assert dataset.has_masks and marked_films(dataset, ids)
    for kind in ("masks", "lungs", "masks", "lungs"):
        assert read_masks(dataset, kind, list(ids)[:2], 16).shape == (2, 16, 16)
    assert opened == ["masks", "lungs"]


def test_films_of_a_set_without_masks_have_no_mark(small_phantom):
    source = replace(small_phantom.source, open_masks=lambda *_: None)
    assert marked_films(replace(small_phantom, source=source), small_phantom.films.position) == []
