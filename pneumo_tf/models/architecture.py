"""What the pipeline must know of an architecture: one frozen record, from which every setting is derived."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pneumo_tf.errors import UserError, unknown

PROCESS_MB = 1000.0
"""Resident memory of a worker around its model: Python, TensorFlow and the traced graph, in MB."""

INFERENCE_SHARE = 0.3
"""Part of the training activations that a forward pass alone holds at its peak."""


@dataclass(frozen=True)
class Normalisation:
    """Grey levels 0–255 → what a backbone was made for: `levels * scale + offset`, per channel or for all.

    Args:
        scale: Factor on the grey level.
        offset: Added afterwards.
    """

    scale: float | tuple[float, float, float]
    offset: float | tuple[float, float, float]


def _standardised(mean: tuple[float, float, float], std: tuple[float, float, float]) -> Normalisation:
    """Gives `(levels / 255 - mean) / std` as one scale and offset."""
    scale = tuple(1 / (255 * s) for s in std)
    offset = tuple(-m / s for m, s in zip(mean, std, strict=True))
    return Normalisation(scale, offset)


NORMALISATIONS: Mapping[str, Normalisation] = {
    "unit": Normalisation(1 / 255, 0.0),
    "symmetric": Normalisation(1 / 127.5, -1.0),
    "imagenet": _standardised((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    # The swap of RGB to BGR is left out: the three channels of a replicated film are equal.
    "caffe": Normalisation(1.0, (-103.939, -116.779, -123.68)),
}
"""Input normalisations by name; `symmetric` is also mean 0.5 and standard deviation 0.5 of levels / 255."""


@dataclass(frozen=True)
class Weights:
    """A file of initial weights.

    Args:
        file: Its name under `$KERAS_HOME/models`, by default `~/.keras/models`.
        url: Where it is published.
        checksum: `"md5:…"` or `"sha256:…"` as its publisher states it; None where none is stated.
        licence: Terms of the weights, as an SPDX identifier.
    """

    file: str
    url: str
    checksum: str | None
    licence: str


@dataclass(frozen=True)
class Architecture:
    """A backbone: how it is built, what it takes, and where its parts are.

    Args:
        name: Its key in recipes and options.
        title: Its name in tables.
        builder: `"package.module:function"` that turns normalised input into a feature map.
        size: Native side of the input in pixels.
        minimum_size: Smallest side supported.
        channels: 1, or 3: the grey film is replicated.
        normalisation: Key of `NORMALISATIONS`.
        parameters: Of the backbone without head, batch norm's moving statistics included, as Keras counts.
        cam_layer: Output of the last convolutional stage, after its normalisation and activation.
        last_stage: Pattern that the names of the last stage's layers match from their start.
        batch_norm: Whether the backbone has batch normalisation.
        activation_mb: What each film of `size` adds to the peak resident memory of a training step in float32
            on a CPU, in MB: the slope between two batches of 4 to 40 films.
        paper: Where it is described.
        licence: Terms of the code that builds it, as an SPDX identifier.
        weights: Initial weights; None where it is trained from scratch.
        published_cam_layer: Layer that a reproduced system drew its class activation maps from.
        options: Keyword arguments of the builder.
    """

    name: str
    title: str
    builder: str
    size: int
    minimum_size: int
    channels: int
    normalisation: str
    parameters: int
    cam_layer: str
    last_stage: str
    batch_norm: bool
    activation_mb: float
    paper: str
    licence: str
    weights: Weights | None = None
    published_cam_layer: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.normalisation not in NORMALISATIONS:
            raise unknown("normalisation", self.normalisation, NORMALISATIONS)
        if self.channels not in (1, 3):
            raise UserError(f"{self.name}: channels must be 1 or 3, not {self.channels}")

    def memory_mb(self, *, size: int, batch: int, training: bool = True) -> float:
        """Estimates the memory of a worker process that runs this architecture in float32.

        The sum of a process without model, the parameters (in training also their gradients and Adam's two
        moments) and the activations, which grow with the film's area. Peaks measured in training steps of 12
        to 32 films lay between 10 % above it and 20 % below. A dense head on a flattened map comes on top.

        Args:
            size: Side of the films in pixels.
            batch: Films per step.
            training: Whether the step keeps what the gradients need.

        Returns:
            Megabytes (10⁶ bytes), of the host for a run on the CPU, of host and device together otherwise.
        """
        parameters = self.parameters * 4e-6 * (4 if training else 1)
        activations = self.activation_mb * batch * (size / self.size) ** 2
        return PROCESS_MB + parameters + activations * (1.0 if training else INFERENCE_SHARE)
