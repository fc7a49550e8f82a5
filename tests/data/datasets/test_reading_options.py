"""Options that describe films: how they are read, and what is refused."""

import pytest

from pneumo_tf.data.datasets.kermany import KERMANY
from pneumo_tf.data.datasets.reading_options import (
    ReadingOptions,
    choose_task,
    parse_classes,
    parse_fraction,
    parse_patient,
)
from pneumo_tf.errors import UserError


def test_classes_may_have_several_names():
    classes = parse_classes("normal=Healthy, pneumonia = covid,PNEUMONIA=viral pneumonia")
    assert classes == {"healthy": "normal", "covid": "pneumonia", "viral pneumonia": "pneumonia"}


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", "'' is not normal=NAME"),
        ("normal=a", "no name is given for pneumonia"),
        ("normal=a,ill=b", "'ill=b' is not"),
        ("normal=a,pneumonia=A", "'A' is a name of both classes"),
        ("normal=,pneumonia=b", "'normal=' is not"),
    ],
)
def test_wrong_classes_are_refused(text, reason):
    with pytest.raises(UserError, match=reason):
        parse_classes(text)


def test_the_first_task_is_chosen_unless_one_is_named():
    assert choose_task(None, ("easy", "hard")) == "easy"
    assert choose_task("hard", ("easy", "hard")) == "hard"
    for name in ("", "harder"):
        with pytest.raises(UserError, match=f"unknown task '{name}'"):
            choose_task(name, ("easy", "hard"))


@pytest.mark.parametrize("text, reason", [("(", "is not a regular expression"), ("(a)(b)", "has 2 groups")])
def test_wrong_expressions_are_refused(text, reason):
    with pytest.raises(UserError, match=reason):
        parse_patient(text)


@pytest.mark.parametrize(
    "pattern, film_id, patient",
    [
        (r"^(\d+)_", "0042_1.png", "0042"),
        (r"p\d+", "train/p7_2.png", "p7"),
        (r"^(\d+)_", "x.png", ""),
        (r"(\d+)?_", "_1.png", ""),
    ],
)
def test_the_patient_is_the_group_or_the_match(pattern, film_id, patient):
    assert ReadingOptions(patient=parse_patient(pattern)).patient_of(film_id) == patient


@pytest.mark.parametrize("text", ["0", "1", "-0.2", "nan", "x"])
def test_wrong_fractions_are_refused(text):
    with pytest.raises(UserError, match="must"):
        parse_fraction(text)


def test_an_option_that_a_source_does_not_take_is_refused(tmp_path):
    with pytest.raises(
        UserError, match=r"--classes is not for .*, which is read as kermany \(options: --pat"
    ):
        KERMANY.find_films(tmp_path, ReadingOptions(classes={"a": "normal"}))
