"""What a run computes: digests of what no machine changes, and logits of tiny trainings."""

import dataclasses
import hashlib
import json

import keras
import numpy as np

from pneumo_tf.data.augment import random_transforms, source_side
from pneumo_tf.data.batches import TrainingFilms, training_order
from pneumo_tf.data.films import Film, Films
from pneumo_tf.data.protocols.registry import PROTOCOLS, limit
from pneumo_tf.models.registry import build
from pneumo_tf.recipe import Augment, Head, Phase, Recipe
from pneumo_tf.training.dropout_seed import seed_dropout
from pneumo_tf.training.harness import Setting, train
from pneumo_tf.training.loss import class_weights
from pneumo_tf.training.optimizer import make_optimizer
from pneumo_tf.training.step import Predictor

SIDE, TRAIN, VALIDATION, TEST = 32, 48, 16, 16

AUGMENT = Augment(rotation=15, shift=0.1, zoom=(0.9, 1.2), flip=0.5, contrast=0.3, gamma=0.4)
CNN = Recipe(
    "golden",
    "conv4_gray",
    size=SIDE,
    batch=16,
    select="last",
    # Adam would turn the rounding of gradients near zero into whole steps, and processors round differently.
    phases=(
        Phase(
            epochs=3,
            learning_rate=2e-3,
            optimizer="sgd",
            momentum=0.9,
            batch_norm="training",
            schedule="cosine",
        ),
    ),
)
FROZEN = dataclasses.replace(
    CNN,
    architecture="resnet18",
    augment=AUGMENT,
    phases=(
        Phase(epochs=2, learning_rate=3e-3, train="head"),
        Phase(epochs=1, learning_rate=1e-4, train="last_stage", optimizer="adamw", weight_decay=1e-3),
    ),
)

TRAININGS = {
    "batch norm in training": (CNN, 1),
    "augmented": (dataclasses.replace(CNN, augment=AUGMENT), 1),
    "random resized crops": (dataclasses.replace(CNN, augment=Augment(crop_area=(0.3, 1.0), flip=0.5)), 1),
    "dropout, balanced sampling, focal loss": (
        dataclasses.replace(CNN, head=Head(dropout=0.5), sampling="balanced", loss="focal", focal_gamma=2.0),
        1,
    ),
    "sgd in three parts of a batch": (
        dataclasses.replace(
            CNN,
            architecture="conv3_gray",
            phases=(Phase(epochs=3, learning_rate=0.1, optimizer="sgd", momentum=0.9, weight_decay=1e-3),),
        ),
        3,
    ),
    "frozen, then the last stage": (FROZEN, 1),
}
"""By name: a recipe, and the parts that its batches are cut into."""

AUGMENTS = {
    "affine": AUGMENT,
    "wide crops and tone": Augment(
        crop_area=(0.25, 1.1), crop_aspect=(0.6, 1.7), rotation=15, flip=0.5, contrast=0.3, brightness=35
    ),
    "crops inside the film": Augment(crop_area=(0.08, 1.0), crop_aspect=(0.75, 1.33), gain=0.2, fill="black"),
}

PHASES = {
    "adam": Phase(epochs=2, learning_rate=1e-3),
    "adam, weight decay": Phase(epochs=2, learning_rate=1e-3, weight_decay=1e-4),
    "adamw, cosine after a warm-up": Phase(
        epochs=8, learning_rate=2e-4, optimizer="adamw", weight_decay=1e-3, schedule="cosine", warmup_steps=20
    ),
    "sgd, momentum, warm-up": Phase(
        epochs=4, learning_rate=1e-2, optimizer="sgd", momentum=0.9, weight_decay=1e-3, warmup_steps=10
    ),
}


def films():
    """Smooth films of two classes, (n, source, source) uint8, and their labels."""
    random = np.random.Generator(np.random.Philox(7))
    count = TRAIN + VALIDATION + TEST
    labels = np.arange(count) % 2
    coarse = random.random((count, 8, 8)) + 0.3 * labels[:, None, None] * np.eye(8)
    return coarse, labels.astype(np.int8)


