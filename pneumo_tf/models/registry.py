"""Every architecture by name. A builder is a dotted name until it is called: no TensorFlow is imported."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pneumo_tf.errors import UserError, unknown
from pneumo_tf.models.architecture import Architecture, Weights

if TYPE_CHECKING:
    import keras

    from pneumo_tf.recipe import Head

_KERAS = "pneumo_tf.models.keras_applications:backbone"
_CONVNEXT = "pneumo_tf.models.convnext:backbone"
_RESNET18 = "pneumo_tf.models.resnet18:backbone"
_SMALL_CNN = "pneumo_tf.models.small_cnn:backbone"
_PUBLISHED = "https://storage.googleapis.com/tensorflow/keras-applications"


def _keras_weights(folder: str, file: str, checksum: str | None, licence: str) -> Weights:
    return Weights(file, f"{_PUBLISHED}/{folder}/{file}", checksum, licence)


_ENTRIES = (
    Architecture(
        name="vgg16",
        title="VGG16",
        builder=_KERAS,
        options={"application": "VGG16"},
        size=224,
        minimum_size=32,
        channels=3,
        normalisation="caffe",
        parameters=14_714_688,
        cam_layer="block5_conv3",
        published_cam_layer="block5_conv3",
        last_stage="block5_",
        batch_norm=False,
        activation_mb=70.0,
        weights=_keras_weights(
            "vgg16",
            "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "md5:6d6bbae143d832006294945121d1f1fc",
            "CC-BY-4.0",
        ),
        paper="Simonyan & Zisserman 2015, arXiv:1409.1556",
        licence="Apache-2.0",
    ),
    Architecture(
        name="resnet50v2",
        title="ResNet50V2",
        builder=_KERAS,
        options={"application": "ResNet50V2"},
        size=224,
        minimum_size=32,
        channels=3,
        normalisation="symmetric",
        parameters=23_564_800,
        cam_layer="post_relu",
        published_cam_layer="conv5_block3_out",
        last_stage="conv5_|post_",
        batch_norm=True,
        activation_mb=78.0,
        weights=_keras_weights(
            "resnet",
            "resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "md5:fac2f116257151a9d068a22e544a4917",
            "BSD-3-Clause",
        ),
        paper="He et al. 2016, arXiv:1603.05027",
        licence="Apache-2.0",
    ),
    Architecture(
        name="resnet101v2",
        title="ResNet101V2",
        builder=_KERAS,
        options={"application": "ResNet101V2"},
        size=224,
        minimum_size=32,
        channels=3,
        normalisation="symmetric",
        parameters=42_626_560,
        cam_layer="post_relu",
        published_cam_layer="conv5_block3_out",
        last_stage="conv5_|post_",
        batch_norm=True,
        activation_mb=137.0,
        weights=_keras_weights(
            "resnet",
            "resnet101v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "md5:c0ed64b8031c3730f411d2eb4eea35b5",
            "BSD-3-Clause",
        ),
        paper="He et al. 2016, arXiv:1603.05027",
        licence="Apache-2.0",
    ),
    Architecture(
        name="densenet121",
        title="DenseNet121",
        builder=_KERAS,
        options={"application": "DenseNet121"},
        size=224,
        minimum_size=32,
        channels=3,
        normalisation="imagenet",
        parameters=7_037_504,
        cam_layer="relu",
        published_cam_layer="conv5_block16_concat",
        last_stage="conv5_|bn$",
        batch_norm=True,
        activation_mb=195.0,
        weights=_keras_weights(
            "densenet",
            "densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "md5:30ee3e1110167f948a6b9946edeeb738",
            "BSD-3-Clause",
        ),
        paper="Huang et al. 2017, arXiv:1608.06993",
        licence="Apache-2.0",
    ),
    Architecture(
        name="densenet169",
        title="DenseNet169",
        builder=_KERAS,
        options={"application": "DenseNet169"},
        size=224,
        minimum_size=32,
        channels=3,
        normalisation="imagenet",
        parameters=12_642_880,
        cam_layer="relu",
        last_stage="conv5_|bn$",
        batch_norm=True,
        activation_mb=178.0,
        weights=_keras_weights(
            "densenet",
            "densenet169_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "md5:b8c4d4c20dd625c148057b9ff1c1176b",
            "BSD-3-Clause",
        ),
        paper="Huang et al. 2017, arXiv:1608.06993",
        licence="Apache-2.0",
    ),
    Architecture(
        name="convnext_tiny",
        title="ConvNeXtTiny",
        builder=_CONVNEXT,
        options={"name": "convnext_tiny", "depths": (3, 3, 9, 3), "widths": (96, 192, 384, 768)},
        size=224,
        minimum_size=32,
        channels=3,
        normalisation="imagenet",
        parameters=27_820_128,
        cam_layer="convnext_tiny_layernorm",
        last_stage="convnext_tiny_(stage_3|downsampling_(layernorm|conv)_2|layernorm$)",
        batch_norm=False,
        activation_mb=216.0,
        weights=_keras_weights(
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
        builder=_CONVNEXT,
        options={"name": "convnext_base", "depths": (3, 3, 27, 3), "widths": (128, 256, 512, 1024)},
        size=224,
        minimum_size=32,
        channels=3,
        normalisation="imagenet",
        parameters=87_566_464,
        cam_layer="convnext_base_layernorm",
        published_cam_layer="convnext_base_stage_3_block_2_depthwise_conv",
        last_stage="convnext_base_(stage_3|downsampling_(layernorm|conv)_2|layernorm$)",
        batch_norm=False,
        activation_mb=421.0,
        weights=_keras_weights(
            "convnext",
            "convnext_base_notop.h5",
            "sha256:40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
            "MIT",
        ),
        paper="Liu et al. 2022, arXiv:2201.03545",
        licence="MIT",
    ),
    Architecture(
        name="mobilenetv2",
        title="MobileNetV2",
        builder=_KERAS,
        options={"application": "MobileNetV2"},
        size=224,
        minimum_size=32,
        channels=3,
        normalisation="symmetric",
        parameters=2_257_984,
        cam_layer="out_relu",
        last_stage="block_1[3-6]_|Conv_1",
        batch_norm=True,
        activation_mb=69.0,
        # Keras publishes files for 96, 128, 160, 192 and 224 px; this one serves every size.
        weights=_keras_weights(
            "mobilenet_v2",
            "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
            None,
            "Apache-2.0",
        ),
        paper="Sandler et al. 2018, arXiv:1801.04381",
        licence="Apache-2.0",
    ),
    Architecture(
        name="efficientnet_b0",
        title="EfficientNetB0",
        builder=_KERAS,
        # Its own normalisation has no switch and would run in bfloat16; the graph starts after it.
        options={"application": "EfficientNetB0", "start": "stem_conv_pad"},
        size=224,
        minimum_size=32,
        channels=3,
        normalisation="imagenet",
        parameters=4_049_564,
        cam_layer="top_activation",
        last_stage="block[67]|top_",
        batch_norm=True,
        activation_mb=98.0,
        weights=Weights(
            "efficientnetb0_notop.h5",
            "https://storage.googleapis.com/keras-applications/efficientnetb0_notop.h5",
            "md5:50bc09e76180e00e4465e1a485ddc09d",
            "Apache-2.0",
        ),
        paper="Tan & Le 2019, arXiv:1905.11946",
        licence="Apache-2.0",
    ),
    Architecture(
        name="efficientnet_v2b0",
        title="EfficientNetV2B0",
        builder=_KERAS,
        options={"application": "EfficientNetV2B0", "include_preprocessing": False},
        size=224,
        minimum_size=32,
        channels=3,
        normalisation="imagenet",
        parameters=5_919_312,
        cam_layer="top_activation",
        last_stage="block6|top_",
        batch_norm=True,
        activation_mb=64.0,
        weights=_keras_weights(
            "efficientnet_v2",
            "efficientnetv2-b0_notop.h5",
            "md5:893217f2bb855e2983157299931e43ff",
            "Apache-2.0",
        ),
        paper="Tan & Le 2021, arXiv:2104.00298",
        licence="Apache-2.0",
    ),
    Architecture(
        name="resnet18",
        title="ResNet-18",
        builder=_RESNET18,
        size=224,
        minimum_size=32,
        channels=3,
        normalisation="imagenet",
        parameters=11_186_112,
        cam_layer="layer4_1_out",
        last_stage="layer4_",
        batch_norm=True,
        activation_mb=36.0,
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
        builder=_RESNET18,
        size=224,
        minimum_size=32,
        channels=1,
        normalisation="unit",
        parameters=11_179_840,
        cam_layer="layer4_1_out",
        last_stage="layer4_",
        batch_norm=True,
        activation_mb=34.0,
        paper="He et al. 2016, arXiv:1512.03385",
        licence="MIT",
    ),
    Architecture(
        name="conv3",
        title="Small CNN, 3 blocks",
        builder=_SMALL_CNN,
        options={"filters": (32, 64, 128), "batch_norm": False},
        size=180,
        minimum_size=32,
        channels=3,
        normalisation="unit",
        parameters=93_248,
        cam_layer="block3_relu",
        last_stage="block3_",
        batch_norm=False,
        activation_mb=19.0,
        paper="none; as in Keras' introductory examples",
        licence="MIT",
    ),
    Architecture(
        name="conv3_bn",
        title="Small CNN, 3 blocks, batch norm",
        builder=_SMALL_CNN,
        options={"filters": (32, 64, 128), "batch_norm": True},
        size=180,
        minimum_size=32,
        channels=3,
        normalisation="unit",
        parameters=94_144,
        cam_layer="block3_relu",
        last_stage="block3_",
        batch_norm=True,
        activation_mb=36.0,
        paper="none; as in Keras' introductory examples",
        licence="MIT",
    ),
    Architecture(
        name="conv3_gray",
        title="Small CNN, 3 blocks, one channel",
        builder=_SMALL_CNN,
        options={"filters": (32, 64, 128), "batch_norm": False},
        size=224,
        minimum_size=32,
        channels=1,
        normalisation="symmetric",
        parameters=92_672,
        cam_layer="block3_relu",
        last_stage="block3_",
        batch_norm=False,
        activation_mb=27.0,
        paper="none",
        licence="MIT",
    ),
    Architecture(
        name="conv4_gray",
        title="Small CNN, 4 blocks, one channel",
        builder=_SMALL_CNN,
        options={"filters": (16, 32, 64, 128), "batch_norm": True},
        size=160,
        minimum_size=32,
        channels=1,
        normalisation="unit",
        parameters=98_112,
        cam_layer="block4_relu",
        last_stage="block4_",
        batch_norm=True,
        activation_mb=13.0,
        paper="none; our choice, its system's authors do not describe theirs",
        licence="MIT",
    ),
)

ARCHITECTURES: Mapping[str, Architecture] = {entry.name: entry for entry in _ENTRIES}
"""Every architecture by name, in the order of the tables."""


def architecture(name: str) -> Architecture:
    """Looks an architecture up.

    Raises:
        UserError: There is none of that name; the message suggests the nearest.
    """
    if name not in ARCHITECTURES:
        raise unknown("architecture", name, ARCHITECTURES)
    return ARCHITECTURES[name]


def build(name: str, *, head: "Head", size: int, weights: Path | None = None) -> "keras.Model":
    """Builds a model under the global dtype policy.

    Example: `build("densenet121", head=Head(dropout=0.5), size=224)`.

    Args:
        name: Key of `ARCHITECTURES`.
        head: What follows the backbone.
        size: Side of the films in pixels.
        weights: File for the backbone; None keeps the random initialisation, which
            `keras.utils.set_random_seed` makes reproducible.

    Returns:
        A functional model without nested models: uint8 films (N, size, size, 1), grey levels 0–255 → float32
        logits (N, classes). Layers of the input are named `input_*`, of the head `head_*`.

    Raises:
        UserError: An unknown name, too small a size, or a weights file that does not fit.
    """
    entry = architecture(name)
    if weights is not None and entry.weights is None:
        raise UserError(f"{name} is trained from scratch: no initial weights are published for it")
    from pneumo_tf.models import graph, initial_weights

    module, function = entry.builder.split(":")
    builder = getattr(importlib.import_module(module), function)
    model = graph.assemble(entry, builder, head=head, size=size)
    if weights is not None:
        initial_weights.load(model, entry, Path(weights))
    return model
