import dataclasses

from pneumo_tf.recipe import Recipe
from pneumo_tf.report.board import name_rows
from pneumo_tf.run_spec import RunSpec

SPEC = RunSpec(Recipe("vgg16", "vgg16"), "official", "films", "full", 0, None, "float32", "random")


def test_rows_that_differ_in_their_views_are_told_apart_by_them():
    views = [
        dataclasses.replace(SPEC, recipe=dataclasses.replace(SPEC.recipe, views=v)) for v in (None, 4, 1)
    ]
    assert name_rows(views) == ["vgg16 (all views)", "vgg16 (4 views)", "vgg16 (1 views)"]
    assert name_rows(views[1:2]) == ["vgg16"]
