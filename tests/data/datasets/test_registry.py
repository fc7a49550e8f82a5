"""What every dataset must do, tried on each entry and on one that is in no registry but this test's."""

import hashlib
import json
import pickle
from dataclasses import replace

import cv2
import numpy as np
import pytest

from benchmarks.suite.source import find_source
from pneumo_tf.audit.chapters import CHAPTERS
from pneumo_tf.audit.decoded import decode_set
from pneumo_tf.data.datasets.kermany import KERMANY
from pneumo_tf.data.datasets.phantom.entry import PHANTOM
from pneumo_tf.data.datasets.phantom.spec import PhantomSpec
from pneumo_tf.data.datasets.phantom.writer import write_phantom
from pneumo_tf.data.datasets.registry import DATASETS, dataset_source, recognise, stored_source
from pneumo_tf.data.films import Films
from pneumo_tf.data.formats.registry import FORMATS
from pneumo_tf.data.pixels import cached_pixels
from pneumo_tf.data.protocols.registry import PROTOCOLS, check_sides
from pneumo_tf.errors import UserError
from pneumo_tf.explain.localisation import read_masks
from pneumo_tf.runs import Runs
from tests.data.datasets.bedside import BEDSIDE, RAW, TABLE, write_bedside
from tests.data.datasets.nih_folder import write_nih
from tests.data.datasets.rsna_folder import write_rsna
from tests.data.datasets.test_kermany import encoded


def write_kermany(root):
    for first, split, count in ((100, "train", 12), (200, "val", 2), (300, "test", 6)):
        for number in range(first, first + count):
            for name in (f"NORMAL/IM-{number:04}-0001", f"PNEUMONIA/person{number}_virus_{number}"):
                path = root / split / f"{name}.jpeg"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(encoded(width=number // 4, height=30))
    return root


def write_small_phantom(root):
    return write_phantom(PhantomSpec(train=(12, 9, 9), val=(2, 2, 0), test=(5, 5, 0), side=64), root)


def write_class_folders(root):
    for number in range(60):
        path = root / ("Normal", "PNEUMONIA")[number % 2] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(number))
    return root


def write_csv(root):
    (root / "films").mkdir(parents=True)
    lines = ["path,label,patient,split,age"]
    for number in range(60):
        (root / f"films/{number:02}.png").write_bytes(png(number))
        label, split = ("normal", "pneumonia")[number % 2], "test" if number >= 40 else "train"
        lines.append(f"films/{number:02}.png,{label},P{number % 2}{number // 4},{split},{number}")
    (root / "list.csv").write_text("\n".join(lines) + "\n")
    return root


def png(number):
    return cv2.imencode(".png", np.full((30, 20 + number % 5), number, np.uint8))[1].tobytes()


EXAMPLES = {
    "kermany": write_kermany,
    "phantom": write_small_phantom,
    "csv": write_csv,
    "folders": write_class_folders,
    "rsna": write_rsna,
    "nih": write_nih,
    "bedside": write_bedside,
}
"""What writes a small folder of each dataset; a new entry brings one."""

NEGATIVE = ("normal", "not normal", "no opacity")
"""Subtypes of the films of label 0."""

PATIENTS_UNKNOWN = ("folders", "rsna")
"""Datasets whose examples state no patient."""


@pytest.fixture(autouse=True, scope="module")
def registered():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FORMATS, RAW.name, RAW)
        yield


@pytest.fixture(autouse=True)
def recognised(monkeypatch):
    monkeypatch.setitem(DATASETS, "bedside", BEDSIDE)


def test_every_entry_has_an_example():
    assert set(DATASETS) == set(EXAMPLES)
    assert all(source.name == name for name, source in DATASETS.items())


@pytest.fixture(scope="module", params=EXAMPLES)
def example(request, tmp_path_factory):
    """An entry's name, its folder, and the dataset read from it."""
    root = EXAMPLES[request.param](tmp_path_factory.mktemp(request.param) / "my_films")
    source = {**DATASETS, "bedside": BEDSIDE}[request.param]
    return source, root, source.read(root)


def test_a_folder_is_recognised_by_its_own_entry_alone(example, tmp_path):
    source, root, dataset = example
    assert recognise(root) is source
    assert recognise(dataset.root) is source
    assert source.lacks(tmp_path)
    with pytest.raises(UserError, match=f"contains no known dataset .*{source.name}: "):
        recognise(tmp_path)


