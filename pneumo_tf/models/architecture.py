"""Registry entry of an architecture, from which every setting is derived."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pneumo_tf.errors import UserError, unknown

PROCESS_MB = 1000.0
"""Resident memory of a worker without its model, in MB: Python, TensorFlow and the traced graph."""

INFERENCE_SHARE = 0.3
"""Peak memory of a forward pass, as a share of the activations of a training step."""

_KERAS_URL = "https://storage.googleapis.com/tensorflow/keras-applications"


@dataclass(frozen=True)
class Normalisation:
    """Input normalisation of a backbone: `levels * scale + offset` of grey levels 0–255.

    Args:
        scale: Factor on the grey level, for each channel or for all.
        offset: Offset added after scaling, for each channel or for all.
    """

    scale: float | tuple[float, float, float]
    offset: float | tuple[float, float, float]


def _standardised(mean: tuple[float, float, float], std: tuple[float, float, float]) -> Normalisation:
    """Return `(levels / 255 - mean) / std` as one scale and offset."""
    scale = tuple(1 / (255 * s) for s in std)
    offset = tuple(-m / s for m, s in zip(mean, std, strict=True))
    return Normalisation(scale, offset)


NORMALISATIONS: Mapping[str, Normalisation] = {
    "unit": Normalisation(1 / 255, 0.0),
    "symmetric": Normalisation(1 / 127.5, -1.0),
    "imagenet": _standardised((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    # Swapping RGB to BGR is unnecessary, since the three channels of a replicated film are equal.
    "caffe": Normalisation(1.0, (-103.939, -116.779, -123.68)),
}
"""Input normalisations by name; `symmetric` is also mean 0.5 and standard deviation 0.5 of levels / 255."""


@dataclass(frozen=True)
class Weights:
    """A file of initial weights.

    Args:
        file: File name under `$KERAS_HOME/models`, by default `~/.keras/models`.
        url: Address of the published file.
        checksum: `"md5:…"` or `"sha256:…"` as published; None if none is published, in which case that of the
            first download is recorded.
        licence: Terms of the weights, as an SPDX identifier.
    """

    file: str
    url: str
    checksum: str | None
    licence: str


def keras_weights(folder: str, file: str, checksum: str | None, licence: str) -> Weights:
    """Return a file of ImageNet weights that Keras publishes.

    Args:
        folder: Folder under Keras' address, such as `"densenet"`.
        file: File name.
        checksum: As in `Weights`.
        licence: As in `Weights`.
    """
    return Weights(file, f"{_KERAS_URL}/{folder}/{file}", checksum, licence)


@dataclass(frozen=True)
class Architecture:
    """A backbone: its builder, its input and its parts.

    Args:
        name: Key in recipes and options.
        title: Name in tables; for an architecture of `keras.applications`, the name there.
        builder: `"package.module:function"` that turns normalised input into a feature map.
        channels: 1, or 3 if the grey film is replicated.
        normalisation: Key of `NORMALISATIONS`.
        parameters: Parameters of the backbone without head as Keras counts them, including moving statistics
            of batch norm.
        last_stage: Layers that `train="last_stage"` trains: a pattern for the start of their names, or the
            share of the backbone's layers with weights, counted from the end.
        batch_norm: Whether the backbone has batch normalisation.
        activation_mb: Memory in MB that each film of `size` adds to the peak of a training step in float32 on
            a CPU, measured as the slope between two batches of 4 to 40 films.
        gflops: Operations of a forward pass on one film of `size`, in 10⁹; a multiplication and an addition
            are two.
        paper: Publication that describes it.
        licence: Licence of the code that builds it, as an SPDX identifier.
        size: Native side of the input in pixels.
        minimum_size: Smallest side supported.
        cam_layer: Layer for class activation maps, the output of the last convolutional stage after its
            normalisation and activation; None for the last layer with height and width.
        published_cam_layer: Layer that a reproduced system used for class activation maps.
        weights: Initial weights; None if it can only be trained from scratch.
        options: Keyword arguments of the builder.
        without_xla: Reason, measured on a GPU, why `--xla auto` does not compile it; "" for none.
    """

    name: str
    title: str
    builder: str
    channels: int
    normalisation: str
    parameters: int
    last_stage: str | float
    batch_norm: bool
    activation_mb: float
    gflops: float
    paper: str
    licence: str
    size: int = 224
    minimum_size: int = 32
    cam_layer: str | None = None
    published_cam_layer: str | None = None
    weights: Weights | None = None
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    without_xla: str = ""

    def __post_init__(self) -> None:
        if self.normalisation not in NORMALISATIONS:
            raise unknown("normalisation", self.normalisation, NORMALISATIONS)
        if self.channels not in (1, 3):
            raise UserError(f"{self.name}: channels must be 1 or 3, not {self.channels}")
        if not isinstance(self.last_stage, str) and not 0 < self.last_stage < 1:
            raise UserError(
                f"{self.name}: last_stage must be a pattern or between 0 and 1, not {self.last_stage}"
            )

    def flops(self, size: int) -> float:
        """Estimate the operations of a forward pass on one film, in proportion to its area."""
        return self.gflops * 1e9 * (size / self.size) ** 2

    def memory_mb(self, *, size: int, batch: int, training: bool = True) -> float:
        """Estimate the memory of a worker process that runs this architecture in float32.

        The sum of a process without model, the parameters (in training also their gradients and Adam's two
        moments) and the activations, in proportion to the film's area. Measured peaks of training steps of 12
        to 32 films were between 20 % below and 10 % above the estimate. A dense head on a flattened map is
        not included.

        Args:
            size: Side of the films in pixels.
            batch: Films per step.
            training: Whether activations are stored for gradients.

        Returns:
            Megabytes (10⁶ bytes): host memory for a run on the CPU, host and device memory together on a GPU.
        """
        parameters = self.parameters * 4e-6 * (4 if training else 1)
        activations = self.activation_mb * batch * (size / self.size) ** 2
        return PROCESS_MB + parameters + activations * (1.0 if training else INFERENCE_SHARE)
