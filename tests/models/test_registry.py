"""The registry as data: looked up without TensorFlow, and consistent in itself."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pneumo_tf.models.architecture import NORMALISATIONS, Architecture
from pneumo_tf.models.registry import ARCHITECTURES, architecture, build
from pneumo_tf.recipe import Head

ROOT = Path(__file__).parents[2]
EVERY = pytest.mark.parametrize("entry", ARCHITECTURES.values(), ids=ARCHITECTURES)


def test_import_leaves_tensorflow_out():
    code = "import sys, pneumo_tf.models.registry; print({'tensorflow', 'keras', 'numpy'} & set(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "set()"


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(ValueError, match="unknown architecture 'densenet12'; did you mean 'densenet121'"):
        architecture("densenet12")
    with pytest.raises(ValueError, match="did you mean 'vgg16'"):
        build("vgg61", head=Head(), size=224)


def test_unknown_normalisation_is_refused():
    values = {**vars(architecture("conv3")), "normalisation": "imagnet"}
    with pytest.raises(ValueError, match="did you mean 'imagenet'"):
        Architecture(**values)


def test_names_are_keys_and_titles_differ():
    assert all(name == entry.name for name, entry in ARCHITECTURES.items())
    assert len({entry.title for entry in ARCHITECTURES.values()}) == len(ARCHITECTURES)


def test_every_normalisation_is_used():
    assert {entry.normalisation for entry in ARCHITECTURES.values()} == set(NORMALISATIONS)


@EVERY
def test_entry_is_complete(entry):
    module, function = entry.builder.split(":")
    assert callable(getattr(importlib.import_module(module), function))
    assert entry.channels in (1, 3)
    assert entry.minimum_size <= entry.size
    assert entry.paper
    assert entry.licence
    hash(entry)  # a key of caches


@EVERY
def test_weights_are_described(entry):
    if entry.weights is None:
        pytest.skip("trained from scratch")
    assert entry.weights.url.startswith("https://")
    assert entry.weights.licence
    assert Path(entry.weights.file).name == entry.weights.file
    assert re.fullmatch(r"md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}", entry.weights.checksum or "md5:" + 32 * "0")


@EVERY
def test_memory_grows_with_batch_area_and_training(entry):
    small = entry.memory_mb(size=entry.size, batch=8)
    assert small > entry.parameters * 16e-6
    assert entry.memory_mb(size=entry.size, batch=16) - small == pytest.approx(8 * entry.activation_mb)
    assert entry.memory_mb(size=2 * entry.size, batch=2) == pytest.approx(small)
    assert entry.memory_mb(size=entry.size, batch=8, training=False) < small


def test_too_small_a_size_is_refused():
    with pytest.raises(ValueError, match="vgg16 takes films of 32 px or more, not 31"):
        build("vgg16", head=Head(), size=31)
