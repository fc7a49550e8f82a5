"""Run folders that look like a finished benchmark, written through the API that the worker uses."""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.datasets.kermany import KERMANY
from pneumo_tf.data.datasets.phantom.entry import PHANTOM
from pneumo_tf.data.films import Film, Films
from pneumo_tf.data.protocols.by_patient import split_cv5
from pneumo_tf.predictions import Predictions
from pneumo_tf.recipe import Augment, Head, Phase, Published, Recipe
from pneumo_tf.run_folder import RunFolder
from pneumo_tf.run_spec import RunSpec
from pneumo_tf.runs import Runs

TWO_PHASES = (Phase(4, 1e-3, "head"), Phase(4, 1e-5, "all", batch_norm="training"))
CPU = "CPU, 2 threads"
NO_IMAGENET = "ImageNet weights were not available; the backbone starts from random weights"

RECIPES = (
    Recipe(
        "convnext_base",
        "convnext_base",
        TWO_PHASES,
        Head(units=(1024,), dropout=0.5),
        initial="imagenet",
        augment=Augment(rotation=20, shift=0.2, flip=0.5),
        family="Keras Applications",
        source="Two-phase fine-tuning of Keras Applications backbones",
        published=(
            Published("521 images from the head of train/, augmented", {"accuracy": 0.9705, "f1": 0.9544}),
            Published("640 images: test and val", {"accuracy": 0.891}, (174, 68, 2, 396)),
        ),
        expected=(0.86, 0.93),
    ),
    Recipe(
        "densenet121",
        "densenet121",
        TWO_PHASES,
        Head(units=(512,), dropout=0.5),
        initial="imagenet",
        family="Keras Applications",
        source="Two-phase fine-tuning of Keras Applications backbones",
        published=(Published("640 images: test and val", {"accuracy": 0.722}, (64, 178, 0, 398)),),
    ),
    Recipe(
        "cnn_baseline",
        "cnn_32_64_128",
        (Phase(6, 1e-3),),
        family="Small CNNs",
        source="Three blocks of convolution and pooling",
        chosen="filters 32, 64, 128; Adam at 1e-3; 6 epochs; batch 32",
        published=(Published("official test", {"accuracy": 0.72, "macro_f1": 0.62}, (64, 170, 2, 388)),),
        expected=(0.72, 0.86),
    ),
    Recipe(
        "cnn_regularised",
        "cnn_32_64_128",
        (Phase(6, 1e-3),),
        Head(units=(128,), batch_norm=True, dropout=0.5),
        family="Small CNNs",
        chosen="rotation ±10°, zoom ±10 %",
        published=(Published("official test", {"accuracy": 0.86, "macro_f1": 0.84}, (153, 81, 6, 384)),),
    ),
    Recipe(
        "mobilenet_crops",
        "mobilenet_v2",
        (Phase(5, 1e-4),),
        initial="imagenet",
        augment=Augment(crop_area=(0.3, 1.0), brightness=40),
        family="Ours",
        informed_by_test=True,
    ),
    Recipe(
        "file_size_only", "image_size", family="Trivial", source="width and height of the JPEG, no pixels"
    ),
    Recipe("thumbnail_16", "thumbnail", family="Trivial", source="logistic regression on 16×16 thumbnails"),
)
SKILL = {  # separation on the test films, pull of every score towards pneumonia
    "convnext_base": (2.6, 0.6),
    "densenet121": (2.2, 1.6),
    "cnn_baseline": (1.35, 1.6),
    "cnn_regularised": (1.8, 0.8),
    "mobilenet_crops": (2.8, 0.1),
    "file_size_only": (1.2, 0.1),
    "thumbnail_16": (1.3, 0.5),
}


