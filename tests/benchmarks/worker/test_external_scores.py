"""External films: finished runs score them, add a file, and change none."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from benchmarks.recipes import RECIPES
from benchmarks.suite.additions import (
    count_additions,
    list_addition_jobs,
    list_missing_additions,
    missing_external_maps,
    missing_external_scores,
)
from benchmarks.suite.external_sets import read_external_sets
from benchmarks.suite.options import parse
from benchmarks.suite.terminal import Terminal
from benchmarks.worker import finished_run
from benchmarks.worker.attempt import add_scores, execute_task, make_run
from pneumo_tf.data.datasets.phantom.entry import PHANTOM
from pneumo_tf.data.datasets.phantom.spec import PhantomSpec
from pneumo_tf.data.datasets.phantom.writer import write_phantom
from pneumo_tf.data.films import METADATA
from pneumo_tf.data.formats.registry import decode
from pneumo_tf.data.pixels import cached_pixels
from pneumo_tf.data.protocols.by_patient import split_official
from pneumo_tf.errors import UserError
from pneumo_tf.explain.explainer import Explainer
from pneumo_tf.external_sets import external_explanations, external_set
from pneumo_tf.models import trivial
from pneumo_tf.models.registry import build
from pneumo_tf.models.trivial import TRIVIAL_MODELS, fit_trivial
from pneumo_tf.predictions import Predictions, score_of_logits
from pneumo_tf.training.step import Predictor
from tests.benchmarks.planned import assign_to_cpu
from tests.benchmarks.worker.test_rescoring import Sent, contents, plan


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """24 phantom films of another hospital."""
    spec = PhantomSpec(seed=5, train=(4, 4, 0), val=(0, 0, 0), test=(8, 8, 0), side=64)
    return PHANTOM.read(write_phantom(spec, tmp_path_factory.mktemp("other") / "phantom"))


@pytest.fixture
def finished(small_phantom, other, tmp_path, monkeypatch):
    """A finished trivial row and a network as it was built, with what scores them external."""
    monkeypatch.setattr(finished_run, "prepare_device", lambda *_: None)
    options, jobs, runs = plan(tmp_path, small_phantom.films)
    for dataset in (small_phantom, other):
        runs.write_films(dataset)
    net, trivial = (
        next(j for j in jobs if bool(j.spec.recipe.phases) == network) for network in (True, False)
    )
    assignment = assign_to_cpu(small_phantom, options)
    assert make_run(runs.plan(trivial.spec), assignment, Sent()) == ""
    folder, recipe = runs.plan(net.spec), net.spec.recipe
    model = build(recipe.architecture, head=recipe.head, size=recipe.size, weights=None)
    folder.save_model(model.save)
    test = split_official(small_phantom.films).test
    pixels = cached_pixels(small_phantom, options.cache, side=recipe.size)
    folder.write_predictions(
        "test", Predictions(test, Predictor(model)(pixels, small_phantom.films.indices(test)))
    )
    folder.write_json("costs.json", {})
    folder.set_status("done")
    external = {other.films.fingerprint: other}
    roots = {key: str(dataset.root) for key, dataset in external.items()}
    score = replace(assignment, task="score", external=roots)
    return {"net": net, "trivial": trivial}, runs, options, external, score, model


@pytest.mark.parametrize("kind", ["net", "trivial"])
def test_a_file_is_added_and_none_is_changed(finished, other, kind):
    jobs, runs, options, external, score, model = finished
    job = jobs[kind]
    planned = list_addition_jobs([job], runs, options, external)
    assert [one.task for one in planned] == (["score", "localise"] if kind == "net" else ["score"])
    assert all(one.external == (other.films.fingerprint,) for one in planned)
    folder, name = runs.folder(job.spec), external_set(other.films.fingerprint)
    before = contents(folder)
    assert add_scores(folder, score, Sent()) == ""
    after = contents(folder)
    assert set(after) - set(before) == {f"predictions/{name}.csv"}
    assert {place: after[place] for place in before} == before
    left = list_addition_jobs([job], runs, options, external)
    assert [one.task for one in left] == (["localise"] if kind == "net" else [])
    found = folder.read_predictions(name)
    assert found.ids == tuple(film.id for film in other.films)
    if kind == "net":
        pixels = cached_pixels(other, options.cache, side=job.spec.recipe.size)
        expected = model(pixels[..., None], training=False)
        np.testing.assert_allclose(found.logits, expected, atol=1e-4)
    else:
        assert np.ptp(score_of_logits(found.logits)) > 0


def test_labels_of_other_films_never_reach_a_trivial_fit(finished, other, small_phantom, tmp_path):
    jobs, runs, *_, score, _ = finished
    folder, name = runs.folder(jobs["trivial"].spec), external_set(other.films.fingerprint)
    assert add_scores(folder, score, Sent()) == ""
    rows = tuple(film._replace(label=1 - film.label, subtype="x") for film in other.films)
    flipped = replace(other, films=replace(other.films, rows=rows))
    runs.write_films(flipped)
    again = replace(score, external={flipped.films.fingerprint: str(other.root)})
    assert add_scores(folder, again, Sent()) == ""
    one, two = (folder.read_predictions(external_set(d.films.fingerprint)) for d in (other, flipped))
    np.testing.assert_array_equal(one.logits, two.logits)
    assert name != external_set(flipped.films.fingerprint)


def test_a_trivial_row_is_fitted_once_for_all_external_sets(finished, other, monkeypatch):
    jobs, runs, *_, score, _ = finished
    folder, few = runs.folder(jobs["trivial"].spec), replace(other.films, rows=other.films.rows[:9])
    part, fits = replace(other, films=few), []
    runs.write_films(part)

    def count(*arguments):
        fits.append(len(arguments[4:]))
        return fit_trivial(*arguments)

    monkeypatch.setattr(trivial, "fit_trivial", count)
    both = {dataset.films.fingerprint: str(other.root) for dataset in (other, part)}
    assert add_scores(folder, replace(score, external=both), Sent()) == ""
    assert fits == [2]
    whole, of_part = (folder.read_predictions(external_set(key)) for key in both)
    assert (len(whole.ids), len(of_part.ids)) == (24, 9)
    np.testing.assert_allclose(of_part.logits, whole.logits[:9], atol=1e-6)


def test_a_trivial_row_that_cannot_be_had_again_is_refused(finished, monkeypatch, other):
    jobs, runs, *_, score, _ = finished
    folder = runs.folder(jobs["trivial"].spec)
    real = TRIVIAL_MODELS["thumbnail"]
    squared = replace(real, features=lambda *of: real.features(*of) ** 2)
    monkeypatch.setitem(TRIVIAL_MODELS, "thumbnail", squared)
    sent = Sent()
    assert "a repeated fit of this row differs from its stored scores" in add_scores(folder, score, sent)
    assert sent[-1][1]["text"].startswith(f"not scored on {other.root}")
    assert folder.state == "done" and external_set(other.films.fingerprint) not in folder.prediction_sets()


def test_a_run_without_its_model_is_named(finished):
    jobs, runs, options, external, *_ = finished
    runs.folder(jobs["net"].spec).model.unlink()
    assert list_addition_jobs([jobs["net"]], runs, options, external) == []
    lines = list_missing_additions([jobs["net"]], runs, options, external)
    for line, start in zip(lines, ("not scored on ", "maps not measured on "), strict=True):
        assert line.startswith(start) and "model.keras is missing; --fresh trains the run again" in line


def test_maps_on_marked_films_are_a_file_that_is_added(finished, other):
    jobs, runs, options, external, score, model = finished
    job, key = jobs["net"], other.films.fingerprint
    folder = runs.folder(job.spec)
    assert add_scores(folder, score, Sent()) == ""
    before = contents(folder)
    assert execute_task(folder, replace(score, task="localise"), Sent()) == ""
    after = contents(folder)
    assert set(after) - set(before) == {external_explanations(key)}
    assert {place: after[place] for place in before} == before
    assert list_addition_jobs([job], runs, options, external) == []
    assert list_missing_additions([job], runs, options, external) == []
    left = folder.read_json(external_explanations(key))
    masks = other.root.parent / "masks"
    assert sorted(left["films"]) == sorted(
        film.id for film in other.films if film.label and (masks / film.id).with_suffix(".png").exists()
    )
    pixels = cached_pixels(other, options.cache, side=job.spec.recipe.size)
    maps = Explainer(model, ("layer_cam",))(pixels[other.films.indices(left["films"])])["layer_cam"]
    side = pixels.shape[1]
    energies = left["methods"]["layer_cam"]["energy"]
    for film_id, map_, energy in zip(left["films"], maps, energies, strict=True):
        inside = decode((masks / film_id).with_suffix(".png").read_bytes())
        inside = cv2.resize(inside, (side, side), interpolation=cv2.INTER_AREA) > 127
        large = cv2.resize(map_, (side, side), interpolation=cv2.INTER_LINEAR)
        expected = (large * inside).sum() / large.sum() if large.any() else 0.0
        assert energy == pytest.approx(expected, abs=2e-3)


def test_a_trivial_row_and_films_without_masks_have_no_maps(finished, other):
    jobs, runs, *_ = finished
    assert missing_external_maps(jobs["trivial"], runs, {other.films.fingerprint: other}) == ()
    without = replace(other, source=replace(other.source, open_masks=lambda *_: None))
    assert missing_external_maps(jobs["net"], runs, {other.films.fingerprint: without}) == ()


def test_films_of_pneumonia_without_a_mark_have_no_maps(finished, other):
    jobs, runs, *_ = finished
    normal, ill = (next(film.id for film in other.films if film.label == label) for label in (0, 1))

    def missing(masks):
        marked = replace(other, source=replace(other.source, open_masks=lambda *_: masks.get))
        return missing_external_maps(jobs["net"], runs, {"here": marked})

    everywhere, nowhere = np.full((64, 64), 255, np.uint8), np.zeros((64, 64), np.uint8)
    assert missing({normal: everywhere, ill: nowhere}) == ()
    assert missing({normal: everywhere, ill: everywhere}) == ("here",)


def test_a_row_is_not_scored_on_films_without_its_columns(finished, other):
    jobs, runs, *_ = finished
    spec = replace(jobs["trivial"].spec, recipe=RECIPES["metadata"])
    metadata = replace(jobs["trivial"], spec=spec)
    assert missing_external_scores(metadata, runs, {"here": other}) == ()
    assert count_additions([metadata], [metadata], runs, parse([]), {"here": other}) == 0
    known = dict.fromkeys(METADATA, {film.id: "1" for film in other.films})
    described = replace(other, films=replace(other.films, covariates=known))
    assert missing_external_scores(metadata, runs, {"here": described}) == ("here",)
    assert count_additions([metadata], [metadata], runs, parse([]), {"here": described}) == 1


def test_films_of_the_source_are_no_external_validation(small_phantom, other):
    options = parse(["--also", str(small_phantom.root), "--dry-run"])
    with pytest.raises(UserError, match=r"120 of 120 films are also among the films of --data, such as "):
        read_external_sets(options, small_phantom, Terminal())
    options = parse(["--also", str(other.root), "--dry-run"])
    assert [d.films.fingerprint for d in read_external_sets(options, small_phantom, Terminal())] == [
        other.films.fingerprint
    ]
    twice = parse(["--also", str(other.root), "--also", str(other.root), "--dry-run"])
    with pytest.raises(UserError, match="names the same films as another --also"):
        read_external_sets(twice, small_phantom, Terminal())
