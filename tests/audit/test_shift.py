"""The domain classifier: quiet on a set that is one, loud where the test films were changed."""

import cv2
import numpy as np
import pytest

from pneumo_tf.audit.chapters.shift import measure_shifts, numbering_key
from pneumo_tf.audit.decoded import decode_set


@pytest.fixture(scope="module")
def of_clean(clean):
    return {shift.group.title: shift for shift in measure_shifts(clean)}


def test_films_of_one_set_show_no_shift(of_clean):
    normal = of_clean["normal"]
    assert normal.films == (40, 16)
    assert normal.low < 0.5 < normal.high or normal.auc <= normal.random_patients.max()


def test_changed_test_films_show_a_shift(planted):
    for film_id in planted.ids("test/NORMAL"):
        image = cv2.imread(str(planted.root / film_id), cv2.IMREAD_GRAYSCALE)
        cv2.imwrite(str(planted.root / film_id), cv2.convertScaleAbs(image[:, 12:-12], alpha=0.8, beta=20))
    normal = next(measure_shifts(decode_set(planted.root)))
    assert normal.group.title == "normal"
    assert (
        normal.low > 0.8
        and normal.auc > normal.random_patients.max()
        and normal.auc > normal.neighbours.max()
    )


def test_a_class_with_few_patients_is_left_out(clean, planted):
    for film_id in planted.ids("test/NORMAL")[3:]:
        (planted.root / film_id).unlink()
    assert "normal" not in {shift.group.title for shift in measure_shifts(decode_set(planted.root))}


def test_nulls_are_about_one_half(of_clean):
    draws = np.concatenate([shift.random_patients for shift in of_clean.values()])
    assert 0.35 < draws.mean() < 0.65


def test_numbers_sort_as_numbers():
    names = ["virus-10", "virus-9", "bacteria-78", "stray", "IM-0115"]
    assert sorted(names, key=numbering_key) == ["IM-0115", "bacteria-78", "stray", "virus-9", "virus-10"]
