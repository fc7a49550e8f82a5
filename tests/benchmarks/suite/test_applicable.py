"""Recipes that need columns of the film table: planned where the films have them, else named once."""

from dataclasses import replace

import pytest

from benchmarks.recipes import RECIPES
from benchmarks.suite.applicable import applicable_recipes, missing_covariates
from benchmarks.suite.options import parse
from benchmarks.suite.planning import plan_suite
from pneumo_tf.data.films import METADATA, Films
from pneumo_tf.errors import UserError


class Lines(list):
    """A terminal that keeps its lines."""

    warn = log = list.append

    def progress(self, _):
        return None


def with_metadata(dataset):
    values = {film.id: "1" for film in dataset.films}
    return replace(dataset, films=replace(dataset.films, covariates=dict.fromkeys(METADATA, values)))


def test_films_with_the_columns_have_the_row(small_phantom):
    recipes, lines = [RECIPES["metadata"], RECIPES["border"]], Lines()
    assert applicable_recipes(recipes, with_metadata(small_phantom), lines) == recipes
    assert lines == []


@pytest.mark.parametrize("read", [True, False], ids=["films", "no films yet"])
def test_films_without_them_have_not_and_one_line_names_it(small_phantom, read):
    recipes, lines = [RECIPES["metadata"], RECIPES["border"]], Lines()
    assert applicable_recipes(recipes, small_phantom if read else None, lines) == [RECIPES["border"]]
    assert lines == ["metadata is left out: the films have no age, sex, view"]
    with pytest.raises(UserError, match="no recipe applies to these films: metadata is left out"):
        applicable_recipes(recipes[:1], small_phantom, Lines())


def test_three_classes_need_subtypes(small_phantom):
    recipes, lines = [RECIPES["baseline_cnn_3_classes"], RECIPES["border"]], Lines()
    assert applicable_recipes(recipes, small_phantom, lines) == recipes and lines == []
    rows = tuple(film._replace(subtype="pneumonia") if film.label else film for film in small_phantom.films)
    plain = replace(small_phantom, films=Films(rows))
    assert applicable_recipes(recipes, plain, lines) == [RECIPES["border"]]
    (line,) = lines
    count = int(small_phantom.films.labels.sum())
    assert f"_3_classes is left out: {count} films have none of its classes normal, bacteria, virus" in line


def test_three_classes_need_a_film_of_each(small_phantom):
    recipes, lines = [RECIPES["baseline_cnn_3_classes"], RECIPES["border"]], Lines()
    rows = tuple(film for film in small_phantom.films if film.subtype != "virus")
    without = replace(small_phantom, films=Films(rows))
    assert applicable_recipes(recipes, without, lines) == [RECIPES["border"]]
    assert lines == ["baseline_cnn_3_classes is left out: no film is of its class virus"]


def test_what_lacks_is_named_column_by_column():
    assert missing_covariates(RECIPES["metadata"], {"age", "view"}) == ["sex"]
    assert missing_covariates(RECIPES["custom_cnn"], ()) == []


def test_a_plan_has_no_row_that_does_not_apply(small_phantom, tmp_path):
    places = ["--data", str(small_phantom.root), "--out", str(tmp_path / "out")]
    lines = Lines()
    suite = plan_suite(parse(["--suite", "trivial", *places]), lines)
    planned = {job.spec.recipe.name for job in suite.jobs}
    assert "border" in planned and "metadata" not in planned
    assert sum("metadata is left out" in line for line in lines) == 1
