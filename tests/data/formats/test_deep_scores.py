"""Score of a trained network on films of 12 and 16 bits, and on the same films of 8 bits."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from pneumo_tf.data.datasets.kermany import KERMANY
from pneumo_tf.data.formats.registry import decode, read_header
from pneumo_tf.data.pixels import resize
from tests.conftest import SHARED
from tests.data.formats.dicom.dicom_files import depth, write_dicom
from tests.data.formats.images import deep_png, encode

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
SIDE = 128
FILMS = 100
"""Films of each class."""

FORMS = {
    "PNG of 16 bits": lambda film: deep_png(levels(film, 16)),
    "PNG of 12 bits": lambda film: deep_png(levels(film, 12)),
    "DICOM of 16 bits": lambda film: write_dicom(levels(film, 16)),
    "DICOM of 12 bits": lambda film: write_dicom(levels(film, 12), **depth(12)),
}


def levels(film, bits):
    return np.rint(film * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)


@pytest.fixture(scope="module")
def network(real_films, tmp_path_factory):
    """A frozen MobileNetV2 trained on 300 real films, as the command trains it."""
    if not (SHARED / "weights").is_dir():
        pytest.skip("no initial weights")
    out = tmp_path_factory.mktemp("run")
    options = f"--only mobilenetv2_frozen --profile quick --films 300 --size {SIDE}".split()
    places = ["--data", str(real_films), "--weights", str(SHARED / "weights"), "--out", str(out)]
    command = [sys.executable, "-m", "benchmarks.run_all", *options, *places]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
    (path,) = out.glob("runs/*/model.keras")
    return keras.saving.load_model(path, compile=False)


@pytest.fixture(scope="module")
def films(real_films):
    """Real test films, enlarged: levels between those of 8 bits arise, as a detector of 16 bits has them."""
    tested = [film for film in KERMANY.read(real_films).films if film.split == "test"]
    chosen = [film for label in (0, 1) for film in [one for one in tested if one.label == label][:FILMS]]
    stored = (cv2.imread(str(real_films / film.id), cv2.IMREAD_GRAYSCALE) for film in chosen)
    return [cv2.resize(image / 255, (300, 300), interpolation=cv2.INTER_LINEAR) for image in stored]


def score(network, images):
    logits = network.predict(np.stack([resize(image, SIDE, SIDE) for image in images])[..., None], verbose=0)
    return logits[:, 1] - logits[:, 0]


def read(content):
    return decode(content, read_header(content).bits)


def test_scores_of_deep_films_are_those_of_8_bits(network, films, capsys):
    shallow = [read(encode(levels(film, 8), "PNG")) for film in films]
    expected = score(network, shallow)
    for name, write in FORMS.items():
        images = [read(write(film)) for film in films]
        grey = [np.abs(image.astype(int) - other) for image, other in zip(images, shallow, strict=True)]
        difference = np.abs(score(network, images) - expected)
        with capsys.disabled():
            print(
                f"\n{name}: {np.mean(grey):.4%} of the pixels differ, by at most {np.max(grey)} grey level; "
                f"logits by {np.median(difference):.4f} in the median and {difference.max():.4f} at most, "
                f"sd over films {expected.std():.2f}"
            )
        assert np.max(grey) <= 1
        assert difference.max() < 0.05 * expected.std()
