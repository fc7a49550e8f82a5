"""ResNet-18 (He et al. 2016) as in torchvision, so that its published weights fit: entries and builder."""

from typing import TYPE_CHECKING

from pneumo_tf.models.architecture import Architecture, Weights

if TYPE_CHECKING:
    from keras import KerasTensor

WIDTHS = (64, 128, 256, 512)
BLOCKS_PER_STAGE = 2


def backbone(x: "KerasTensor") -> "KerasTensor":
    """Build the layers up to the pooling, with PyTorch's names joined by underscores.

    Args:
        x: Normalised films (N, H, W, 1 or 3).

    Returns:
        Feature map (N, H / 32, W / 32, 512).
    """
    from keras import layers

    x = _convolution(x, 64, kernel=7, stride=2, name="conv1")
    x = layers.ReLU(name="relu")(_normalisation(x, "bn1"))
    # Padding with zeros is equivalent to −∞ here, because values after the ReLU are not negative.
    x = layers.ZeroPadding2D(1, name="maxpool_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="maxpool")(x)
    for stage, width in enumerate(WIDTHS, start=1):
        for block in range(BLOCKS_PER_STAGE):
            stride = 2 if stage > 1 and block == 0 else 1
            x = _block(x, width, stride, name=f"layer{stage}_{block}")
    return x


def _block(x: "KerasTensor", width: int, stride: int, name: str) -> "KerasTensor":
    from keras import layers

    shortcut = x
    if stride > 1:
        shortcut = _convolution(x, width, kernel=1, stride=stride, name=f"{name}_downsample_0")
        shortcut = _normalisation(shortcut, f"{name}_downsample_1")
    x = _convolution(x, width, kernel=3, stride=stride, name=f"{name}_conv1")
    x = layers.ReLU(name=f"{name}_relu1")(_normalisation(x, f"{name}_bn1"))
    x = _convolution(x, width, kernel=3, stride=1, name=f"{name}_conv2")
    x = layers.Add(name=f"{name}_add")([_normalisation(x, f"{name}_bn2"), shortcut])
    return layers.ReLU(name=f"{name}_out")(x)


def _convolution(x: "KerasTensor", width: int, *, kernel: int, stride: int, name: str) -> "KerasTensor":
    from keras import initializers, layers

    # With stride 2, Keras' "same" pads the sides of an even input unequally; PyTorch pads them equally.
    if kernel > 1:
        x = layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x)
    return layers.Conv2D(
        width,
        kernel,
        strides=stride,
        use_bias=False,
        kernel_initializer=initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal"),
        name=name,
    )(x)


def _normalisation(x: "KerasTensor", name: str) -> "KerasTensor":
    from keras import layers

    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)(x)


_BUILDER = "pneumo_tf.models.resnet18:backbone"

ENTRIES = (
    Architecture(
        name="resnet18",
        title="ResNet-18",
        builder=_BUILDER,
        channels=3,
        normalisation="imagenet",
        parameters=11_186_112,
        cam_layer="layer4_1_out",
        last_stage="layer4_",
        batch_norm=True,
        activation_mb=36.0,
        gflops=3.627,
        weights=Weights(
            "pneumo_tf_resnet18_tv_in1k.safetensors",
            "https://huggingface.co/timm/resnet18.tv_in1k/resolve/main/model.safetensors",
            None,
            "BSD-3-Clause",
        ),
        paper="He et al. 2016, arXiv:1512.03385",
        licence="MIT",
    ),
    Architecture(
        name="resnet18_gray",
        title="ResNet-18, one channel",
        builder=_BUILDER,
        channels=1,
        normalisation="unit",
        parameters=11_179_840,
        cam_layer="layer4_1_out",
        last_stage="layer4_",
        batch_norm=True,
        activation_mb=34.0,
        gflops=3.47,
        paper="He et al. 2016, arXiv:1512.03385",
        licence="MIT",
    ),
)
