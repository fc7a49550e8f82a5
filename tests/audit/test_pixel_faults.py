"""The chapter on pixels: damaged files, lost grey levels, inverted polarity."""

import csv

import cv2
import numpy as np
import pytest

from pneumo_tf.audit.chapters.pixels import INVERTED, describe_pixels, measure_polarity
from pneumo_tf.audit.decoded import decode_set
from pneumo_tf.data.formats.registry import decode
from pneumo_tf.data.pixels import resize
from tests.conftest import SHARED


def invert(planted, film_ids):
    for film_id in film_ids:
        path = str(planted.root / film_id)
        cv2.imwrite(path, 255 - cv2.imread(path, cv2.IMREAD_GRAYSCALE), [cv2.IMWRITE_JPEG_QUALITY, 95])


def test_nothing_is_said_of_a_clean_set(clean):
    chapter = describe_pixels(clean)
    assert not chapter.care
    assert list(chapter.findings) == [
        "No decoder warned of a damaged film.",
        "Every film has 32 grey levels or more.",
        "All films have the same polarity.",
    ]


def test_a_film_that_was_cut_and_closed_is_named_with_the_warning(planted):
    film_id = planted.ids("train/NORMAL")[0]
    whole = (planted.root / film_id).read_bytes()
    (planted.root / film_id).write_bytes(whole[: len(whole) // 2] + b"\xff\xd9")
    decoded = decode_set(planted.root)
    assert not decoded.unreadable and len(decoded.films) == 120
    chapter = describe_pixels(decoded)
    (table,) = chapter.tables
    assert table.rows == [[film_id, "Corrupt JPEG data: premature end of data segment"]]
    assert chapter.findings[0] == "1 film damaged, and decoded as far as possible."
    assert film_id in chapter.care[0]


def test_films_without_grey_levels_are_named(planted):
    flat, pixel, few, enough = planted.ids("train/NORMAL")[:4]
    for film_id, image in (
        (flat, np.full((60, 60), 90, np.uint8)),
        (pixel, np.full((1, 1), 7, np.uint8)),
        (few, np.tile(np.arange(31, dtype=np.uint8) * 8, (60, 2))),
        (enough, np.tile(np.arange(32, dtype=np.uint8) * 8, (60, 2))),
    ):
        # Lossless, under the name of a JPEG: a film is decoded by its signature.
        (planted.root / film_id).write_bytes(cv2.imencode(".png", image)[1].tobytes())
    chapter = describe_pixels(decode_set(planted.root))
    assert (
        f"2 films of a single grey level, `{flat}`, `{pixel}`: without a picture, or transparent."
        in chapter.findings
    )
    assert f"1 film with fewer than 32 grey levels: `{few}`." in chapter.findings


@pytest.mark.parametrize("inverted", ["normal", "pneumonia"])
def test_a_class_that_is_white_on_black_is_found(planted, inverted):
    ids = [f for split in ("train", "test") for f in planted.ids(f"{split}/{inverted.upper()}")]
    invert(planted, ids)
    chapter = describe_pixels(decode_set(planted.root))
    shares = {"normal": "0 %", "pneumonia": "0 %"} | {inverted: "100 %"}
    assert chapter.findings[-1].startswith(
        f"{len(ids)} films inverted, with dark bones: "
        f"{shares['normal']} of normal, {shares['pneumonia']} of pneumonia ("
    )
    assert any("polarity" in line for line in chapter.care)


def test_a_single_inverted_film_is_named(planted):
    film_id = planted.ids("test/NORMAL")[2]
    invert(planted, [film_id])
    found = describe_pixels(decode_set(planted.root)).findings[-1]
    assert found == f"1 film inverted, with dark bones: 1.8 % of normal, 0 % of pneumonia (`{film_id}`)."


def test_films_without_a_common_pattern_are_not_compared():
    noise = np.random.default_rng(0).integers(0, 255, (200, 16, 16), np.uint8)
    assert np.median(np.abs(measure_polarity(noise))) < 0.5


def test_flat_films_have_no_polarity():
    agreement = measure_polarity(np.full((3, 16, 16), 9, np.uint8))
    assert (agreement == 0).all()


# The real films


def thumbnails(paths):
    return np.stack([resize(decode(path.read_bytes()), 16, 16) for path in paths])


def kermany():
    paths = sorted((SHARED / "data" / "chest_xray").glob("*/*/*.jpeg"))
    return paths, np.array(["PNEUMONIA" in path.parts for path in paths])


def nih():
    folder = SHARED / "data" / "nih"
    rows = list(csv.DictReader((folder / "films.csv").open())) if folder.is_dir() else []
    return [folder / row["path"] for row in rows], np.array([row["label"] != "normal" for row in rows])


@pytest.mark.slow
@pytest.mark.parametrize("films", [kermany, nih])
def test_real_films_have_one_polarity_and_an_inverted_class_is_found(films):
    paths, pneumonia = films()
    if not len(paths):
        pytest.skip("no real films")
    grids = thumbnails(paths)
    assert not (measure_polarity(grids) < INVERTED).any()
    for inverted in (pneumonia, ~pneumonia):
        turned = np.where(inverted[:, None, None], 255 - grids, grids)
        found = measure_polarity(turned) < INVERTED
        assert found[inverted].mean() > 0.95 and not found[~inverted].any()
