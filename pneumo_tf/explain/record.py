"""What a run records of where its model looked: maps to draw, and measures of how far to believe them."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from pneumo_tf.data.films import Dataset
from pneumo_tf.explain.explainer import METHODS_AND_BASELINES, Explainer, scorer
from pneumo_tf.explain.film_selection import common_films, measured_films, outcome_films
from pneumo_tf.explain.localisation import read_masks
from pneumo_tf.explain.maps import packed
from pneumo_tf.explain.measures import CEILING, PUBLISHED, listed, measure, spread
from pneumo_tf.explain.randomization import cascade
from pneumo_tf.models.registry import ARCHITECTURES
from pneumo_tf.run import Predictions, RunFolder

MEASURED = tuple(name for name in METHODS_AND_BASELINES if name != "score_cam")
"""Methods and baselines that every run is measured with: all that one backward pass gives."""

SANITY_FILMS = 15
"""Most films whose maps are watched while the model forgets."""

TITLES = {name: method.title for name, method in METHODS_AND_BASELINES.items()} | {
    PUBLISHED: "Grad-CAM, published layer",
    CEILING: "the opacity itself",
}


def record_explanations(
    folder: RunFolder, model: keras.Model, dataset: Dataset, pixels: np.ndarray, test: Predictions
) -> None:
    """Writes `pictures/explained.npz` and `explanations.json`.

    Args:
        folder: Of the run.
        model: Trained.
        dataset: The films.
        pixels: (n, side, side) uint8 of the whole dataset.
        test: What the model made of the test films.
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
    opacities = masks("masks", ids)
    folder.write_arrays("explained", arrays if opacities is None else arrays | {"masks": opacities})
    ids = measured_films(films, test.ids)
    known = {"masks": masks("masks", ids), "lungs": masks("lungs", ids)}
    folder.write_json(
        "explanations.json", _measured(model, explain, pixels[films.indices(ids)], ids, **known)
    )


def _measured(
    model: keras.Model,
    explain: Explainer,
    films: np.ndarray,
    ids: list[str],
    *,
    masks: np.ndarray | None,
    lungs: np.ndarray | None,
) -> dict[str, Any]:
    """Explains films and measures the maps.

    Args:
        model: Of the registry, trained.
        explain: Of the same model.
        films: (n, side, side) uint8.
        ids: (n,) their ids.
        masks: As `measure` takes them.
        lungs: As `measure` takes them.

    Returns:
        Ready for JSON: `layers`, `grid` (cells of a map, down and across), `films` (the ids); `methods`: for
        each its `title` and, measure by measure, a list of one value per film, None where it has none;
        `maps`: Grad-CAM, `packed`; `sanity`: the maps of some of the `films` while the model forgets, in
        `stages` and beside them the maps of the `next_film`.
    """
    score = scorer(model)
    maps = explain(films) | _of_published_layer(model, films)
    found = measure(maps, score, films, masks=masks, lungs=lungs)
    return {
        "layers": list(explain.layers),
        "grid": list(explain.grid),
        "films": ids,
        "methods": {name: {"title": TITLES[name]} | listed(values) for name, values in found.items()},
        "maps": packed(maps["grad_cam"]),
        "sanity": _sanity(model, films, ids, spread(score(films) > 0, SANITY_FILMS)),
    }


def _of_published_layer(model: keras.Model, films: np.ndarray) -> dict[str, np.ndarray]:
    """Grad-CAM at the layer that a reproduced system used, where that is another than ours."""
    entry = ARCHITECTURES[model.name]
    if entry.published_cam_layer in (None, entry.cam_layer):
        return {}
    return {PUBLISHED: Explainer(model, ("grad_cam",), entry.published_cam_layer)(films)["grad_cam"]}


def _sanity(model: keras.Model, films: np.ndarray, ids: list[str], chosen: np.ndarray) -> dict[str, Any]:
    found = cascade(model, films[chosen])

    def by_method(values: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, Any]:
        return {name: listed(of) for name, of in values.items()}

    return {
        "films": [ids[at] for at in chosen],
        "stages": [
            {"layers": stage.layers, "share": stage.share, "methods": by_method(stage.alike)}
            for stage in found.stages
        ],
        "next_film": by_method(found.next_film),
    }
