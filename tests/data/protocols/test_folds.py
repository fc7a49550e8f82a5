"""Five folds by patient: each film held out once, whole patients, balance against scikit-learn's folds."""

import random
from collections import Counter

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold

from pneumo_tf.data.datasets.kermany import KERMANY
from pneumo_tf.data.films import Films
from pneumo_tf.data.protocols.by_patient import split_cv5, split_official
from pneumo_tf.data.protocols.registry import PROTOCOLS, check_sides, limit
from pneumo_tf.data.protocols.split import Split
from pneumo_tf.errors import UserError
from tests.data.protocols.test_protocols import digest, film, members, subtypes, table

CV5 = PROTOCOLS["cv5"]
DIGESTS = ["f74740b48fe66bca", "adde00487ce6ab38", "d0be59d9086d5c8f", "255d101c756199c2", "d2ac0790525d9070"]
SIDES = ("train", "validation", "test", "held_out")


@pytest.fixture(scope="module")
def films():
    return table()


@pytest.fixture(scope="module")
def folds(films):
    return [CV5.split(films, fold) for fold in CV5.fold_numbers]


def assert_sound(films, folds):
    """Every training film of the source held out once, the test untouched, no patient on two sides."""
    source = sorted(film.id for film in films if film.split == "train")
    assert len(folds) == 5
    assert sorted(film_id for fold in folds for film_id in fold.held_out) == source
    for fold in folds:
        check_sides(CV5, fold)
        assert fold.test == tuple(sorted(film.id for film in films if film.split == "test"))
        assert sorted(fold.train + fold.validation + fold.held_out) == source
        patients = [{film.patient for film in members(films, getattr(fold, side))} for side in SIDES]
        assert sum(map(len, patients)) == len(set.union(*patients))


def spreads(films, held_out):
    """Largest less smallest number of films that folds hold out, for each subtype."""
    counts = [subtypes(films, ids) for ids in held_out]
    return {kind: max(c[kind] for c in counts) - min(c[kind] for c in counts) for kind in counts[0]}


def assert_as_balanced_as_scikit_learn(films, folds):
    own = spreads(films, [fold.held_out for fold in folds])
    source = [film for film in films if film.split == "train"]
    kinds, patients = np.array([f.subtype for f in source]), [f.patient for f in source]
    for seed in range(3):
        theirs = StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(kinds, kinds, patients)
        other = spreads(films, [[source[i].id for i in held] for _, held in theirs])
        assert all(own[kind] <= other[kind] for kind in own), (own, other)


def test_every_film_is_held_out_once_and_patients_stay_whole(films, folds):
    assert_sound(films, folds)


def test_folds_are_as_balanced_as_those_of_scikit_learn(films, folds):
    assert_as_balanced_as_scikit_learn(films, folds)


def test_validation_has_15_percent_of_the_other_four_folds(films, folds):
    for fold in folds:
        others = subtypes(films, fold.train + fold.validation)
        for subtype, count in subtypes(films, fold.validation).items():
            assert abs(count - 0.15 * others[subtype]) <= 1


def test_folds_have_different_validation_patients(folds):
    first, second = (set(fold.validation) for fold in folds[:2])
    assert len(first & second) < len(first) / 2


def test_order_of_the_table_does_not_matter(films, folds):
    rows = list(films)
    random.Random(1).shuffle(rows)
    assert [split_cv5(Films(tuple(rows)), fold) for fold in range(5)] == folds


def test_folds_stay_the_same(folds):
    """Changed folds would change every result: they need a protocol with another name."""
    assert [digest(fold) for fold in folds] == DIGESTS


def test_a_patient_of_two_subtypes_stays_whole(films):
    both = tuple(
        film("train", subtype, patient, 7)._replace(patient=f"both-{patient}")
        for patient in range(2000, 2013)
        for subtype in ("normal", "virus")
    )
    mixed = Films((*films.rows, *both))
    folds = [split_cv5(mixed, fold) for fold in range(5)]
    assert_sound(mixed, folds)
    held = [sum("both-" in film.patient for film in members(mixed, fold.held_out)) for fold in folds]
    assert sorted(held) == [4, 4, 6, 6, 6]


def test_fewer_training_films_leave_what_is_held_out(films, folds):
    for fold in folds:
        limited = limit(fold, films, 60)
        assert (limited.held_out, limited.test) == (fold.held_out, fold.test)
        assert len(limited.train) == 60 and set(limited.train) < set(fold.train)
        assert len(limited.validation) == 40 and set(limited.validation) < set(fold.validation)


@pytest.mark.parametrize("patients", [2, 4, 5])
def test_too_few_patients_are_an_error(patients):
    rows = [film("train", subtype, n, 0) for subtype in ("normal", "virus") for n in range(patients)]
    rows += [film("test", subtype, 900, 0) for subtype in ("normal", "virus")]
    few = Films(tuple(rows))
    if patients < 5:
        with pytest.raises(UserError, match="would lack a class; 5 folds need more patients"):
            for fold in range(5):
                split_cv5(few, fold)
    else:
        assert_sound(few, [split_cv5(few, fold) for fold in range(5)])


def test_a_patient_in_train_and_test_is_an_error(films):
    moved = Films((*films.rows, films.rows[0]._replace(id="test/NORMAL/x.jpeg", split="test")))
    with pytest.raises(UserError, match="in train and in test: 1"):
        split_cv5(moved, 0)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_no_protocol_may_use_held_out_films(name):
    with pytest.raises(ValueError, match="trains on films that it reports on"):
        check_sides(PROTOCOLS[name], Split(("a", "b"), ("c",), ("d",), ("b",)))
    with pytest.raises(ValueError, match="chooses on films that it reports on"):
        check_sides(PROTOCOLS[name], Split(("a",), ("b", "c"), ("d",), ("c",)))


def test_folds_score_what_they_held_out(films, folds):
    assert list(folds[0].scored) == ["validation", "test", "held_out"]
    assert list(split_official(films).scored) == ["validation", "test"]


def test_folds_of_the_real_set(real_films):
    films = KERMANY.read(real_films).films
    folds = [split_cv5(films, fold) for fold in range(5)]
    assert_sound(films, folds)
    assert_as_balanced_as_scikit_learn(films, folds)
    assert sum(len(fold.held_out) for fold in folds) == 5232
    held = Counter(film.subtype for fold in folds for film in members(films, fold.held_out))
    assert held == {"normal": 1349, "bacteria": 2538, "virus": 1345}
    assert {len(fold.held_out) for fold in folds} <= {1046, 1047}
    assert {len(fold.test) for fold in folds} == {624}
