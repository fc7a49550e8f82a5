"""The phantom films: their bytes, their layout, their truth, and how hard they are."""

import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pneumo_tf.data.datasets.phantom.film import render_film
from pneumo_tf.data.datasets.phantom.spec import FilmCounts, PhantomSpec, film_size, plan_films
from pneumo_tf.data.datasets.phantom.writer import write_phantom
from pneumo_tf.errors import UserError

SPEC = PhantomSpec(seed=3, train=(6, 9, 7), val=(1, 2, 0), test=(4, 3, 5), side=96)


def read_tree(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def films_of(spec, subtype):
    return [film for film in plan_films(spec) if film.subtype == subtype]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_phantom(SPEC, tmp_path_factory.mktemp("phantom") / "root")


def test_bytes_depend_on_the_seed_alone(root, tmp_path):
    assert read_tree(write_phantom(SPEC, tmp_path / "again")) == read_tree(root)
    other = replace(SPEC, seed=4)
    first = plan_films(SPEC)[0]
    assert not np.array_equal(render_film(SPEC, first).image, render_film(other, first).image)
    assert other.fingerprint != SPEC.fingerprint


def test_fingerprint_covers_every_field_and_accepts_plain_tuples():
    changes = {"seed": 9, "train": (5, 9, 7), "val": (0, 0, 0), "test": (4, 3, 6), "side": 128}
    fingerprints = {replace(SPEC, **{field: value}).fingerprint for field, value in changes.items()}
    assert len(fingerprints | {SPEC.fingerprint}) == len(changes) + 1
    assert replace(SPEC, train=FilmCounts(6, 9, 7)).fingerprint == SPEC.fingerprint


@pytest.mark.parametrize("change", [{"seed": -1}, {"side": 32}, {"test": (1, -1, 0)}])
def test_impossible_specs_are_refused(change):
    with pytest.raises(UserError, match=next(iter(change))):
        replace(SPEC, **change)


def test_layout_and_counts_are_those_of_the_spec(root):
    found = Counter()
    for path in (root / "chest_xray").rglob("*.*"):
        split, folder = path.relative_to(root / "chest_xray").parts[:2]
        subtype = next((word for word in ("bacteria", "virus") if word in path.name), "normal")
        assert folder == ("NORMAL" if subtype == "normal" else "PNEUMONIA")
        found[split, subtype] += 1
    expected = {
        (split, subtype): count
        for split in ("train", "val", "test")
        for subtype, count in getattr(SPEC, split)._asdict().items()
        if count
    }
    assert found == expected
    record = json.loads((root / "phantom.json").read_text())
    assert record["fingerprint"] == SPEC.fingerprint
    assert "ynthetic" in record["note"]


def test_names_are_official_and_unique():
    films = plan_films(PhantomSpec())
    assert len({film.stem for film in films}) == len(films)
    person, normal = r"person\d+_(bacteria|virus)_\d+", r"(NORMAL2-)?IM-\d{4}-0001(-000\d)?"
    pattern = f"(train|val|test)/(PNEUMONIA/{person}|NORMAL/{normal})"
    for film in films:
        assert re.fullmatch(pattern, film.stem), film.stem


def test_no_patient_is_in_two_splits_and_a_quarter_have_several_films():
    films = plan_films(PhantomSpec())
    splits, count = {}, Counter()
    for film in films:
        patient = film.subtype, film.patient
        assert splits.setdefault(patient, film.split) == film.split
        count[patient] += 1
    assert max(count.values()) <= 4
    assert 0.2 < np.mean([n > 1 for n in count.values()]) < 0.3


def test_written_films_and_masks_match_in_size_and_masks_exist_for_pneumonia_alone(root):
    films = {
        path.removeprefix("chest_xray/").removesuffix(".jpeg") for path in read_tree(root) if "jpeg" in path
    }
    for kind, stems in (("lungs", films), ("masks", {stem for stem in films if "PNEUMONIA" in stem})):
        found = {
            path.relative_to(root / kind).with_suffix("").as_posix() for path in (root / kind).rglob("*.png")
        }
        assert found == stems
        for stem in stems:
            film = cv2.imread(str(root / "chest_xray" / f"{stem}.jpeg"), cv2.IMREAD_UNCHANGED)
            mask = cv2.imread(str(root / kind / f"{stem}.png"), cv2.IMREAD_UNCHANGED)
            assert film.ndim == 2
            assert mask.shape == film.shape
            assert set(np.unique(mask)) == {0, 255}


def test_opacity_adds_attenuation_inside_its_mask_and_nowhere_outside_the_lungs():
    for film in films_of(SPEC, "bacteria") + films_of(SPEC, "virus"):
        ill, well = render_film(SPEC, film), render_film(SPEC, film, healthy=True)
        change = ill.image.astype(float) - well.image
        assert not well.opacity.any()
        assert change[ill.opacity].mean() > 8
        far = cv2.dilate(ill.lungs.astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
        assert np.abs(change[far]).max() <= 1


def test_bacteria_stay_in_one_lung_and_virus_is_in_both():
    for subtype, low, high in (("bacteria", 0.0, 0.05), ("virus", 0.1, 0.5)):
        for film in films_of(SPEC, subtype):
            rendered = render_film(SPEC, film)
            count, labels, stats, _ = cv2.connectedComponentsWithStats(rendered.lungs.astype(np.uint8))
            largest = 1 + np.argsort(stats[1:, cv2.CC_STAT_AREA])[-2:]
            areas = [np.count_nonzero(rendered.opacity & (labels == lung)) for lung in largest]
            assert low <= min(areas) / sum(areas) <= high, film


def test_films_of_a_patient_are_more_similar_than_others_but_no_copies():
    spec = PhantomSpec(side=96)
    films = films_of(spec, "virus")
    pairs = [(first, second) for first, second in zip(films, films[1:], strict=False) if second.repeat == 1][
        :10
    ]
    squashed = np.array(
        [[cv2.resize(render_film(spec, film).image, (64, 64)) for film in pair] for pair in pairs]
    )
    firsts, seconds = squashed[:, 0].reshape(10, -1), squashed[:, 1].reshape(10, -1)
    similarity = np.corrcoef(firsts, seconds)[:10, 10:]
    own = np.diag(similarity)
    assert own.max() < 0.999
    assert own.mean() > similarity[~np.eye(10, dtype=bool)].mean() + 0.02


def test_an_interrupted_write_leaves_nothing(tmp_path):
    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_phantom(SPEC, tmp_path / "root", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_complete_root_is_kept_and_another_is_not_overwritten(root, tmp_path):
    calls = []
    assert write_phantom(SPEC, root, progress=lambda done, total: calls.append(done)) == root
    assert calls == []
    with pytest.raises(UserError, match="remove it"):
        write_phantom(replace(SPEC, seed=4), root)
    (tmp_path / "empty").mkdir()
    one = PhantomSpec(train=(1, 0, 0), val=(0, 0, 0), test=(0, 0, 0), side=64)
    assert (write_phantom(one, tmp_path / "empty") / "phantom.json").is_file()


def test_size_is_independent_of_class_and_split():
    spec = PhantomSpec(seed=1, train=(3000, 1500, 1500), test=(1500, 800, 700))
    films = plan_films(spec)
    sizes = np.array([film_size(spec, film) for film in films])
    aspect = sizes[:, 1] / sizes[:, 0]
    for measure in (aspect, sizes[:, 0]):
        assert abs(roc_auc_score([film.subtype != "normal" for film in films], measure) - 0.5) < 0.03
        assert abs(roc_auc_score([film.split == "test" for film in films], measure) - 0.5) < 0.03
    assert 1.09 < aspect.min() < aspect.max() < 1.51


def test_thumbnails_detect_part_of_pneumonia():
    spec = PhantomSpec(train=(190, 110, 80), val=(0, 0, 0), test=(120, 70, 50), side=64)
    films = plan_films(spec)
    thumbnails = np.array(
        [cv2.resize(render_film(spec, film).image, (16, 16), interpolation=3) for film in films]
    )
    ill = np.array([film.subtype != "normal" for film in films])
    test = np.array([film.split == "test" for film in films])
    model = make_pipeline(
        StandardScaler(), LogisticRegression(class_weight="balanced", C=0.01, max_iter=1000)
    )
    model.fit(thumbnails.reshape(len(films), -1)[~test], ill[~test])
    auc = roc_auc_score(ill[test], model.decision_function(thumbnails.reshape(len(films), -1)[test]))
    assert 0.6 < auc < 0.95


def test_import_loads_neither_opencv_nor_a_framework():
    module = "pneumo_tf.data.datasets.phantom"
    code = f"import sys, {module}; print({{'cv2', 'pandas', 'tensorflow'}} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"
    )