def fabricate_films(n_test: int = 160, n_train: int = 480) -> Films:
    """Films in the proportions of the real set: three in eight of the test films and one in four of the
    training films are normal, and a person has one to four films."""
    rng = np.random.default_rng(11)
    rows = []
    for split, total, normal in (("train", n_train, 0.26), ("test", n_test, 0.375)):
        counts = {"normal": round(total * normal)}
        counts["bacteria"] = round((total - counts["normal"]) * 0.63)
        counts["virus"] = total - sum(counts.values())
        for subtype, count in counts.items():
            person, left = 0, 0
            for number in range(count):
                if left == 0:
                    person, left = person + 1, 1 if subtype == "normal" else int(rng.integers(1, 5))
                left -= 1
                folder = "NORMAL" if subtype == "normal" else "PNEUMONIA"
                width, height = (int(side) for side in rng.integers((900, 600), (1900, 1400)))
                film_id = f"{split}/{folder}/{subtype}_{person}_{number}.jpeg"
                patient = f"{subtype}-{split}-{person}"
                label = int(subtype != "normal")
                rows.append(Film(film_id, label, subtype, patient, split, width, height, f"{len(rows):032x}"))
    return Films(tuple(rows))


def fabricate_predictions(films: Films, recipe: Recipe, seed: int, *, test: bool) -> Predictions:
    """Logits of the recipe's skill: some films are hard for every recipe, normal test films for most."""
    separation, pull = SKILL.get(recipe.name, (1.8, 0.8))
    separation, pull = (separation, pull) if test else (separation + 1.2, 0.0)
    hard = np.random.default_rng(5 + test).normal(size=len(films))
    own = np.random.default_rng([seed, test, zlib.crc32(recipe.name.encode())])
    virus = np.array([film.subtype == "virus" for film in films])
    truth = np.where(films.labels == 1, separation - 0.8 * virus, -separation)
    score = truth + pull + own.normal(0, 0.35) + 1.2 * hard + own.normal(0, 0.9, len(films))
    score = 1.4 * score
    columns = {
        1: [score],
        2: [-score / 2, score / 2],
        3: [-score / 2, score / 2 - virus, score / 2 + virus - 0.5],
    }
    logits = np.stack(columns[recipe.head.classes], axis=1)
    return Predictions(tuple(film.id for film in films), logits.astype(np.float32))


def fabricate_history(recipe: Recipe, seed: int) -> list[dict[str, float]]:
    """One row per epoch, as the worker writes them."""
    rng = np.random.default_rng([seed, 77])
    rows, epoch = [], 0
    for number, phase in enumerate(recipe.phases, start=1):
        for _ in range(phase.epochs):
            epoch += 1
            loss = 0.6 * np.exp(-0.35 * epoch) + 0.05
            rows.append(
                {
                    "phase": number,
                    "epoch": epoch,
                    "learning_rate": phase.learning_rate,
                    "train_loss": round(float(loss), 5),
                    "validation_loss": round(float(loss * 1.2 + abs(rng.normal(0, 0.02))), 5),
                    "validation_auc": round(float(1 - 0.08 * np.exp(-0.4 * epoch) - rng.uniform(0, 0.01)), 5),
                    "seconds": round(float(20 + rng.uniform(0, 2)), 2),
                }
            )
    return rows


