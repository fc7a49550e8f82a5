"""Trainings of one frozen phase that cycle few or many augmented views of each film."""

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from benchmarks.recipes import RECIPES
from pneumo_tf.data.datasets.registry import recognise
from pneumo_tf.data.pixels import cached_pixels
from pneumo_tf.data.protocols.registry import PROTOCOLS, limit
from pneumo_tf.errors import UserError
from pneumo_tf.models.registry import architecture, build
from pneumo_tf.models.weights_file import find
from pneumo_tf.recipe import Recipe
from pneumo_tf.training.device import prepare_tensorflow
from pneumo_tf.training.harness import Setting, TrainingFilms, train

VIEWS = (1, 2, 4, 8, None)
"""Numbers of views per film that the epochs cycle; None for new ones in every epoch."""

MODEL = "mobilenetv2"


def measure_views(options: argparse.Namespace) -> dict[int | None, np.ndarray]:
    """Train with every number of views and every seed.

    Args:
        options: Arguments of `python -m benchmarks.views`.

    Returns:
        Validation AUC and log loss of each seed, (seeds, 2), by number of views.

    Raises:
        UserError: If the ImageNet weights are missing, or the folder holds no known films.
    """
    prepare_tensorflow()
    initial = architecture(MODEL).weights
    weights = find(initial, options.weights)
    if weights is None:
        raise UserError(
            f"{initial.file} is missing, and the study is meaningless with random weights; --weights FOLDER"
        )
    cache = options.out / "cache"
    films = _read_films(options.data, cache, options.size, options.films)
    _log(f"{len(films.train):,} training films, {len(films.validation):,} validation films")
    results = {}
    for views in VIEWS:
        _log(f"{options.seeds} trainings with {views or 'all'} views …")
        recipe = _first_phase(options.size, views)
        scores = [_train_once(recipe, films, seed, weights, cache) for seed in range(options.seeds)]
        results[views] = np.array(scores)
    return results


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def views_table(results: Mapping[int | None, np.ndarray]) -> str:
    """Return mean ± SD over seeds as markdown, and the same of each seed's difference from all views."""
    lines = [
        "| views | validation AUC | validation log loss | AUC − all | log loss − all |",
        "|---|---|---|---|---|",
    ]
    for views, rows in results.items():
        columns = np.hstack([rows, rows - results[None]]).T
        cells = [f"{column.mean():.4f} ± {column.std(ddof=1):.4f}" for column in columns]
        lines.append(f"| {views or 'all'} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _read_films(data: Path, cache: Path, size: int, most: int | None) -> TrainingFilms:
    dataset = recognise(data).read(data, cache=cache)
    split = PROTOCOLS["official"].split(dataset.films, None)
    split = limit(split, dataset.films, most) if most else split
    pixels = cached_pixels(dataset, cache, side=size)
    index = dataset.films.indices
    return TrainingFilms(pixels, pixels, dataset.films.labels, index(split.train), index(split.validation))


def _first_phase(size: int, views: int | None) -> Recipe:
    two_phase = RECIPES["densenet121"]
    return dataclasses.replace(
        two_phase, architecture=MODEL, size=size, views=views, phases=two_phase.phases[:1]
    )


def _train_once(
    recipe: Recipe, films: TrainingFilms, seed: int, weights: Path, cache: Path
) -> tuple[float, float]:
    """Train once, and return validation AUC and log loss after the last epoch."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    model = build(recipe.architecture, head=recipe.head, size=recipe.size, weights=weights)
    with tempfile.TemporaryDirectory() as work:
        setting = Setting(
            seed=seed,
            precision="float32",
            pretrained=True,
            micro_batches=(1,),
            xla=False,
            work=Path(work),
            features=cache / "features",
        )
        last = train(model, recipe, films, setting).history[-1]
    return last["validation_auc"], last["validation_loss"]
