"""Small convolutional networks that are trained from scratch."""

from collections.abc import Sequence

from keras import KerasTensor, layers


def backbone(x: KerasTensor, *, filters: Sequence[int], batch_norm: bool) -> KerasTensor:
    """Stacks blocks of Conv 3×3 → batch normalisation, if any → ReLU → MaxPool 2.

    Convolutions keep the size ("same", which is padding 1). The published one-channel network states it; of
    the RGB ones the padding is unknown, and the same was chosen.

    Args:
        x: Normalised films (N, H, W, channels).
        filters: Output channels of each block.
        batch_norm: Whether a block normalises before its ReLU.

    Returns:
        Feature map (N, H / 2ⁿ, W / 2ⁿ, filters[-1]) after n blocks.
    """
    for number, width in enumerate(filters, start=1):
        x = layers.Conv2D(width, 3, padding="same", name=f"block{number}_conv")(x)
        if batch_norm:
            x = layers.BatchNormalization(name=f"block{number}_bn")(x)
        x = layers.ReLU(name=f"block{number}_relu")(x)
        x = layers.MaxPooling2D(2, name=f"block{number}_pool")(x)
    return x
