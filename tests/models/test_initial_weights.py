"""Published weight files: read as Keras and PyTorch read them, refused clearly where they do not fit."""

import shutil
import sys
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import safetensors.numpy

from pneumo_tf.models import initial_weights
from pneumo_tf.models.graph import backbone_layers, cam_layer
from pneumo_tf.models.registry import ARCHITECTURES, build
from pneumo_tf.recipe import Head
from tests.conftest import SHARED

SIDE = 64
ROOT = Path(__file__).parents[2]
FOLDER = SHARED / "weights"
CHEAP = ("convnext_tiny", "mobilenetv2", "efficientnet_b0", "efficientnet_v2b0")
APPLICATIONS = [entry.name for entry in ARCHITECTURES.values() if hasattr(keras.applications, entry.title)]


@pytest.fixture(autouse=True)
def fresh():
    keras.utils.set_random_seed(0)
    yield
    keras.backend.clear_session()


def side_of(entry):
    return max(SIDE, entry.minimum_size)


def films(side=SIDE):
    return np.random.default_rng(1).integers(0, 256, (2, side, side, 1), dtype=np.uint8)


def features(model, entry):
    """Pooled output of the CAM layer: the input of the head, but for VGG16's last maximum."""
    outputs = keras.Model(model.input, model.get_layer(cam_layer(model, entry)).output)
    return outputs(films(side_of(entry))).numpy().mean((1, 2))


def keras_class(entry):
    """The network in `keras.applications`, and its preprocessing."""
    make = getattr(keras.applications, entry.title)
    return make, sys.modules[make.__module__].preprocess_input


def keras_features(model, entry, preprocess):
    named = entry.cam_layer in {layer.name for layer in model.layers}
    output = model.get_layer(entry.cam_layer).output if named else model.output
    rgb = preprocess(np.repeat(films(side_of(entry)), 3, axis=-1).astype(np.float32))
    return keras.Model(model.input, output)(rgb).numpy().mean((1, 2))


def assert_equal_features(ours, theirs):
    assert np.abs(theirs).max() > 1e-3, "dead features compare equal whatever is loaded"
    np.testing.assert_allclose(ours, theirs, atol=1e-5 * np.abs(theirs).max(), rtol=0)


def distinct(model):
    """Gives every weight a value of its own, so that a swap shows; variances stay positive."""
    random = np.random.default_rng(2)
    for layer in model.layers:
        for weight in layer.weights:
            if weight.name in ("gamma", "variance", "moving_variance"):
                weight.assign(random.uniform(0.5, 1.5, weight.shape))
            elif len(weight.shape) == 1:
                weight.assign(random.normal(0, 0.1, weight.shape))
        if type(layer).__name__ == "LayerScale":
            layer.gamma.assign(random.uniform(0.1, 0.5, layer.gamma.shape))
        if type(layer).__name__ == "Normalization" and layer.weights:
            # As in EfficientNet's published file, where what is called variance holds standard deviations.
            mean, deviation, count = layer.weights
            mean.assign([0.485, 0.456, 0.406])
            deviation.assign([0.229, 0.224, 0.225])
            count.assign(0)


@pytest.mark.filterwarnings("ignore:`input_shape` is undefined:UserWarning")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in CHEAP else pytest.mark.slow) for name in APPLICATIONS]
)
def test_equals_keras_with_its_imagenet_weights(name, tmp_path, monkeypatch):
    """Keras is given the file it would download; its graph, preprocessing and request are the reference."""
    entry = ARCHITECTURES[name]
    make, preprocess = keras_class(entry)
    file = tmp_path / entry.weights.file
    shape = (side_of(entry), side_of(entry), 3)
    donor = make(include_top=False, weights=None, input_shape=shape)
    distinct(donor)
    donor.save(file)
    requests = []

    def get_file(fname, origin, cache_subdir="", file_hash=None):
        requests.append((fname, origin, file_hash))
        return str(file)

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    theirs = make(include_top=False, weights="imagenet", input_shape=shape)
    ours = build(name, head=Head(), size=side_of(entry), weights=file)
    assert_equal_features(features(ours, entry), keras_features(theirs, entry, preprocess))
    checksum = entry.weights.checksum
    assert requests == [(entry.weights.file, entry.weights.url, checksum and checksum.split(":")[1])]


