"""Run folders like those of a large benchmark, made without training, to time the report on."""

import itertools
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.recipes import RECIPES
from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.datasets.kermany import KERMANY
from pneumo_tf.data.films import Film, Films
from pneumo_tf.data.protocols.registry import PROTOCOLS
from pneumo_tf.data.protocols.split import Split
from pneumo_tf.predictions import Predictions
from pneumo_tf.recipe import Recipe
from pneumo_tf.run_folder import RunFolder
from pneumo_tf.run_spec import RunSpec
from pneumo_tf.runs import Runs

TITLE = "Fabricated runs"
COUNTS = {
    "train": {"NORMAL": 1341, "bacteria": 2530, "virus": 1345},
    "val": {"NORMAL": 8, "bacteria": 8, "virus": 0},
    "test": {"NORMAL": 234, "bacteria": 242, "virus": 148},
}
"""Number of films by folder and class, as in the published set."""

PUBLISHED = "published-test-selected"
"""The published protocol under which recipes are run as well."""

THREADS = 8
SECONDS = {"start": 4.0, "build": 3.0, "train": 160.0, "predict": 2.0, "explain": 6.0, "total": 180.0}


def fabricate_films() -> Films:
    """Return a film table with the counts of the published set, two films of each person with pneumonia."""
    rows = []
    for folder, kinds in COUNTS.items():
        for kind, count in kinds.items():
            for number in range(count):
                label, person = int(kind != "NORMAL"), number // 2
                film = f"person{person}_{kind}_{number}" if label else f"IM-{number:04d}-0001"
                patient = f"{folder}-{kind}-{person if label else number}"
                path = f"{folder}/{'PNEUMONIA' if label else 'NORMAL'}/{film}.jpeg"
                split, size = "test" if folder == "test" else "train", (900 + number, 600 + number % 500)
                subtype = kind if label else "normal"
                rows.append(Film(path, label, subtype, patient, split, *size, f"{len(rows):032x}"))
    return KERMANY.mark_set_apart(Films(tuple(rows)))


def fabricate_runs(root: Path, count: int) -> Runs:
    """Write finished runs: every recipe under `official`, and under `PUBLISHED` if it has figures there.

    Seeds are added until there are `count` runs, so a larger folder has the same rows with more seeds each.
    No run has explanations.

    Args:
        root: Folder of the runs.
        count: Number of runs.
    """
    runs, films = Runs(root), fabricate_films()
    runs.write_films(Dataset(KERMANY, TITLE, None, films))
    splits = {name: PROTOCOLS[name].split(films, None) for name in ("official", PUBLISHED)}

    def write(run: tuple[Recipe, str, int]) -> None:
        recipe, protocol, seed = run
        trained = {"imagenet": "imagenet 0a1b2c3d", "random": "random"}[recipe.initial]
        weights, precision = (trained, "float32") if recipe.phases else ("none", "float64")
        spec = RunSpec(recipe, protocol, films.fingerprint, "full", seed, None, precision, weights)
        _finish(runs.plan(spec), films, splits[protocol])

    # Every write waits for the disk; threads overlap these waits.
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(write, itertools.islice(_planned(), count)))
    return runs


def _planned() -> Iterator[tuple[Recipe, str, int]]:
    for seed in itertools.count():
        for recipe in RECIPES.values():
            if recipe.phases or seed == 0:
                yield recipe, "official", seed
            if any(figure.protocol == PUBLISHED for figure in recipe.published):
                yield recipe, PUBLISHED, seed


def _finish(folder: RunFolder, films: Films, split: Split) -> None:
    spec = folder.spec
    recipe = spec.recipe
    for name in ("validation", "test"):
        folder.write_predictions(name, _predictions(films, getattr(split, name), recipe, spec.seed))
    costs = {"seconds": SECONDS, "parameters": 2_259_265, "peak_host_mb": 1830.0}
    if recipe.phases:
        folder.write_history(_history(recipe, spec.seed))
        costs |= {"trained_films_per_second": 38.2, "latency_ms": 21.4, "batch": recipe.batch}
        costs |= {"micro_batches": 1, "kept_epoch": 1, "train_films": len(split.train)}
    folder.write_json("costs.json", costs)
    versions = {"python": "3.11", "tensorflow": "2.21", "keras": "3.15", "numpy": "2.3"}
    folder.write_json("environment.json", versions | {"device": "CPU, 2 threads", "notes": []})
    folder.set_status("done")


def _predictions(films: Films, ids: tuple[str, ...], recipe: Recipe, seed: int) -> Predictions:
    random = np.random.default_rng([zlib.crc32(recipe.name.encode()), seed, len(ids)])
    # Each recipe has its own skill; the difficulty of a film is the same for all recipes.
    skill = 1.0 + zlib.crc32(recipe.name.encode()) % 100 / 60
    hard = np.random.default_rng(len(ids)).normal(size=len(ids))
    truth = 2.0 * films.labels[films.indices(ids)] - 1
    score = 1.4 * (skill * truth + 0.6 + 1.2 * hard + random.normal(0, 0.9, len(ids)))
    classes = recipe.head.classes
    columns = [score] if classes == 1 else [-score / 2, score / 2, score / 2 - 1][:classes]
    logits = np.stack(columns, axis=1)
    return Predictions(ids, logits.astype(np.float32))


def _history(recipe: Recipe, seed: int) -> list[dict[str, float]]:
    phases = [number for number, phase in enumerate(recipe.phases, 1) for _ in range(phase.epochs)]
    random = np.random.default_rng(seed)
    return [_epoch(phase, epoch, float(random.uniform())) for epoch, phase in enumerate(phases, 1)]


def _epoch(phase: int, epoch: int, chance: float) -> dict[str, float]:
    loss = 0.6 * 0.8**epoch + 0.05 * (1 + chance)
    return {
        "phase": phase,
        "epoch": epoch,
        "learning_rate": 1e-3,
        "train_loss": loss,
        "validation_loss": 1.2 * loss,
        "validation_auc": 1 - 0.1 * loss,
        "validation_accuracy": 1 - 0.2 * loss,
        "seconds": 20.0 + chance,
        "validation_seconds": 1.0 + chance,
    }
