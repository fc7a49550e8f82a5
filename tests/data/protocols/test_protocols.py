"""How films are divided: whole patients, the same on every machine, the same whatever the order."""

import dataclasses
import hashlib
import json
import random
from collections import Counter
from pathlib import PurePosixPath

import numpy as np
import pytest

from pneumo_tf.data.datasets.kermany import KERMANY
from pneumo_tf.data.films import Film, Films
from pneumo_tf.data.protocols.by_patient import split_official
from pneumo_tf.data.protocols.registry import PROTOCOLS, check_sides, limit
from pneumo_tf.data.protocols.split import Split
from pneumo_tf.errors import UserError
from tests.conftest import SHARED

REAL = SHARED / "data/chest_xray"


def film(split, subtype, patient, number):
    name = {"normal": f"IM-{patient:04}-0001-{number:04}", "pneumonia": f"p{patient}-{number}"}.get(
        subtype, f"person{patient}_{subtype}_{number}"
    )
    folder = "NORMAL" if subtype == "normal" else "PNEUMONIA"
    key = f"{subtype}-{patient}"
    return Film(
        f"{split}/{folder}/{name}.jpeg", int(subtype != "normal"), subtype, key, split, 9, 7, "0" * 16
    )


def table():
    """683 films of 487 patients, some with many films, numbered separately in each subtype."""
    rows = []
    for subtype, patients in (("normal", 120), ("bacteria", 180), ("virus", 90)):
        for patient in range(patients):
            films = (
                30 if (subtype, patient) == ("bacteria", 23) else 1 + (patient % 3 == 0) + (patient % 11 == 0)
            )
            rows += [film("train", subtype, patient, number) for number in range(films)]
        rows += [film("test", subtype, patient, 0) for patient in range(1000, 1000 + patients // 4)]
    return Films(tuple(rows))


@pytest.fixture(scope="module")
def films():
    return table()


@pytest.fixture(scope="module")
def split(films):
    return split_official(films)


def members(films, ids):
    return [films.rows[index] for index in films.indices(ids)]


def subtypes(films, ids):
    return Counter(film.subtype for film in members(films, ids))


def digest(split):
    sides = {name: ids for name, ids in dataclasses.asdict(split).items() if ids or name != "held_out"}
    return hashlib.sha256((json.dumps(sides, indent=1) + "\n").encode()).hexdigest()[:16]


# official


def test_every_film_is_on_one_side(films, split):
    assert sorted(split.train + split.validation + split.test) == sorted(film.id for film in films)


def test_no_patient_is_on_two_sides(films, split):
    train, validation, test = (
        {film.patient for film in members(films, ids)} for ids in (split.train, split.validation, split.test)
    )
    assert not train & validation and not train & test and not validation & test


def test_test_is_that_of_the_source(films, split):
    assert split.test == tuple(sorted(film.id for film in films if film.split == "test"))


def test_validation_has_15_percent_of_each_subtype(films, split):
    both = subtypes(films, split.train + split.validation)
    for subtype, count in subtypes(films, split.validation).items():
        assert abs(count - 0.15 * both[subtype]) <= 1


def test_order_of_the_table_does_not_matter(films, split):
    rows = list(films)
    for seed in range(3):
        random.Random(seed).shuffle(rows)
        assert split_official(Films(tuple(rows))) == split


def test_a_patient_more_moves_few_others(films, split):
    """The order is hashed per patient: a set with one patient removed is still nearly the same split."""
    patient = films.rows[0].patient
    fewer = split_official(films.where(lambda film: film.patient != patient))
    assert len(set(fewer.validation) ^ set(split.validation)) <= 6


def test_split_stays_the_same(films, split):
    """A change of this number changes every result: it needs a protocol of another name."""
    assert digest(split) == "366cb21d7086b84a"
    assert [digest(limit(split, films, count)) for count in (7, 40, 100)] == [
        "b03c96ea7a714715",
        "92e38b88be709b15",
        "ec6ba7045d065553",
    ]


@pytest.mark.skipif(not REAL.is_dir(), reason="the Kermany set is not here")
def test_real_split():
    films = KERMANY.read(REAL).films
    split = split_official(films)
    assert subtypes(films, split.train) == {"normal": 1147, "bacteria": 2157, "virus": 1143}
    assert subtypes(films, split.validation) == {"normal": 202, "bacteria": 381, "virus": 202}
    assert subtypes(films, split.test) == {"normal": 234, "bacteria": 242, "virus": 148}
    train, validation = (
        {film.patient for film in members(films, ids)} for ids in (split.train, split.validation)
    )
    assert not train & validation
    assert digest(split) == "c7fc08b7edd38ae4"


def test_patient_in_train_and_test_is_an_error(films):
    moved = Films((*films.rows, films.rows[0]._replace(id="test/NORMAL/x.jpeg", split="test")))
    with pytest.raises(UserError, match="in train and in test: 1, such as 'normal-0'; remove them"):
        split_official(moved)


def test_patient_with_two_subtypes_stays_whole(films):
    """Names such as `7.png` in both classes give one key to what may be two children."""
    rows = [
        film("train", subtype, patient, 0) for subtype in ("normal", "pneumonia") for patient in range(40)
    ]
    rows = [row._replace(patient=row.patient.split("-")[1]) for row in rows]
    mixed = Films((*rows, *(film for film in films if film.split == "test")))
    split = split_official(mixed)
    train, validation = (
        {film.patient for film in members(mixed, ids)} for ids in (split.train, split.validation)
    )
    assert len(split.validation) == 12 and not train & validation


def test_large_patient_does_not_fill_validation():
    rows = [film("train", "bacteria", 1, number) for number in range(30)]
    rows += [film("train", "bacteria", patient, 0) for patient in range(2, 42)]
    rows += [film("train", "normal", patient, 0) for patient in range(40)]
    rows += [film("test", subtype, 900, 0) for subtype in ("normal", "virus")]
    validation = split_official(Films(tuple(rows))).validation
    assert sum("bacteria" in film_id for film_id in validation) == 10


@pytest.mark.parametrize("patients, enough", [(1, False), (2, True)])
def test_tiny_sets_keep_both_classes_on_each_side(patients, enough):
    rows = [
        film("train", subtype, n, k)
        for subtype in ("normal", "virus")
        for n in range(patients)
        for k in (0, 1)
    ]
    rows += [film("test", subtype, 900, 0) for subtype in ("normal", "virus")]
    films = Films(tuple(rows))
    if enough:
        split = split_official(films)
        assert (len(split.train), len(split.validation)) == (4, 4)
    else:
        with pytest.raises(UserError, match="validation would lack a class; at least two patients"):
            split_official(films)


# limit


@pytest.mark.parametrize("count", [2, 7, 50, 100, 333])
def test_limit_is_stratified(films, split, count):
    limited = limit(split, films, count)
    assert len(limited.train) == count
    whole, part = subtypes(films, split.train), subtypes(films, limited.train)
    for subtype in whole:
        assert abs(part[subtype] - count * whole[subtype] / len(split.train)) <= 1


def test_limits_are_nested(films, split):
    sizes = range(3, len(split.train), 7)
    limits = [limit(split, films, count) for count in sizes]
    for smaller, larger in zip(limits, limits[1:], strict=False):
        assert set(smaller.train) < set(larger.train)
        assert set(smaller.validation) <= set(larger.validation)


def test_limit_leaves_the_test_alone_and_shrinks_validation_in_proportion(films, split):
    limited = limit(split, films, len(split.train) * 3 // 4)
    assert limited.test == split.test
    assert len(limited.validation) == round(len(split.validation) * 0.75)
    assert set(limited.validation) < set(split.validation)


def test_limit_leaves_40_films_for_validation_or_all(films, split):
    assert len(limit(split, films, 20).validation) == 40
    few = Split(split.train, split.validation[:10], split.test)
    assert limit(few, films, 20).validation == few.validation


def test_limit_at_or_above_the_whole_changes_nothing(films, split):
    assert limit(split, films, len(split.train)) is split
    assert limit(split, films, 10**6) is split


def test_limit_does_not_depend_on_the_names_of_folders(films, split):
    def lower(text):
        return text.replace("NORMAL/", "normal/").replace("PNEUMONIA/", "Pneumonia/")

    renamed = Films(tuple(film._replace(id=lower(film.id)) for film in films))
    limited = limit(split_official(renamed), renamed, 60)
    assert set(limited.train) == {lower(film_id) for film_id in limit(split, films, 60).train}


@pytest.mark.parametrize("count", [-1, 0, 1])
def test_limit_below_two_films_is_an_error(films, split, count):
    with pytest.raises(UserError, match="too few"):
        limit(split, films, count)


def test_limit_that_would_lose_a_class_is_an_error():
    rows = [film("train", "bacteria", patient, 0) for patient in range(60)]
    rows += [film("train", "normal", patient, 0) for patient in range(2)]
    rows += [film("test", subtype, 900, 0) for subtype in ("normal", "virus")]
    films = Films(tuple(rows))
    with pytest.raises(UserError, match="5 training films are too few for both classes; take more"):
        limit(split_official(films), films, 5)


# Split and registry


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_divides_every_fold(films, name):
    protocol = PROTOCOLS[name]
    assert protocol.name == name and protocol.title
    for fold in protocol.fold_numbers:
        split = protocol.split(films, fold)
        assert split.train and split.validation and split.test
        assert not set(split.train) & set(split.test)


def test_official_ranks_and_has_one_split():
    protocol = PROTOCOLS["official"]
    assert protocol.ranks and protocol.fold_numbers == (None,)


@pytest.fixture(scope="module")
def real_set():
    if not REAL.is_dir():
        pytest.skip("the Kermany set is not here")
    return KERMANY.read(REAL).films


def leaked(films, split):
    """Share of reported films whose patient is in training."""
    known = {films.rows[i].patient for i in films.indices(split.train)}
    return np.mean([films.rows[i].patient in known for i in films.indices(split.test)])


@pytest.mark.parametrize(
    ("name", "train", "test", "normal"),
    [
        ("official", 4447, 624, 234),
        ("published-alphabetical", 4695, 521, 134),
        ("published-640", 4695, 640, 242),
        ("published-pooled", 4099, 879, None),
        ("published-test-selected", 5216, 624, 234),
    ],
)
def test_every_protocol_on_the_real_set(real_set, name, train, test, normal):
    protocol = PROTOCOLS[name]
    split = protocol.split(real_set, None)
    check_sides(protocol, split)
    assert (len(split.train), len(split.test)) == (train, test)
    if normal is not None:
        assert int((real_set.labels[real_set.indices(split.test)] == 0).sum()) == normal
    assert protocol.ranks == (name == "official")


def test_what_the_published_splits_leak(real_set):
    single = [name for name, protocol in PROTOCOLS.items() if not protocol.folds]
    shares = {name: leaked(real_set, PROTOCOLS[name].split(real_set, None)) for name in single}
    assert shares["official"] == 0
    assert shares["published-test-selected"] == 0
    assert shares["published-pooled"] == pytest.approx(0.38, abs=0.04)
    # The alphabetical head is all of one series.
    head = PROTOCOLS["published-alphabetical"].split(real_set, None).test
    assert all(PurePosixPath(i).name.startswith("IM-") for i in head if "NORMAL" in i)


def test_no_protocol_that_ranks_may_use_the_films_that_it_reports_on():
    official, selected = PROTOCOLS["official"], PROTOCOLS["published-test-selected"]
    peeking, training = Split(("a",), ("b",), ("b",)), Split(("a", "b"), ("c",), ("b",))
    check_sides(selected, peeking)
    for protocol, split in ((official, peeking), (official, training), (selected, training)):
        with pytest.raises(ValueError, match="that it reports on"):
            check_sides(protocol, split)
    with pytest.raises(ValueError, match="chooses on films"):
        check_sides(dataclasses.replace(selected, ranks=True), peeking)


def test_fewer_training_films_leave_all_test_films_to_choose_on():
    films = Films(
        tuple(film("train", "bacteria", n, 1) for n in range(60))
        + tuple(film("train", "normal", n, 1) for n in range(60))
    )
    ids = tuple(one.id for one in films)
    split = Split(train=ids[:100], validation=ids[100:], test=ids[100:])
    assert limit(split, films, 50).validation == split.test