def finish(folder: RunFolder, films: Films, *, device: str = CPU, at: float = 1_750_000_000.0) -> None:
    """Writes every result of a run and marks it done."""
    spec = folder.spec
    recipe, seed = spec.recipe, spec.seed
    parts = {"test": films.where(lambda f: f.split == "test")}
    parts["validation"] = Films(films.where(lambda f: f.split == "train").rows[::5])
    if spec.protocol == "cv5":
        sides = split_cv5(films, spec.fold).scored
        parts = {side: films.where(lambda f, ids=set(ids): f.id in ids) for side, ids in sides.items()}
    for name, part in parts.items():
        training = seed + 100 * (spec.fold or 0)
        predictions = fabricate_predictions(part, recipe, training, test=name == "test")
        folder.write_predictions(name, predictions)
    seconds = {"start": 4.1, "predict": 1.9, "total": 12.5 + seed}
    costs: dict = {"seconds": seconds, "parameters": 257}
    if recipe.phases:
        history = fabricate_history(recipe, seed)
        folder.write_history(history)
        weight = 1 + zlib.crc32(recipe.name.encode()) % 40
        seconds |= {
            "build": 3.0,
            "train": 20.0 * weight + 9 * seed,
            "validate": 8.0,
            "explain": 6.2,
            "total": 190.0,
        }
        best = max(history, key=lambda row: row["validation_auc"])
        costs |= {"parameters": 2_259_265 + len(recipe.name) * 1_000_000, "trained_films_per_second": 38.2}
        costs |= {
            "latency_ms": 3.0 * weight + seed,
            "peak_host_mb": 1830.0,
            "batch": recipe.batch,
            "micro_batches": 1,
        }
        costs |= {
            "trace_seconds": 6.0,
            "validation_seconds": 8.0,
            "wait_share": 0.021,
            "flops_per_film": 0.6e9 * weight,
            "flops_per_second": 4e10 if device == CPU else 4e13,
            "peak_flops_per_second": None if device == CPU else 312e12,
            "energy_joules": None if device == CPU else 1.8e5,
            "latency_p95_ms": 4.0 * weight + seed,
            "films_per_second": 900.0 / weight,
            "films_per_second_batch": 32,
            "epochs": len(history),
            "train_films": 384,
        }
        costs |= {"peak_device_mb": None if device == CPU else 5120.0, "kept_epoch": int(best["epoch"])}
    folder.write_json("costs.json", costs)
    missing = recipe.initial == "imagenet" and spec.weights == "random"
    versions = {"python": "3.11.9", "tensorflow": "2.21.0", "keras": "3.12.0", "numpy": "2.2.1"}
    notes = [NO_IMAGENET] if missing else []
    folder.write_json(
        "environment.json", versions | {"device": device, "precision": spec.precision, "notes": notes}
    )
    folder.set_status("done")
    folder.write_json("status.json", {"state": "done", "reason": "", "at": at + seed})


def fabricate_runs(
    root: Path,
    recipes: Sequence[Recipe] = RECIPES,
    seeds: int = 2,
    n_test: int = 160,
    *,
    title: str = "Phantom chest films",
    profile: str = "full",
    protocol: str = "official",
    n_train: int = 480,
    device: str = CPU,
    flawed: bool = True,
    dataset: Dataset | None = None,
) -> Runs:
    """Writes a folder of runs.

    Args:
        root: Where.
        recipes: Each is run with every seed.
        seeds: How many, 0 upwards.
        n_test: Test films.
        title: Of the dataset; one that begins with "Phantom" is synthetic.
        profile: `"full"`, `"quick"` or `"custom"`.
        protocol: How the films were divided.
        n_train: Training films.
        device: As environment.json has it.
        flawed: Add two failed runs, an interrupted one, and one under a published protocol.
        dataset: Films in place of fabricated ones.
    """
    source = PHANTOM if title.startswith("Phantom") else KERMANY
    dataset = dataset or Dataset(source, title, None, fabricate_films(n_test, n_train))
    runs, films = Runs(root), dataset.films
    runs.write_films(dataset)

    def plan(recipe: Recipe, seed: int, protocol: str, fold: int | None = None) -> RunFolder:
        weights = "random" if recipe.initial == "random" or not recipe.phases else "imagenet:0a1b2c3d"
        precision = "float32" if device == CPU or not recipe.phases else "mixed_float16"
        spec = RunSpec(recipe, protocol, films.fingerprint, profile, seed, fold, precision, weights)
        if recipe.name == "densenet121":
            spec = replace(spec, weights="random")
        return runs.plan(spec)

    for recipe in recipes:
        for seed in range(seeds if recipe.phases else 1):
            for fold in range(5) if protocol == "cv5" else (None,):
                finish(plan(recipe, seed, protocol, fold), films, device=device)
    if flawed:
        vgg = Recipe("vgg16", "vgg16", TWO_PHASES, initial="imagenet", family="Keras Applications")
        plan(vgg, 0, protocol).set_status(
            "failed", "out of memory at batch 1: 15.2 GB wanted, 8.0 GB free", kind="gpu-memory"
        )
        first = next(recipe for recipe in recipes if recipe.phases)
        plan(first, seeds, protocol).set_status(
            "failed", "loss became not a number in epoch 3", kind="not-finite"
        )
        plan(vgg, 1, protocol).set_status("interrupted", "stopped by the user in epoch 5 of 8")
        finish(plan(first, 0, "published-validation-head"), films, device=device)
    return runs
