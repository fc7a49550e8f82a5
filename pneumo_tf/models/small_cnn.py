"""Small convolutional networks that are trained from scratch: entries and builder."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pneumo_tf.models.architecture import Architecture

if TYPE_CHECKING:
    from keras import KerasTensor


def backbone(x: "KerasTensor", *, filters: Sequence[int], batch_norm: bool) -> "KerasTensor":
    """Stack blocks of Conv 3×3 → batch normalisation, if any → ReLU → MaxPool 2.

    Convolutions keep the size (padding "same", that is 1). This is published for the one-channel network; the
    padding of the RGB networks is unknown, and the same was chosen.

    Args:
        x: Normalised films (N, H, W, channels).
        filters: Output channels of each block.
        batch_norm: Whether a block normalises before its ReLU.

    Returns:
        Feature map (N, H / 2ⁿ, W / 2ⁿ, filters[-1]) after n blocks.
    """
    from keras import layers

    for number, width in enumerate(filters, start=1):
        x = layers.Conv2D(width, 3, padding="same", name=f"block{number}_conv")(x)
        if batch_norm:
            x = layers.BatchNormalization(name=f"block{number}_bn")(x)
        x = layers.ReLU(name=f"block{number}_relu")(x)
        x = layers.MaxPooling2D(2, name=f"block{number}_pool")(x)
    return x


_BUILDER = "pneumo_tf.models.small_cnn:backbone"

ENTRIES = (
    Architecture(
        name="conv3",
        title="Small CNN, 3 blocks",
        builder=_BUILDER,
        options={"filters": (32, 64, 128), "batch_norm": False},
        size=180,
        channels=3,
        normalisation="unit",
        parameters=93_248,
        cam_layer="block3_relu",
        last_stage="block3_",
        batch_norm=False,
        activation_mb=19.0,
        gflops=0.6532,
        paper="none; as in Keras' introductory examples",
        licence="MIT",
    ),
    Architecture(
        name="conv3_bn",
        title="Small CNN, 3 blocks, batch norm",
        builder=_BUILDER,
        options={"filters": (32, 64, 128), "batch_norm": True},
        size=180,
        channels=3,
        normalisation="unit",
        parameters=94_144,
        cam_layer="block3_relu",
        last_stage="block3_",
        batch_norm=True,
        activation_mb=36.0,
        gflops=0.6532,
        paper="none; as in Keras' introductory examples",
        licence="MIT",
    ),
    Architecture(
        name="conv3_gray",
        title="Small CNN, 3 blocks, one channel",
        builder=_BUILDER,
        options={"filters": (32, 64, 128), "batch_norm": False},
        channels=1,
        normalisation="symmetric",
        parameters=92_672,
        cam_layer="block3_relu",
        last_stage="block3_",
        batch_norm=False,
        activation_mb=27.0,
        gflops=0.9537,
        paper="none",
        licence="MIT",
    ),
    Architecture(
        name="conv4_gray",
        title="Small CNN, 4 blocks, one channel",
        builder=_BUILDER,
        options={"filters": (16, 32, 64, 128), "batch_norm": True},
        size=160,
        channels=1,
        normalisation="unit",
        parameters=98_112,
        cam_layer="block4_relu",
        last_stage="block4_",
        batch_norm=True,
        activation_mb=13.0,
        gflops=0.1843,
        paper="none; our choice, its system's authors do not describe theirs",
        licence="MIT",
    ),
)
