"""ConvNeXt with the layer names of Keras' own (Liu et al. 2022), flat and from fast built-in layers.

Keras' graph nests its stem and downsampling in `Sequential`s, scales branches with a class of its own, and
writes depthwise convolutions as grouped ones, which on a CPU are compiled and several times slower. The same
arithmetic is had from `DepthwiseConv2D`, of 7×7 and, for the scale per channel, of 1×1.
"""

from collections.abc import Sequence

from keras import KerasTensor, initializers, layers

EPSILON = 1e-6
SCALE = 1e-6


def backbone(x: KerasTensor, *, name: str, depths: Sequence[int], widths: Sequence[int]) -> KerasTensor:
    """Builds stem, four stages and the layer normalisation that ends Keras' headless ConvNeXt.

    Args:
        x: Normalised films (N, H, W, 3).
        name: Prefix of every layer's name.
        depths: Blocks of each stage.
        widths: Channels of each stage.

    Returns:
        Feature map (N, H / 32, W / 32, widths[-1]).
    """
    x = layers.Conv2D(widths[0], 4, strides=4, name=f"{name}_stem_conv")(x)
    x = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_stem_layernorm")(x)
    for stage, (depth, width) in enumerate(zip(depths, widths, strict=True)):
        if stage > 0:
            x = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_downsampling_layernorm_{stage - 1}")(
                x
            )
            x = layers.Conv2D(width, 2, strides=2, name=f"{name}_downsampling_conv_{stage - 1}")(x)
        for block in range(depth):
            x = _block(x, width, name=f"{name}_stage_{stage}_block_{block}")
    return layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_layernorm")(x)


def _block(x: KerasTensor, width: int, name: str) -> KerasTensor:
    branch = layers.DepthwiseConv2D(7, padding="same", name=f"{name}_depthwise_conv")(x)
    branch = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_layernorm")(branch)
    branch = layers.Dense(4 * width, name=f"{name}_pointwise_conv_1")(branch)
    branch = layers.Activation("gelu", name=f"{name}_gelu")(branch)
    branch = layers.Dense(width, name=f"{name}_pointwise_conv_2")(branch)
    # EinsumDense would do as well, but took 8 to 18 times as long on a CPU.
    branch = layers.DepthwiseConv2D(
        1,
        use_bias=False,
        depthwise_initializer=initializers.Constant(SCALE),
        name=f"{name}_layer_scale",
    )(branch)
    return layers.Add(name=f"{name}_add")([x, branch])
