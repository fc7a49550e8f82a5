"""Recipes: everything that defines a model and its training, checked on creation."""

import dataclasses
import functools
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

from pneumo_tf.errors import UserError, unknown

ClassWeights = Literal["none", "balanced", "inverse_frequency"] | tuple[float, float]


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise UserError(message)


def _check_literals(instance: Any) -> None:
    hints = _hints(type(instance))
    for item in dataclasses.fields(instance):
        if get_origin(hints[item.name]) is Literal:
            value, allowed = getattr(instance, item.name), get_args(hints[item.name])
            if value not in allowed:
                kind = f"{type(instance).__name__.lower()}.{item.name}"
                raise unknown(kind, str(value), map(str, allowed))


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _distinctive(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        fields = [item for item in dataclasses.fields(value) if item.metadata.get("hashed", True)]
        named = {item.name: (item.default, getattr(value, item.name)) for item in fields}
        return {name: _distinctive(found) for name, (default, found) in named.items() if found != default}
    return [_distinctive(item) for item in value] if isinstance(value, tuple) else value


def _described(default: Any) -> Any:
    """Return a field that describes a recipe without affecting training, so it is not part of a run's id."""
    return field(default=default, metadata={"hashed": False})


@dataclass(frozen=True)
class Augment:
    """Ranges of random augmentation, sampled for each training film and epoch.

    Args:
        rotation: Largest angle in degrees, in both directions.
        shift: Fraction of the side, in both directions of both axes.
        zoom: Lowest and highest magnification; 1 means none.
        crop_area: Area of a random resized crop as a fraction of the film; above 1 the film shrinks.
        crop_aspect: Lowest and highest width / height of that crop, sampled log-uniformly.
        flip: Probability of a horizontal flip.
        brightness: Largest number of grey levels (of 255) added or subtracted.
        gain: Largest deviation from 1 of the factor of grey levels.
        contrast: Largest deviation from 1 of the factor of differences from the film's mean.
        gamma: Largest `u` of the exponent `exp(±u)` of grey levels.
        fill: Value outside the film: the nearest edge, or black.
    """

    rotation: float = 0.0
    shift: float = 0.0
    zoom: tuple[float, float] = (1.0, 1.0)
    crop_area: tuple[float, float] = (1.0, 1.0)
    crop_aspect: tuple[float, float] = (1.0, 1.0)
    flip: float = 0.0
    brightness: float = 0.0
    gain: float = 0.0
    contrast: float = 0.0
    gamma: float = 0.0
    fill: Literal["nearest", "black"] = "nearest"

    def __post_init__(self) -> None:
        _check_literals(self)
        for name in ("zoom", "crop_area", "crop_aspect"):
            low, high = getattr(self, name)
            _require(0 < low <= high, f"augment.{name} must be 0 < low ≤ high, not {low}, {high}")
        for name in ("rotation", "brightness", "gamma"):
            _require(getattr(self, name) >= 0, f"augment.{name} must not be negative")
        for name in ("shift", "flip", "gain", "contrast"):
            _require(0 <= getattr(self, name) <= 1, f"augment.{name} must lie between 0 and 1")

    @property
    def active(self) -> bool:
        """Whether any film can be changed."""
        return dataclasses.replace(self, fill="nearest") != Augment()

    @property
    def changes_tone(self) -> bool:
        """Whether grey levels can be changed, apart from the affine transform."""
        return bool(self.brightness or self.gain or self.contrast or self.gamma)


@dataclass(frozen=True)
class Head:
    """The layers between a backbone's feature map and the logits.

    Args:
        pool: Pooling of the feature map: `"average"`, or `"flatten"` for none.
        units: Width of each dense layer before the logits.
        batch_norm: Whether each dense layer has batch normalisation before its ReLU.
        dropout: Dropout rate before the logits.
        classes: Number of logits: 2 (normal, pneumonia), 1 (pneumonia) or 3 (normal, bacteria, virus).
    """

    pool: Literal["average", "flatten"] = "average"
    units: tuple[int, ...] = ()
    batch_norm: bool = False
    dropout: float = 0.0
    classes: Literal[1, 2, 3] = 2

    def __post_init__(self) -> None:
        _check_literals(self)
        _require(all(unit > 0 for unit in self.units), "head.units must be positive")
        _require(0 <= self.dropout < 1, "head.dropout must lie in [0, 1)")


@dataclass(frozen=True)
class Phase:
    """One phase of training with its own trainable part, optimiser and schedule.

    Args:
        epochs: Largest number of passes over the training films.
        learning_rate: Peak learning rate.
        train: Part of the backbone that is trainable; the head always is.
        batch_norm: Mode of the backbone's batch norm: `"inference"` uses the stored statistics, `"training"`
            those of the batch, and updates the stored ones. Scale and shift are trainable with their layer.
        optimizer: Optimiser by its name in Keras.
        schedule: Schedule of the learning rate: `"constant"`, or `"cosine"` to zero over the phase.
        warmup_steps: Number of optimiser steps in which the rate rises linearly to its peak.
        weight_decay: Decoupled weight decay (Loshchilov & Hutter 2019), as in AdamW.
        l2: L2 penalty added to the gradient, as `weight_decay` of `torch.optim.Adam` and `SGD`.
        momentum: Momentum of SGD.
        patience: Epochs without a better validation AUC after which the phase ends; None never stops early.
    """

    epochs: int
    learning_rate: float
    train: Literal["head", "last_stage", "all"] = "all"
    batch_norm: Literal["inference", "training"] = "inference"
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    schedule: Literal["constant", "cosine"] = "constant"
    warmup_steps: int = 0
    weight_decay: float = 0.0
    l2: float = 0.0
    momentum: float = 0.0
    patience: int | None = None

    def __post_init__(self) -> None:
        _check_literals(self)
        _require(self.epochs >= 1, "phase.epochs must be at least 1")
        _require(self.learning_rate > 0, "phase.learning_rate must be positive")
        _require(self.warmup_steps >= 0, "phase.warmup_steps must not be negative")
        _require(self.patience is None or self.patience >= 1, "phase.patience must be at least 1")

    @property
    def frozen(self) -> bool:
        """Whether a part of the backbone keeps both its weights and its statistics."""
        return self.train != "all" and self.batch_norm == "inference"


@dataclass(frozen=True)
class Published:
    """Results that the authors of a system published, and the images on which they were computed.

    Args:
        on: Description of the images, such as `"official test"`.
        metrics: Values by name as in `pneumo_tf.evaluation.metrics`, fractions of 1.
        confusion: TN, FP, FN, TP if they were published, else None.
        protocol: Key of `PROTOCOLS` that reproduces their split, "" if that is impossible with these films.
    """

    on: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    confusion: tuple[int, int, int, int] | None = None
    protocol: str = ""


@dataclass(frozen=True)
class Recipe:
    """A model and its training.

    Args:
        name: Name in options, folders and tables.
        architecture: Name in `pneumo_tf.models.registry`.
        phases: Phases of training in order; none for a row that scikit-learn fits.
        head: Classifier head.
        size: Side of the input in pixels; None for the architecture's default.
        fit: Resizing: `"squash"` to the square, or `"letterbox"`: keep the aspect, pad with black.
        edge_crop: Fraction of the film that is cropped at each edge before resizing.
        augment: Augmentation of training films.
        views: Number of augmented views that the epochs of a frozen phase cycle through: epoch e uses view
            e mod `views`. None uses a new view in every epoch.
        batch: Number of films per optimiser step.
        loss: Cross-entropy of the softmax (of the sigmoid, with one logit), or focal loss.
        focal_gamma: Focusing exponent of the focal loss (Lin et al. 2017).
        label_smoothing: Probability mass that is spread over the classes.
        class_weights: Weights of normal and pneumonia in the loss: a pair, or a rule for the training films
            of any classes: `"balanced"` is N / (classes · count), `"inverse_frequency"` N / count.
        sampling: Films of an epoch: `"shuffled"` has each film once, `"balanced"` equal numbers of all
            classes.
        initial: Initial weights of the backbone, `"imagenet"` or `"random"`.
        select: Epoch whose weights are kept: the `"best"` by validation AUC of pneumonia, or the `"last"`.
        family: Heading of the row in tables.
        source: Origin of the recipe.
        chosen: Settings that its authors do not state and that are chosen here.
        published: Results that its authors published.
        expected: Accuracy on the official test set that is expected of a correct run, lowest and highest.
        informed_by_test: Whether the design was made with knowledge of published test results.
    """

    name: str
    architecture: str
    phases: tuple[Phase, ...] = ()
    head: Head = Head()
    size: int | None = None
    fit: Literal["squash", "letterbox"] = "squash"
    edge_crop: float = 0.0
    augment: Augment = Augment()
    views: int | None = None
    batch: int = 32
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    focal_gamma: float = 2.0
    label_smoothing: float = 0.0
    class_weights: ClassWeights = "none"
    sampling: Literal["shuffled", "balanced"] = "shuffled"
    initial: Literal["imagenet", "random"] = "random"
    select: Literal["best", "last"] = "best"
    family: str = _described("")
    source: str = _described("")
    chosen: str = _described("")
    published: tuple[Published, ...] = _described(())
    expected: tuple[float, float] | None = _described(None)
    informed_by_test: bool = _described(False)

    def __post_init__(self) -> None:
        _check_literals(self)
        _require(
            bool(re.fullmatch(r"[\w+-][\w.+-]*", self.name)),
            f"recipe.name {self.name!r} names folders: use letters, digits and _ - + . only",
        )
        _require(
            isinstance(self.phases, tuple) and all(isinstance(phase, Phase) for phase in self.phases),
            f"{self.name}: recipe.phases must be a tuple of phases: (Phase(…),) with its comma",
        )
        _require(self.size is None or self.size >= 8, "recipe.size must be at least 8 pixels")
        _require(self.views is None or self.views >= 1, "recipe.views must be at least 1")
        _require(self.batch >= 1, "recipe.batch must be at least 1")
        _require(0 <= self.edge_crop < 0.5, "recipe.edge_crop must lie in [0, 0.5)")
        _require(0 <= self.label_smoothing < 1, "recipe.label_smoothing must lie in [0, 1)")
        if isinstance(self.class_weights, tuple):
            _require(min(self.class_weights) > 0, "recipe.class_weights must be positive")
            _require(self.head.classes < 3, "class_weights of three classes are a rule, not a pair")

    def view(self, phase: int, epoch: int) -> int:
        """Return the epoch whose augmented view an epoch of a phase uses, both from 0."""
        return epoch % self.views if self.views and self.phases[phase].frozen else epoch

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as JSON-ready values."""
        return dataclasses.asdict(self)

    def distinctive(self) -> dict[str, Any]:
        """Return the values that a run's id depends on: those that affect training and are not the default.

        A field that is added later, with the earlier behaviour as its default, therefore changes no id.
        """
        return _distinctive(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Recipe":
        """Rebuild a recipe from `to_dict`, also after it was stored as JSON."""
        return _rebuild(cls, values)


def _rebuild(hint: Any, value: Any) -> Any:
    """Convert lists and mappings of JSON to the tuples and dataclasses of a type hint."""
    if dataclasses.is_dataclass(hint):
        hints = _hints(hint)
        for name in value:
            if name not in hints:
                raise unknown(f"key of {hint.__name__.lower()}", name, hints)
        return hint(**{name: _rebuild(hints[name], item) for name, item in value.items()})
    if get_origin(hint) in (typing.Union, types.UnionType):
        if value is None or isinstance(value, str):
            return value
        return _rebuild(next(arg for arg in get_args(hint) if get_origin(arg) is not Literal), value)
    if get_origin(hint) is tuple:
        inner = get_args(hint)
        return tuple(_rebuild(inner[0 if inner[-1] is ... else i], item) for i, item in enumerate(value))
    return value
