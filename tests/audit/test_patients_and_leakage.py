"""Patients: shared ones are found, strategies leak what they leak, and a clean set leaks nothing."""

import numpy as np
import pytest

from pneumo_tf.audit.chapters import patients
from pneumo_tf.audit.decoded import decode_set
from pneumo_tf.audit.split_strategies import (
    STRATEGIES,
    divide_alphabetically,
    explain_too_few,
    measure_leakage,
)
from pneumo_tf.data.protocols.registry import PROTOCOLS


def shared(decoded):
    return patients.find_shared_patients(decoded, "train", "test")


def test_a_clean_set_shares_no_patient(clean):
    assert shared(clean) == []
    assert patients.describe_patients(clean).findings[0] == "No patient is in two of train and test."
    assert not any(line.startswith("Remove") for line in patients.describe_patients(clean).care)


def test_a_shared_patient_is_found_though_the_picture_is_another(planted):
    film_id = planted.ids("train/PNEUMONIA")[0]
    name = film_id.rsplit("/", 1)[1].rsplit("_", 1)[0]
    (planted.root / planted.ids("test/PNEUMONIA")[0]).rename(planted.root / f"test/PNEUMONIA/{name}_999.jpeg")
    number, kind = name.removeprefix("person").split("_")
    decoded = decode_set(planted.root)
    assert shared(decoded) == [f"{kind}-{number}"]
    assert measure_leakage(decoded, STRATEGIES["official"], 1) == pytest.approx([1 / 40])
    assert any(f"`{kind}-{number}`" in line for line in patients.describe_patients(decoded).care)


def test_the_naive_key_is_counted(clean):
    ids = [film.id.rsplit("/", 1)[1] for film in clean.films if film.label == 1]
    numbers = {
        split: {
            i.split("_")[0]
            for i, f in zip(ids, (f for f in clean.films if f.label), strict=True)
            if f.split == split
        }
        for split in ("train", "test")
    }
    both = numbers["train"] & numbers["test"]
    assert both
    assert patients.count_naive_overlap(clean) == (len(both), len(numbers["test"]))


@pytest.mark.parametrize("name", STRATEGIES)
def test_strategies_hold_films_out_once_and_never_train_on_them(clean, name):
    divisions = STRATEGIES[name].divide(clean, 0)
    held = np.concatenate([held for _, held in divisions])
    assert len(held) == len(set(held.tolist()))
    for fit, held in divisions:
        assert not set(fit.tolist()) & set(held.tolist())
        if name not in ("official", "pooled"):
            assert set(clean.splits[np.r_[fit, held]]) == {"train"}


def test_leakage_is_none_with_whole_patients_and_some_without(clean):
    shares = {name: measure_leakage(clean, strategy, 3).mean() for name, strategy in STRATEGIES.items()}
    assert shares["grouped"] == shares["official"] == 0
    assert min(shares["by_image"], shares["random"], shares["pooled"]) > 0.1


@pytest.mark.parametrize(
    ("strategy", "protocol"), [("alphabetical", "published-alphabetical"), ("pooled", "published-pooled")]
)
def test_what_others_did_is_divided_as_runs_are_trained(clean, strategy, protocol):
    split = PROTOCOLS[protocol].split(clean.films, None)
    ((fit, held),) = STRATEGIES[strategy].divide(clean, 0)
    assert [clean.films.rows[index].id for index in fit] == list(split.train)
    assert [clean.films.rows[index].id for index in held] == list(split.test)


def test_folds_of_whole_patients_are_those_of_cross_validation(clean):
    held = [clean.films.indices(PROTOCOLS["cv5"].split(clean.films, fold).held_out) for fold in range(5)]
    for (_, found), expected in zip(STRATEGIES["grouped"].divide(clean, 0), held, strict=True):
        assert np.array_equal(found, expected)


def test_leakage_by_hand(clean):
    fit, held = STRATEGIES["random"].divide(clean, 1)[0]
    trained_on = {clean.films.rows[index].patient for index in fit}
    by_hand = np.mean([clean.films.rows[index].patient in trained_on for index in held])
    assert measure_leakage(clean, STRATEGIES["random"], 2)[1] == by_hand


def test_the_alphabetical_head_is_the_head_of_each_folder(clean):
    _, held = divide_alphabetically(clean)[0]
    ids = [clean.films.rows[index].id for index in held]
    assert ids == [
        *[film.id for film in clean.films if film.id.startswith("train/NORMAL")][:4],
        *[film.id for film in clean.films if film.id.startswith("train/PNEUMONIA")][:4],
    ]


def test_too_few_patients_are_reported(planted):
    for film_id in planted.ids("train/NORMAL")[4:]:
        (planted.root / film_id).unlink()
    assert "normal patients, and at least 10" in explain_too_few(decode_set(planted.root))
