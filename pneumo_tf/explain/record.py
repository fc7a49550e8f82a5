"""Record of a run's explanations: maps to draw, and measures of them."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.explain.explainer import METHODS_AND_BASELINES, Explainer
from pneumo_tf.explain.faithfulness import Score, remember_scores
from pneumo_tf.explain.film_selection import common_films, marked_films, measured_films, outcome_films
from pneumo_tf.explain.localisation import read_masks
from pneumo_tf.explain.maps import pack_maps
from pneumo_tf.explain.measures import (
    CEILING,
    PUBLISHED,
    Values,
    choose_evenly,
    json_values,
    measure_ceiling,
    measure_location,
    measure_maps,
)
from pneumo_tf.explain.randomization import randomize_weights
from pneumo_tf.external_sets import external_explanations
from pneumo_tf.models.graph import cam_layer
from pneumo_tf.models.registry import ARCHITECTURES
from pneumo_tf.predictions import Predictions
from pneumo_tf.run_folder import RunFolder

MEASURED = tuple(name for name in METHODS_AND_BASELINES if name != "score_cam")
"""Methods and baselines that every run measures: all that need one backward pass only."""

RANDOMIZATION_FILMS = 15
"""Most films for the comparison under weight randomization."""

TITLES = {name: method.title for name, method in METHODS_AND_BASELINES.items()} | {
    PUBLISHED: "Grad-CAM, published layer",
    CEILING: "the opacity itself",
}


def record_explanations(
    folder: RunFolder,
    model: keras.Model,
    score: Score,
    dataset: Dataset,
    pixels: np.ndarray,
    test: Predictions,
) -> None:
    """Write `pictures/explained.npz` and `explanations.json`.

    Args:
        folder: Folder of the run.
        model: Trained model of the run.
        score: Function from films to the model's scores; reusing that of the predictions saves a trace.
        dataset: Dataset of the run.
        pixels: (n, side, side) uint8 of the whole dataset.
        test: Predictions of the model on the test films.
    """
    films, recipe = dataset.films, folder.spec.recipe

    def masks(kind: str, ids: list[str]) -> np.ndarray | None:
        return read_masks(dataset, kind, ids, pixels.shape[1], recipe.fit, recipe.edge_crop)

    explain = Explainer(model, MEASURED)
    common, places = common_films(films, test.ids), outcome_films(films, test.ids, test.score)
    ids = list(dict.fromkeys([*common, *places]))
    shown = pixels[films.indices(ids)]
    arrays = {
        "ids": np.array(ids),
        "pixels": shown,
        "maps": explain(shown)["grad_cam"],
        "common": np.isin(ids, common),
        "places": np.array([places.get(film_id, "") for film_id in ids]),
    }
    if recipe.head.classes > 2:
        arrays["class_maps"] = _of_each_class(model, shown)
    opacities = masks("masks", ids)
    folder.write_arrays("explained", arrays if opacities is None else arrays | {"masks": opacities})
    ids = measured_films(films, test.ids, marked_films(dataset, test.ids))
    known = {"masks": masks("masks", ids), "lungs": masks("lungs", ids)}
    folder.write_json(
        "explanations.json", _measured(model, score, explain, pixels[films.indices(ids)], ids, **known)
    )


def record_external_explanations(
    folder: RunFolder, model: keras.Model, dataset: Dataset, pixels: np.ndarray
) -> None:
    """Write `explanations/external-<fingerprint>.json`: where maps lie on external films with masks.

    Args:
        folder: Folder of the run.
        model: Trained model of the run.
        dataset: External films, of a source with masks.
        pixels: (n, side, side) uint8 of all these films.
    """
    recipe, ids = folder.spec.recipe, marked_films(dataset, dataset.films.position)
    films = pixels[dataset.films.indices(ids)]
    masks = read_masks(dataset, "masks", ids, pixels.shape[1], recipe.fit, recipe.edge_crop)
    explain = Explainer(model, MEASURED)
    maps = explain(films) | _of_published_layer(model, films)
    found = {name: measure_location(low, films, masks, None) for name, low in maps.items()}
    found[CEILING] = measure_ceiling(masks, explain.grid)
    measured = {
        "layers": list(explain.layers),
        "grid": list(explain.grid),
        "films": ids,
        "methods": _by_title(found),
    }
    folder.write_json(external_explanations(dataset.films.fingerprint), measured)


def _by_title(found: Mapping[str, Values]) -> dict[str, Any]:
    return {name: {"title": TITLES[name]} | json_values(values) for name, values in found.items()}


def _measured(
    model: keras.Model,
    score: Score,
    explain: Explainer,
    films: np.ndarray,
    ids: list[str],
    *,
    masks: np.ndarray | None,
    lungs: np.ndarray | None,
) -> dict[str, Any]:
    """Explain films and measure the maps.

    Args:
        model: Trained model of an architecture in the registry.
        score: Scores of the model.
        explain: Explainer of the same model.
        films: (n, side, side) uint8.
        ids: Film ids, n of them.
        masks: (n, side, side) bool: opacities; None if unknown.
        lungs: (n, side, side) bool: lung fields; None if unknown.

    Returns:
        JSON-ready values: `layers`; `grid`, the cells of a map, down and across; `films`, the ids; `methods`,
        each with its `title` and one value per film for each measure, None if undefined; `maps`, Grad-CAM as
        `pack_maps` encodes it; `sanity`, similarity under weight randomization on some of the `films`, by
        `stages`, and of the maps of the `next_film`.
    """
    maps, score = explain(films) | _of_published_layer(model, films), remember_scores(score)
    found = measure_maps(maps, score, films, masks=masks, lungs=lungs)
    return {
        "layers": list(explain.layers),
        "grid": list(explain.grid),
        "films": ids,
        "methods": _by_title(found),
        "maps": pack_maps(maps["grad_cam"]),
        "sanity": _randomization(
            model, explain, films, ids, choose_evenly(score(films) > 0, RANDOMIZATION_FILMS)
        ),
    }


def _of_each_class(model: keras.Model, films: np.ndarray) -> np.ndarray:
    """Return Grad-CAM of the logit of each class, (n, classes, *grid) float32."""
    classes = range(model.outputs[0].shape[1])
    return np.stack([Explainer(model, target=target)(films)["grad_cam"] for target in classes], axis=1)


def _of_published_layer(model: keras.Model, films: np.ndarray) -> dict[str, np.ndarray]:
    """Return Grad-CAM at the layer of the reproduced system, if it differs from the registry's."""
    entry = ARCHITECTURES[model.name]
    if entry.published_cam_layer in (None, cam_layer(model, entry)):
        return {}
    return {PUBLISHED: Explainer(model, ("grad_cam",), entry.published_cam_layer)(films)["grad_cam"]}


def _randomization(
    model: keras.Model, explain: Explainer, films: np.ndarray, ids: list[str], chosen: np.ndarray
) -> dict[str, Any]:
    found = randomize_weights(model, films[chosen], explain=explain)

    def by_method(values: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, Any]:
        return {name: json_values(columns) for name, columns in values.items()}

    return {
        "films": [ids[at] for at in chosen],
        "stages": [
            {"layers": stage.layers, "share": stage.share, "methods": by_method(stage.similarity)}
            for stage in found.stages
        ],
        "next_film": by_method(found.next_film),
    }
