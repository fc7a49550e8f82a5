"""Backbones of `keras.applications`: entries, and a builder that connects one to our input."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pneumo_tf.models.architecture import Architecture, Weights, keras_weights

if TYPE_CHECKING:
    import keras


def backbone(
    x: "keras.KerasTensor", *, application: str, start: str | None = None, **options: Any
) -> "keras.KerasTensor":
    """Build a network of `keras.applications` on a tensor, with random weights.

    Args:
        x: Normalised films (N, H, W, 3).
        application: Name in `keras.applications`, such as `"DenseNet121"`.
        start: First layer to keep, for an application whose own normalisation cannot be switched off.
        **options: Further arguments of the application.

    Returns:
        Feature map (N, h, w, C).
    """
    import keras

    make = getattr(keras.applications, application)
    if start is None:
        return make(include_top=False, weights=None, input_tensor=x, **options).output
    own = make(include_top=False, weights=None, input_shape=x.shape[1:], **options)
    return _rebuild(own, own.get_layer(start).input, x)


def _rebuild(
    model: "keras.Model", tensor: "keras.KerasTensor", x: "keras.KerasTensor"
) -> "keras.KerasTensor":
    """Copy the layers after `tensor` onto `x`, because layers that are called twice have two outputs."""
    import keras

    made = {id(tensor): x}
    for layer in model.layers:
        inputs = keras.tree.flatten(layer.input)
        if inputs and all(id(source) in made for source in inputs):
            sources = [made[id(source)] for source in inputs]
            copy = type(layer).from_config(layer.get_config())
            made[id(layer.output)] = copy(sources if len(sources) > 1 else sources[0])
    return made[id(model.output)]


def _entry(
    name: str, application: str, *, options: Mapping[str, Any] | None = None, **fields: Any
) -> Architecture:
    return Architecture(
        name=name,
        title=application,
        builder="pneumo_tf.models.keras_applications:backbone",
        options={"application": application, **(options or {})},
        channels=3,
        licence="Apache-2.0",
        **fields,
    )


ENTRIES = (
    _entry(
        name="vgg16",
        application="VGG16",
        normalisation="caffe",
        parameters=14_714_688,
        cam_layer="block5_conv3",
        published_cam_layer="block5_conv3",
        last_stage="block5_",
        batch_norm=False,
        activation_mb=70.0,
        gflops=30.69,
        weights=keras_weights(
            "vgg16",
            "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "md5:6d6bbae143d832006294945121d1f1fc",
            "CC-BY-4.0",
        ),
        paper="Simonyan & Zisserman 2015, arXiv:1409.1556",
    ),
    _entry(
        name="resnet50v2",
        application="ResNet50V2",
        normalisation="symmetric",
        parameters=23_564_800,
        cam_layer="post_relu",
        published_cam_layer="conv5_block3_out",
        last_stage="conv5_|post_",
        batch_norm=True,
        activation_mb=78.0,
        gflops=6.96,
        weights=keras_weights(
            "resnet",
            "resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "md5:fac2f116257151a9d068a22e544a4917",
            "BSD-3-Clause",
        ),
        paper="He et al. 2016, arXiv:1603.05027",
    ),
    _entry(
        name="resnet101v2",
        application="ResNet101V2",
        normalisation="symmetric",
        parameters=42_626_560,
        cam_layer="post_relu",
        published_cam_layer="conv5_block3_out",
        last_stage="conv5_|post_",
        batch_norm=True,
        activation_mb=137.0,
        gflops=14.38,
        weights=keras_weights(
            "resnet",
            "resnet101v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "md5:c0ed64b8031c3730f411d2eb4eea35b5",
            "BSD-3-Clause",
        ),
        paper="He et al. 2016, arXiv:1603.05027",
    ),
    _entry(
        name="densenet121",
        application="DenseNet121",
        normalisation="imagenet",
        parameters=7_037_504,
        cam_layer="relu",
        published_cam_layer="conv5_block16_concat",
        last_stage="conv5_|bn$",
        batch_norm=True,
        activation_mb=195.0,
        gflops=5.666,
        weights=keras_weights(
            "densenet",
            "densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "md5:30ee3e1110167f948a6b9946edeeb738",
            "BSD-3-Clause",
        ),
        paper="Huang et al. 2017, arXiv:1608.06993",
    ),
    _entry(
        name="densenet169",
        application="DenseNet169",
        normalisation="imagenet",
        parameters=12_642_880,
        cam_layer="relu",
        last_stage="conv5_|bn$",
        batch_norm=True,
        activation_mb=178.0,
        gflops=6.716,
        weights=keras_weights(
            "densenet",
            "densenet169_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "md5:b8c4d4c20dd625c148057b9ff1c1176b",
            "BSD-3-Clause",
        ),
        paper="Huang et al. 2017, arXiv:1608.06993",
    ),
    _entry(
        name="mobilenetv2",
        application="MobileNetV2",
        normalisation="symmetric",
        parameters=2_257_984,
        cam_layer="out_relu",
        last_stage="block_1[3-6]_|Conv_1",
        batch_norm=True,
        activation_mb=69.0,
        gflops=0.599,
        # Keras publishes files for 96 to 224 px, and no checksum; this file is used for every size.
        weights=keras_weights(
            "mobilenet_v2",
            "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
            None,
            "Apache-2.0",
        ),
        paper="Sandler et al. 2018, arXiv:1801.04381",
    ),
    _entry(
        name="efficientnet_b0",
        # Its own normalisation cannot be turned off and would run in bfloat16; the graph starts after it.
        application="EfficientNetB0",
        options={"start": "stem_conv_pad"},
        normalisation="imagenet",
        parameters=4_049_564,
        cam_layer="top_activation",
        last_stage="block[67]|top_",
        batch_norm=True,
        activation_mb=98.0,
        gflops=0.7691,
        weights=Weights(
            "efficientnetb0_notop.h5",
            "https://storage.googleapis.com/keras-applications/efficientnetb0_notop.h5",
            "md5:50bc09e76180e00e4465e1a485ddc09d",
            "Apache-2.0",
        ),
        paper="Tan & Le 2019, arXiv:1905.11946",
    ),
    _entry(
        name="efficientnet_v2b0",
        application="EfficientNetV2B0",
        options={"include_preprocessing": False},
        normalisation="imagenet",
        parameters=5_919_312,
        cam_layer="top_activation",
        last_stage="block6|top_",
        batch_norm=True,
        activation_mb=64.0,
        gflops=1.434,
        weights=keras_weights(
            "efficientnet_v2",
            "efficientnetv2-b0_notop.h5",
            "md5:893217f2bb855e2983157299931e43ff",
            "Apache-2.0",
        ),
        paper="Tan & Le 2021, arXiv:2104.00298",
    ),
)