def test_every_entry_with_keras_weights_is_compared():
    published = {name for name, entry in ARCHITECTURES.items() if entry.weights is not None}
    assert published == {*APPLICATIONS, "resnet18"}


@pytest.mark.parametrize("name", ["mobilenetv2", "densenet169"])
def test_real_file_equals_keras(name):
    entry = ARCHITECTURES[name]
    file = FOLDER / entry.weights.file
    if not file.exists():
        pytest.skip(f"{file.name} is not in {FOLDER}")
    make, preprocess = keras_class(entry)
    theirs = make(include_top=False, weights=str(file), input_shape=(SIDE, SIDE, 3))
    ours = build(name, head=Head(), size=side_of(entry), weights=file)
    assert_equal_features(features(ours, entry), keras_features(theirs, entry, preprocess))


def torch_tensors(model):
    """The model's backbone in PyTorch's names and layout, with what else a published file holds."""
    names = {"kernel": "weight", "gamma": "weight", "beta": "bias"}
    names |= {"moving_mean": "running_mean", "moving_variance": "running_var"}
    tensors = {"fc.weight": np.zeros((1000, 512), np.float32), "fc.bias": np.zeros(1000, np.float32)}
    random = np.random.default_rng(3)
    for layer in backbone_layers(model):
        for weight in layer.weights:
            value = random.uniform(0.5, 1.5, weight.shape).astype(np.float32)
            if weight.name == "kernel":
                value = (0.1 * (value - 1)).transpose(3, 2, 0, 1)
            name = layer.name.replace("_", ".").removesuffix(".pad")
            tensors[f"{name}.{names[weight.name]}"] = np.ascontiguousarray(value)
        if isinstance(layer, keras.layers.BatchNormalization):
            tensors[f"{layer.name.replace('_', '.')}.num_batches_tracked"] = np.array(7)
    return tensors


def test_resnet18_reads_torchvision_names(tmp_path):
    tensors = torch_tensors(build("resnet18", head=Head(), size=32))
    assert {"conv1.weight", "bn1.running_var", "layer1.0.conv1.weight"} <= set(tensors)
    assert {"layer4.0.downsample.0.weight", "layer4.0.downsample.1.bias"} <= set(tensors)
    file = tmp_path / "model.safetensors"
    safetensors.numpy.save_file(tensors, file)
    model = build("resnet18", head=Head(), size=32, weights=file)
    kernel = model.get_layer("layer2_0_downsample_0").kernel.numpy()
    np.testing.assert_array_equal(kernel[0, 0], tensors["layer2.0.downsample.0.weight"][:, :, 0, 0].T)
    norm = model.get_layer("layer3_1_bn2")
    np.testing.assert_array_equal(norm.gamma, tensors["layer3.1.bn2.weight"])
    np.testing.assert_array_equal(norm.moving_variance, tensors["layer3.1.bn2.running_var"])


def test_resnet18_stem_equals_a_plain_convolution(tmp_path):
    """Padding, stride and kernel layout against the definition, at one output position."""
    tensors = torch_tensors(build("resnet18", head=Head(), size=32))
    file = tmp_path / "model.safetensors"
    safetensors.numpy.save_file(tensors, file)
    model = build("resnet18", head=Head(), size=SIDE, weights=file)
    stem = keras.Model(model.input, [model.get_layer(n).output for n in ("input_normalisation", "conv1")])
    image, maps = (value.numpy()[0] for value in stem(films()))
    padded = np.pad(image.transpose(2, 0, 1), ((0, 0), (3, 3), (3, 3)))
    assert maps.shape == (SIDE // 2, SIDE // 2, 64)
    for row, column in ((0, 0), (5, 9), (31, 31)):
        patch = padded[:, 2 * row : 2 * row + 7, 2 * column : 2 * column + 7]
        expected = np.einsum("oihw,ihw->o", tensors["conv1.weight"], patch)
        np.testing.assert_allclose(maps[row, column], expected, rtol=1e-4, atol=1e-5)


def refused(name, file):
    with pytest.raises(ValueError) as raised:
        build(name, head=Head(), size=32, weights=file)
    message = str(raised.value)
    assert "\n" not in message
    assert name in message
    assert file.name in message
    return message


def test_file_of_another_architecture_is_refused(tmp_path):
    donor = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(32, 32, 3))
    donor.save(tmp_path / "mobilenet.h5")
    assert "it holds 260 arrays, the backbone 26" in refused("vgg16", tmp_path / "mobilenet.h5")


