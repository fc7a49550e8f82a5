"""Explanations that a run records, end to end: from films to the page that shows them."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest

from pneumo_tf.data.formats.registry import decode
from pneumo_tf.data.pixels import cached_pixels, fit_film
from pneumo_tf.explain import record
from pneumo_tf.explain.explainer import Explainer, make_scorer
from pneumo_tf.explain.maps import unpack_maps
from pneumo_tf.explain.similarity import rank_correlation
from pneumo_tf.models.registry import ARCHITECTURES, build
from pneumo_tf.predictions import Predictions
from pneumo_tf.recipe import Head, Phase, Recipe
from pneumo_tf.report.reading import read_boards
from pneumo_tf.report.saliency.page import write_explanations
from pneumo_tf.run_spec import RunSpec
from pneumo_tf.runs import Runs

SIDE = 48
LAYER = "block4_bn"


@pytest.fixture(scope="module")
def published():
    """conv4_gray as if a reproduced system had drawn its maps from another layer."""
    with pytest.MonkeyPatch.context() as patch:
        entry = replace(ARCHITECTURES["conv4_gray"], published_cam_layer=LAYER)
        patch.setattr(record, "ARCHITECTURES", {**ARCHITECTURES, "conv4_gray": entry})
        yield


@pytest.fixture(scope="module")
def recorded(small_phantom, tmp_path_factory, published):
    """A run whose model calls about half of the films pneumonia: its folder, the model, the films."""
    root = tmp_path_factory.mktemp("recorded")
    keras.utils.set_random_seed(4)
    model = build("conv4_gray", head=Head(classes=1), size=SIDE)
    pixels = cached_pixels(small_phantom, root / "cache", side=SIDE)
    ids = tuple(film.id for film in small_phantom.films if film.split == "test")
    films = pixels[small_phantom.films.indices(ids)]
    kernel, _ = model.layers[-1].get_weights()
    model.layers[-1].set_weights([kernel, -np.median(make_scorer(model)(films))[None]])
    runs = Runs(root / "runs")
    runs.write_films(small_phantom)
    recipe = Recipe("tiny", "conv4_gray", (Phase(1, 1e-3),), size=SIDE)
    spec = RunSpec(recipe, "official", small_phantom.films.fingerprint, "quick", 0, None, "float32", "random")
    folder = runs.plan(spec)
    test = Predictions(ids, model(films[..., None]).numpy())
    kept = model.get_weights()
    record.record_explanations(folder, model, make_scorer(model), small_phantom, pixels, test)
    for before, after in zip(kept, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    others = tuple(film.id for film in small_phantom.films if film.split == "train")
    validation = model(pixels[small_phantom.films.indices(others)][..., None]).numpy()
    folder.write_predictions("test", test)
    folder.write_predictions("validation", Predictions(others, validation))
    folder.write_json("costs.json", {"seconds": {}})
    folder.write_json("environment.json", {"device": "CPU", "precision": "float32", "notes": []})
    folder.set_status("done")
    return runs, folder, model, dict(zip(ids, films, strict=True)), test


@pytest.fixture(scope="module")
def left(recorded):
    return recorded[1].read_json("explanations.json")


def test_every_map_has_a_value_or_none_for_every_film(left):
    assert left["layers"] == ["block4_relu"]
    assert tuple(left["grid"]) == (6, 6)
    assert set(left["methods"]) == {*record.MEASURED, "grad_cam_published", "opacity"}
    for values in left["methods"].values():
        assert all(len(of) == len(left["films"]) for name, of in values.items() if name != "title")
    json.dumps(left, allow_nan=False)


def test_pointing_equals_that_computed_from_the_model_and_the_mask_files(recorded, left, small_phantom):
    _, _, model, films, _ = recorded
    maps = Explainer(model)(np.array([films[film_id] for film_id in left["films"]]))["grad_cam"]
    counted = 0
    for map_, film_id, stored in zip(
        maps, left["films"], left["methods"]["grad_cam"]["pointing"], strict=True
    ):
        path = (small_phantom.root.parent / "masks" / film_id).with_suffix(".png")
        mask = (
            fit_film(decode(path.read_bytes()), SIDE) > 127 if path.exists() else np.zeros((SIDE, SIDE), bool)
        )
        if not mask.any():
            assert stored is None
            continue
        counted += 1
        # The largest value of a bilinear map lies in its largest cell, towards the larger neighbours.
        row, column = np.unravel_index(map_.argmax(), map_.shape)
        cell = mask[8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
        if map_.max() == 0 or cell.all() or not cell.any():
            assert stored == (map_.max() > 0 and bool(cell.all()))
    assert counted >= 20


def test_maps_are_kept_for_the_comparison_of_runs(recorded, left):
    arrays = recorded[1].read_arrays("explained")
    kept = dict(zip(left["films"], unpack_maps(left["maps"], left["grid"]), strict=True))
    shared = [
        (map_, kept[name]) for name, map_ in zip(arrays["ids"], arrays["maps"], strict=True) if name in kept
    ]
    assert len(shared) >= 8
    for map_, low in shared:
        np.testing.assert_allclose(low / 255 * map_.max(), map_, atol=map_.max() / 500)


def test_the_published_layer_has_a_map_of_its_own(recorded, left):
    _, _, model, films, _ = recorded
    images = np.array([films[film_id] for film_id in left["films"]])
    ours, theirs = (Explainer(model, layer=layer)(images)["grad_cam"] for layer in (None, LAYER))
    stored = left["methods"]["grad_cam_published"]
    assert stored["title"] == "Grad-CAM, published layer"
    expected = rank_correlation(ours, theirs)
    found = np.array(stored["rank"], float)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert np.nanmean(found) < 0.999


def test_sanity_is_measured_on_films_called_pneumonia(recorded, left):
    _, _, _, _, test = recorded
    score = dict(zip(test.ids, test.score, strict=True))
    sanity = left["sanity"]
    assert len(sanity["films"]) == record.RANDOMIZATION_FILMS
    assert all(score[film_id] > 0 for film_id in sanity["films"])
    assert sanity["stages"][0]["layers"] == 1
    assert sanity["stages"][-1]["share"] == 1
    kept = dict(zip(left["films"], unpack_maps(left["maps"], left["grid"]), strict=True))
    maps = np.array([kept[film_id] for film_id in sanity["films"]])
    again = rank_correlation(maps, np.concatenate([maps[1:], maps[:1]]))
    np.testing.assert_allclose(np.array(sanity["next_film"]["grad_cam"]["rank"], float), again, atol=0.03)


def test_faithfulness_is_measured_on_films_called_pneumonia(recorded, left):
    score = dict(zip(recorded[4].ids, recorded[4].score, strict=True))
    for name in (
        "grad_cam",
        "layer_cam",
        "grad_cam_published",
        "centre",
        "edges",
        "random",
        "input_gradient",
    ):
        values = left["methods"][name]
        for measure in ("deletion", "insertion", "road", "drop", "rise"):
            known = [
                film_id
                for film_id, value in zip(left["films"], values[measure], strict=True)
                if value is not None
            ]
            assert len(known) == 16
            assert all(score[film_id] > 0 for film_id in known)


def test_the_page_shows_it(recorded, tmp_path):
    page = write_explanations(read_boards(recorded[0]), tmp_path).read_text("utf-8")
    for text in (
        "tiny: in the pointing game Grad-CAM ",
        "; LayerCAM ",
        "| Grad-CAM, published layer |",
        "| the opacity itself |",
        "tiny: by deletion Grad-CAM ",
        "rank correlation",
        "### Do the methods agree?",
        "### Shortcut alarm",
    ):
        assert text in page, text
    assert "Does another run give the same map?" not in page  # there is one run
    assert "nan" not in page
