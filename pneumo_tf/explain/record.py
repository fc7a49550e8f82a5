"""What a run records of where its model looked: maps to draw, and measures of how far to believe them."""

import keras
import numpy as np

from pneumo_tf.data.films import Dataset
from pneumo_tf.explain.choice import common_films, measured_films, outcome_films
from pneumo_tf.explain.explainer import Explainer, scorer
from pneumo_tf.explain.localisation import read_masks
from pneumo_tf.explain.measures import MEASURED, measure
from pneumo_tf.run import Predictions, RunFolder


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
        return read_masks(dataset.root, kind, ids, pixels.shape[1], recipe.fit, recipe.edge_crop)

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
        "explanations.json", measure(explain, scorer(model), pixels[films.indices(ids)], ids, **known)
    )
