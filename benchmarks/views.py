"""What cycling augmented views costs: `python -m benchmarks.views --data FOLDER`.

The first phase of the two-phase recipes is trained on MobileNetV2 with 1, 2, 4, 8 and all views per film, and
judged on the validation films. The test films are not looked at.
"""

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Mapping, Sequence
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
MODEL = "mobilenetv2"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; 0, or 2 for wrong use."""
    try:
        print(_table(_measured(_parser().parse_args(arguments))))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m benchmarks.views", description=__doc__)
    options.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="the real films")
    options.add_argument("--weights", type=Path, metavar="FOLDER", help="where ImageNet's weights are")
    options.add_argument("--out", type=Path, default=Path("outputs"), metavar="DIR", help="default outputs")
    options.add_argument(
        "--size", type=int, default=128, metavar="PX", help="side of the films (default 128)"
    )
    options.add_argument("--films", type=int, metavar="N", help="training films (default all)")
    options.add_argument("--seeds", type=int, default=5, metavar="N", help="trainings (default 5)")
    return options


def _measured(given: argparse.Namespace) -> dict[int | None, np.ndarray]:
    """Validation AUC and log loss of each seed, (seeds, 2), by the number of views."""
    if given.seeds < 2:
        raise UserError(f"--seeds must be at least 2, not {given.seeds}: one seed has no deviation")
    prepare_tensorflow()
    initial = architecture(MODEL).weights
    weights = find(initial, given.weights)
    if weights is None:
        raise UserError(f"{initial.file} is not here, and random features say nothing; --weights FOLDER")
    films = _films(given.data, given.out / "cache", given.size, given.films)
    print(f"{len(films.train):,} training films, {len(films.validation):,} validation films, {given.size} px")
    results = {}
    for views in VIEWS:
        recipe = _recipe(given.size, views)
        judged = [_judged(recipe, films, seed, weights, given.out / "cache") for seed in range(given.seeds)]
        results[views] = np.array(judged)
    return results


def _table(results: Mapping[int | None, np.ndarray]) -> str:
    """Mean ± SD over seeds, and of the differences from all views, seed by seed; as markdown."""
    lines = [
        "| views | validation AUC | validation log loss | AUC − all | log loss − all |",
        "|---|---|---|---|---|",
    ]
    for views, rows in results.items():
        columns = np.hstack([rows, rows - results[None]]).T
        cells = [f"{column.mean():.4f} ± {column.std(ddof=1):.4f}" for column in columns]
        lines.append(f"| {views or 'all'} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _films(data: Path, cache: Path, size: int, most: int | None) -> TrainingFilms:
    dataset = recognise(data).read(data, cache=cache)
    split = PROTOCOLS["official"].split(dataset.films, None)
    split = limit(split, dataset.films, most) if most else split
    pixels = cached_pixels(dataset, cache, side=size)
    index = dataset.films.indices
    return TrainingFilms(pixels, pixels, dataset.films.labels, index(split.train), index(split.validation))


def _recipe(size: int, views: int | None) -> Recipe:
    two_phase = RECIPES["densenet121"]
    return dataclasses.replace(
        two_phase, architecture=MODEL, size=size, views=views, phases=two_phase.phases[:1]
    )


def _judged(
    recipe: Recipe, films: TrainingFilms, seed: int, weights: Path, cache: Path
) -> tuple[float, float]:
    """Validation AUC and log loss after the last epoch of one training."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    model = build(recipe.architecture, head=recipe.head, size=recipe.size, weights=weights)
    with tempfile.TemporaryDirectory() as work:
        setting = Setting(
            seed=seed,
            precision="float32",
            pretrained=True,
            micro_batches=1,
            xla=False,
            work=Path(work),
            features=cache / "features",
        )
        last = train(model, recipe, films, setting).history[-1]
    return last["validation_auc"], last["validation_loss"]


if __name__ == "__main__":
    sys.exit(main())