def test_file_of_another_width_is_refused(tmp_path):
    make, shape = keras.applications.MobileNetV2, (32, 32, 3)
    make(include_top=False, weights=None, input_shape=shape, alpha=0.5).save(tmp_path / "half.h5")
    message = refused("mobilenetv2", tmp_path / "half.h5")
    assert "Conv1/kernel is (3, 3, 3, 32), in the file (3, 3, 3, 16)" in message


def test_nothing_is_set_from_a_file_that_fits_in_part(tmp_path, monkeypatch):
    donor = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(32, 32, 3))
    distinct(donor)
    donor.save(tmp_path / "part.h5")
    with h5py.File(tmp_path / "part.h5", "a") as file:
        last = file["model_weights"]["Conv_1_bn"]
        del last["Conv_1_bn/gamma"]
        last["Conv_1_bn/gamma"] = np.ones(1279)
    models = []
    load = initial_weights.load_initial_weights
    monkeypatch.setattr(
        initial_weights,
        "load_initial_weights",
        lambda model, *rest: models.append(model) or load(model, *rest),
    )
    assert "Conv_1_bn/gamma is (1280,), in the file (1279,)" in refused("mobilenetv2", tmp_path / "part.h5")
    norms = [layer for layer in models[0].layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert all((norm.moving_mean.numpy() == 0).all() for norm in norms)


def test_unreadable_files_are_refused(tmp_path):
    for name, file in (("vgg16", "page.h5"), ("resnet18", "page.safetensors")):
        (tmp_path / file).write_text("<html>not found</html>")
        assert "cannot be read" in refused(name, tmp_path / file)
    assert "no such file" in refused("vgg16", tmp_path / "absent.h5")
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["x"] = np.zeros(3)
    assert "not a file of layer weights" in refused("vgg16", tmp_path / "other.h5")


def test_safetensors_that_lack_or_add_a_layer_are_refused(tmp_path):
    tensors = torch_tensors(build("resnet18", head=Head(), size=32))
    file = tmp_path / "model.safetensors"
    safetensors.numpy.save_file({k: v for k, v in tensors.items() if k != "layer4.1.bn2.bias"}, file)
    assert "layer4_1_bn2_bias is not in the file" in refused("resnet18", file)
    safetensors.numpy.save_file({**tensors, "layer1.2.conv1.weight": np.zeros(1, np.float32)}, file)
    assert "layer1_2_conv1_weight is only in the file" in refused("resnet18", file)
    safetensors.numpy.save_file({**tensors, "bn1.bias": np.zeros(63, np.float32)}, file)
    assert "bn1/beta is (64,), in the file (63,)" in refused("resnet18", file)


def test_scratch_architectures_take_no_file(tmp_path):
    with pytest.raises(ValueError, match="resnet18_gray is trained from scratch"):
        build("resnet18_gray", head=Head(), size=32, weights=tmp_path / "any.h5")


def test_names_split_over_attributes_are_joined(tmp_path):
    """Keras splits the list of layer names where it is longer than an HDF5 attribute may be."""
    donor = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(SIDE, SIDE, 3))
    distinct(donor)
    whole, split = tmp_path / "whole.h5", tmp_path / "split.h5"
    donor.save(whole)
    shutil.copy(whole, split)
    with h5py.File(split, "a") as file:
        group = file["model_weights"]
        names = group.attrs["layer_names"]
        del group.attrs["layer_names"]
        for part, chunk in enumerate(np.array_split(names, 11)):
            group.attrs[f"layer_names{part}"] = chunk
    entry = ARCHITECTURES["mobilenetv2"]
    first, second = (
        features(build("mobilenetv2", head=Head(), size=SIDE, weights=file), entry) for file in (whole, split)
    )
    np.testing.assert_array_equal(first, second)