def pixels(coarse, side):
    """Films of a side, (n, side, side) uint8: bilinear between the coarse values."""
    at = np.linspace(0, coarse.shape[1] - 1.001, side)
    low, part = at.astype(int), at % 1
    rows = coarse[:, low] * (1 - part)[:, None] + coarse[:, low + 1] * part[:, None]
    both = rows[:, :, low] * (1 - part) + rows[:, :, low + 1] * part
    return np.round(both / 1.3 * 255).astype(np.uint8)


def logits(recipe, parts, work):
    """Logits of the test films after a training, (16, classes)."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(11)
    coarse, labels = films()
    rows = np.arange(len(labels))
    side = source_side(recipe.augment, SIDE)
    training = TrainingFilms(
        pixels(coarse, SIDE), pixels(coarse, side), labels, rows[:TRAIN], rows[TRAIN : TRAIN + VALIDATION]
    )
    model = build(recipe.architecture, head=recipe.head, size=SIDE, weights=None)
    setting = Setting(11, "float32", False, (parts,), False, work, features=work / "features")
    train(model, recipe, training, setting)
    return Predictor(model)(training.pixels, rows[-TEST:])


def digests():
    """Digests by what they are of; the same on every machine."""
    coarse, labels = films()
    rows = np.arange(len(labels))
    return {
        "augmentation": {name: _digest(_transforms(augment)) for name, augment in AUGMENTS.items()},
        "order": {
            sampling: _digest(
                [
                    training_order(dataclasses.replace(CNN, sampling=sampling), rows, labels, 3, 0, epoch)
                    for epoch in range(3)
                ]
            )
            for sampling in ("shuffled", "balanced")
        },
        "dropout": _digest(_dropout_states()),
        "splits": {name: _digest(_splits(protocol)) for name, protocol in PROTOCOLS.items()},
        "optimizer": {name: _digest(_optimizer(phase)) for name, phase in PHASES.items()},
        "class weights": {
            str(rule): class_weights(
                dataclasses.replace(CNN, class_weights=rule), np.repeat([0, 1], [32, 64])
            )
            for rule in ("none", "balanced", "inverse_frequency", (2.0, 1.0))
        },
    }


def _digest(values):
    text = json.dumps(values, sort_keys=True, default=lambda value: np.asarray(value).tolist())
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _transforms(augment):
    found = random_transforms(augment, 20, 64, 5, 0, 1)
    # Sines and logarithms differ in their last bits between processors.
    return [
        np.round(part.astype(np.float64), 3) + 0.0 for part in (found.warp, found.tone) if part is not None
    ]


def _dropout_states():
    model = build("conv4_gray", head=Head(dropout=0.5), size=SIDE, weights=None)
    seed_dropout(model, 3, 0, 1)
    return [
        layer.seed_generator.state.numpy()
        for layer in model.layers
        if isinstance(layer, keras.layers.Dropout)
    ]


def _splits(protocol):
    table = Films(tuple(_film(number) for number in range(400)))
    found = []
    for fold in protocol.fold_numbers:
        split = protocol.split(table, fold)
        found += [dataclasses.asdict(split), dataclasses.asdict(limit(split, table, 60))]
    return found


def _film(number):
    subtype = ("normal", "bacteria", "virus")[number % 3]
    side = "test" if number % 5 == 0 else "train"
    patient = f"{side}-{subtype}-{number // 6}"
    folder = "NORMAL" if subtype == "normal" else "PNEUMONIA"
    path = f"{side}/{folder}/{subtype}-{number:04}.jpeg"
    return Film(path, int(subtype != "normal"), subtype, patient, side, 9, 7, f"{number:016x}")


def _optimizer(phase):
    optimizer = make_optimizer(phase, 10, "float32")
    own = {
        key: value for key, value in optimizer.get_config().items() if key not in ("name", "learning_rate")
    }
    rates = []
    for step in range(10 * phase.epochs + 1):
        optimizer.iterations.assign(step)
        rates.append(round(float(optimizer.learning_rate), 9))
    return own | {"rates": rates}
