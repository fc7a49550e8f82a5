import dataclasses

import pytest

from pneumo_tf.run_spec import RunSpec
from tests.example_spec import SPEC


@pytest.mark.parametrize(
    "change",
    [
        {"protocol": "cv5"},
        {"dataset": "abd"},
        {"profile": "full"},
        {"seed": 1},
        {"fold": 0},
        {"precision": "mixed_bfloat16"},
        {"weights": "imagenet 12"},
        {"train_films": 100},
        {"recipe": dataclasses.replace(SPEC.recipe, batch=7)},
    ],
)
def test_whatever_decides_a_result_is_in_the_id(change):
    assert dataclasses.replace(SPEC, **change).id != SPEC.id


def test_the_id_is_stable():
    # Pinned: a change of this hash makes every finished run of every user start again.
    assert dataclasses.replace(SPEC, harness=1).id == "net-official-seed0-2c9b2202ec"


def test_description_is_not_in_the_id():
    described = dataclasses.replace(SPEC, recipe=dataclasses.replace(SPEC.recipe, source="a paper"))
    assert described.id == SPEC.id


def test_another_harness_is_another_run():
    ids = {dataclasses.replace(SPEC, harness=version).id for version in (1, 2, 3)}
    assert len(ids) == 3
    assert RunSpec.from_dict(SPEC.to_dict()) == SPEC


def test_a_run_with_xla_is_another_run():
    compiled = dataclasses.replace(SPEC, xla=True)
    assert compiled.id != SPEC.id
    assert RunSpec.from_dict(compiled.to_dict()) == compiled