def test_rows_describe_the_files(example):
    source, _, dataset = example
    assert [film.id for film in dataset.films] == sorted(film.id for film in dataset.films)
    for film in dataset.films:
        content = (dataset.root / film.id).read_bytes()
        image = dataset.decode(film.id)
        assert image.dtype == np.uint8 and image.shape == (film.height, film.width)
        assert film.digest == hashlib.blake2b(content, digest_size=8).hexdigest()
        assert film.label == (film.subtype not in NEGATIVE) and film.split in ("train", "test")
        assert film.patient and film.patient_known == (source.name not in PATIENTS_UNKNOWN)
    assert {film.split for film in dataset.films if film.id in dataset.films.set_apart} <= {"train"}


def test_a_broken_film_is_named(example, tmp_path):
    source, _, dataset = example
    broken = dataset.films.rows[1].id
    for film in dataset.films:
        path = tmp_path / film.id
        path.parent.mkdir(parents=True, exist_ok=True)
        content = (dataset.root / film.id).read_bytes()
        path.write_bytes(content[: len(content) // 2] if film.id == broken else content)
    with pytest.raises(UserError, match=f"1 of {len(dataset.films)} films in .*: {broken} "):
        cached_pixels(replace(dataset, root=tmp_path), tmp_path / "cache", side=16)


def test_counts_are_compared_with_those_published(example):
    source, _, dataset = example
    whole = Films(
        tuple(
            dataset.films.rows[0]._replace(id=f"{split} {subtype} {number}", split=split, subtype=subtype)
            for (split, subtype), count in source.counts.items()
            for number in range(count)
        )
    )
    assert source.count_differences(whole) == []
    if source.counts:
        (line,) = source.count_differences(whole.where(lambda film: film.id != whole.rows[0].id))
        film = whole.rows[0]
        count = source.counts[film.split, film.subtype]
        side = f"{film.split}: " if film.split else ""
        assert line == f"{side}{count - 1:,} instead of {count:,} {film.subtype} films"
        assert sum(source.test_counts or ()) == sum(film.split == "test" for film in whole)
    else:
        assert source.test_counts is None


def test_only_the_published_films_have_the_published_title(example):
    source, root, dataset = example
    licence = source.describe_licence(dataset.films)
    if source.synthetic:
        assert dataset.title == source.title and licence == source.licence
    elif source.counts and not source.count_differences(dataset.films):
        assert dataset.title == f"{source.title}, {len(dataset.films)} films" and licence == source.licence
    else:
        assert dataset.title == f"{root.name}: {len(dataset.films)} films"
        assert licence.startswith("not stated") and source.title not in dataset.title


def test_its_protocols_divide_it(example):
    source, _, dataset = example
    for name in source.protocols:
        source.check_protocol(name)
        protocol = PROTOCOLS[name]
        for fold in protocol.fold_numbers:
            check_sides(protocol, protocol.split(dataset.films, fold))
    with pytest.raises(
        UserError, match=f"{source.name} cannot be divided by the protocol halves; choose off"
    ):
        source.check_protocol("halves")


@pytest.mark.parametrize("kind", ["masks", "lungs"])
def test_masks_lie_on_their_films(example, kind):
    source, _, dataset = example
    mask_of = source.open_masks(dataset.root, kind)
    if mask_of is None:
        assert read_masks(dataset, kind, [dataset.films.rows[0].id], 16) is None
        return
    drawn = {film.id: mask_of(film.id) for film in dataset.films}
    for film in dataset.films:
        mask = drawn[film.id]
        assert (mask is not None) == (film.label == 1 or kind == "lungs")
        if mask is not None:
            assert mask.shape == (film.height, film.width) and set(np.unique(mask)) <= {0, 255}


def test_the_rest_of_an_entry(example):
    source, _, dataset = example
    film_id = dataset.films.rows[0].id
    assert source.title and source.notice and source.licence
    assert source.series is None or (source.series.note and isinstance(source.series.of(film_id), str))
    assert bool(source.draw) == source.synthetic == (source.name == "phantom")
    assert source.download is None or source.download.summary


def test_a_dataset_reaches_other_processes_and_stored_runs(example, tmp_path):
    source, root, dataset = example
    runs = Runs(tmp_path)
    runs.write_films(dataset)
    stored = runs.read_films(dataset.films.fingerprint, root=dataset.root)
    assert stored == dataset and stored.films.set_apart == dataset.films.set_apart
    assert pickle.loads(pickle.dumps(dataset)).films == dataset.films
    assert find_source(str(root)).dataset is source


def test_the_audit_reads_the_same_films(example):
    _, root, dataset = example
    decoded = decode_set(root)
    assert decoded.dataset == dataset
    assert all(describe(decoded).title for describe in CHAPTERS.values())


# The registry


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(UserError, match="unknown dataset 'kermani'; did you mean 'kermany'"):
        dataset_source("kermani")


def test_no_dataset_is_examined_after_the_first_that_matches(tmp_path, monkeypatch):
    def find(path):
        pytest.fail("bedside, the last dataset, was examined")

    monkeypatch.setitem(DATASETS, "bedside", replace(BEDSIDE, find=find))
    assert recognise(write_class_folders(tmp_path / "films")) is DATASETS["folders"]


def test_descriptions_without_a_name_are_named_by_their_title():
    assert stored_source({"title": f"{KERMANY.title}, 5,856 films"}) is KERMANY
    assert stored_source({"title": "Phantom: synthetic films"}) is PHANTOM
    assert stored_source({"title": "Phantom: synthetic films", "source": "kermany"}) is KERMANY
    with pytest.raises(UserError, match="unknown dataset 'gone'"):
        stored_source({"title": "Gone", "source": "gone"})


def test_the_file_next_to_the_films_names_the_dataset(tmp_path):
    dataset = KERMANY.read(write_kermany(tmp_path / "films"))
    Runs(tmp_path / "runs").write_films(dataset)
    (path,) = (tmp_path / "runs").glob("datasets/*/dataset.json")
    assert json.loads(path.read_text("utf-8")) == {
        "source": "kermany",
        "title": dataset.title,
        "bits": 16,
        "notes": [],
    }


# The third dataset, step by step


@pytest.fixture(scope="module")
def bedside(tmp_path_factory):
    return BEDSIDE.read(write_bedside(tmp_path_factory.mktemp("bedside") / "bedside"))


def test_its_pixels_are_those_of_its_own_format(bedside, tmp_path):
    pixels = cached_pixels(bedside, tmp_path, side=36)
    bright = pixels[:, 7:15, 6:15].mean(axis=(1, 2))
    assert (bright[bedside.films.labels == 1] > 220).all() and (bright[bedside.films.labels == 0] < 60).all()


def test_its_split_is_that_of_its_table(bedside):
    split = PROTOCOLS["official"].split(bedside.films, None)
    assert split.test == tuple(f"raw/{number:02}.gray" for number in range(30))


def test_its_boxes_become_masks(bedside):
    ids = ["raw/00.gray", "raw/01.gray"]
    none, box = read_masks(bedside, "masks", ids, 36)
    assert not none.any() and box[7:15, 6:15].all() and box.sum() < 150


def test_its_audit_finds_its_patients_and_a_clean_set(bedside):
    decoded = decode_set(bedside.root)
    assert decoded.stored is None and not decoded.unreadable
    chapters = {name: describe(decoded) for name, describe in CHAPTERS.items()}
    assert "The counts are those of the published set." in chapters["counts"].findings
    assert not chapters["patients"].care and not chapters["leakage"].left_out


def test_a_set_without_test_films_is_read_and_audited(tmp_path):
    root = write_bedside(tmp_path / "bedside")
    (root / TABLE).write_text((root / TABLE).read_text().replace(",test,", ",train,"))
    decoded = decode_set(root)
    assert set(decoded.splits) == {"train"}
    left_out = {name for name, describe in CHAPTERS.items() if describe(decoded).left_out}
    assert left_out == {"leakage", "shift", "trivial models"}
    with pytest.raises(UserError, match="test would lack a class"):
        PROTOCOLS["official"].split(decoded.films, None)


def test_find_source_takes_its_name(bedside, monkeypatch):
    monkeypatch.chdir(bedside.root.parent)
    with pytest.raises(UserError, match="there is no data/bedside"):
        find_source("bedside")
    (bedside.root.parent / "data").mkdir()
    (bedside.root.parent / "data/bedside").symlink_to(bedside.root)
    assert find_source("bedside").dataset is BEDSIDE
    assert find_source("auto").dataset is BEDSIDE
