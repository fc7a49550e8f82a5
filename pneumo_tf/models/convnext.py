"""ConvNeXt (Liu et al. 2022) with the layer names of Keras: entries, and a flat, fast builder.

The graph of Keras nests its stem and downsampling in `Sequential`s, has a special layer for scaling branches,
and uses grouped convolutions for depthwise ones, which are several times slower on a CPU. Here
`DepthwiseConv2D` computes the same: 7×7 for the convolutions, 1×1 for scaling each channel.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pneumo_tf.models.architecture import Architecture, keras_weights

if TYPE_CHECKING:
    from keras import KerasTensor

EPSILON = 1e-6
SCALE = 1e-6


def backbone(x: "KerasTensor", *, name: str, depths: Sequence[int], widths: Sequence[int]) -> "KerasTensor":
    """Build stem, four stages and the final layer normalisation of Keras' ConvNeXt without head.

    Args:
        x: Normalised films (N, H, W, 3).
        name: Prefix of every layer's name.
        depths: Blocks of each stage.
        widths: Channels of each stage.

    Returns:
        Feature map (N, H / 32, W / 32, widths[-1]).
    """
    from keras import layers

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


def _block(x: "KerasTensor", width: int, name: str) -> "KerasTensor":
    from keras import initializers, layers

    branch = layers.DepthwiseConv2D(7, padding="same", name=f"{name}_depthwise_conv")(x)
    branch = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_layernorm")(branch)
    branch = layers.Dense(4 * width, name=f"{name}_pointwise_conv_1")(branch)
    branch = layers.Activation("gelu", name=f"{name}_gelu")(branch)
    branch = layers.Dense(width, name=f"{name}_pointwise_conv_2")(branch)
    # EinsumDense would give the same result, but took 8 to 18 times as long on a CPU.
    branch = layers.DepthwiseConv2D(
        1,
        use_bias=False,
        depthwise_initializer=initializers.Constant(SCALE),
        name=f"{name}_layer_scale",
    )(branch)
    return layers.Add(name=f"{name}_add")([x, branch])


_BUILDER = "pneumo_tf.models.convnext:backbone"

ENTRIES = (
    Architecture(
        name="convnext_tiny",
        title="ConvNeXtTiny",
        builder=_BUILDER,
        options={"name": "convnext_tiny", "depths": (3, 3, 9, 3), "widths": (96, 192, 384, 768)},
        channels=3,
        normalisation="imagenet",
        parameters=27_820_128,
        cam_layer="convnext_tiny_layernorm",
        last_stage="convnext_tiny_(stage_3|downsampling_(layernorm|conv)_2|layernorm$)",
        batch_norm=False,
        activation_mb=216.0,
        gflops=8.914,
        weights=keras_weights(
            "convnext",
            "convnext_tiny_notop.h5",
            "sha256:d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
            "MIT",
        ),
        paper="Liu et al. 2022, arXiv:2201.03545",
        licence="MIT",
    ),
    Architecture(
        name="convnext_base",
        title="ConvNeXtBase",
        builder=_BUILDER,
        options={"name": "convnext_base", "depths": (3, 3, 27, 3), "widths": (128, 256, 512, 1024)},
        channels=3,
        normalisation="imagenet",
        parameters=87_566_464,
        cam_layer="convnext_base_layernorm",
        published_cam_layer="convnext_base_stage_3_block_2_depthwise_conv",
        last_stage="convnext_base_(stage_3|downsampling_(layernorm|conv)_2|layernorm$)",
        batch_norm=False,
        activation_mb=421.0,
        gflops=30.72,
        weights=keras_weights(
            "convnext",
            "convnext_base_notop.h5",
            "sha256:40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
            "MIT",
        ),
        paper="Liu et al. 2022, arXiv:2201.03545",
        licence="MIT",
    ),
)
