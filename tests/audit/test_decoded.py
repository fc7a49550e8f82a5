"""Decoding: the copies are those that models see, and a bad file hides nothing."""

import numpy as np
import pytest

from pneumo_tf.audit.decoded import decode_set
from pneumo_tf.data.datasets.registry import recognise
from pneumo_tf.data.pixels import cached_pixels
from pneumo_tf.errors import UserError


def test_films_and_copies_are_those_of_training(small_phantom, clean, tmp_path):
    assert clean.films == small_phantom.films
    for fit, copy in (("squash", clean.copies.thumbnail), ("letterbox", clean.copies.letterboxed)):
        assert np.array_equal(copy, cached_pixels(small_phantom, tmp_path, side=16, fit=fit))
    assert clean.synthetic and clean.sizes_known and not clean.unreadable


def test_sizes_of_a_csv_shape_the_letterbox(planted, tmp_path):
    film_id = planted.ids("train/NORMAL")[0]
    sizes = planted.sizes_csv(tmp_path / "sizes.csv")
    lines = [line.split(",") for line in sizes.read_text().splitlines()]
    sizes.write_text(
        "\n".join(",".join([p, "400", "100"] if p == film_id else [p, w, h]) for p, w, h in lines)
    )
    decoded = decode_set(planted.root, sizes)
    index = decoded.films.position[film_id]
    assert decoded.films.rows[index][5:7] == (400, 100)
    assert not decoded.copies.letterboxed[index][[0, 5, 10, 15]].any()
    assert decoded.copies.letterboxed[index][6:10].any(axis=1).all()


def test_unreadable_files_are_listed_and_the_rest_is_read(planted):
    ids = planted.ids("train/PNEUMONIA")
    whole = (planted.root / ids[1]).read_bytes()
    for film_id, content in zip(ids[:3], (b"", whole[: len(whole) // 2], b"no image at all"), strict=True):
        (planted.root / film_id).write_bytes(content)
    decoded = decode_set(planted.root)
    assert [tuple(file) for file in decoded.unreadable] == [
        (ids[0], "empty"),
        (ids[1], "cut off"),
        (ids[2], "no image of a known format"),
    ]
    assert len(decoded.films) == 117 == len(decoded.copies.grid)
    assert not {film.id for film in decoded.films} & set(ids[:3])


def test_nothing_readable_is_an_error(planted):
    for film in recognise(planted.root).read(planted.root).films:
        (planted.root / film.id).write_bytes(b"x")
    with pytest.raises(UserError, match="none of the 120 films"):
        decode_set(planted.root)


def test_a_csv_that_lacks_films_is_refused(planted, tmp_path):
    sizes = planted.sizes_csv(tmp_path / "sizes.csv")
    sizes.write_text("\n".join(sizes.read_text().splitlines()[:-2]))
    with pytest.raises(UserError, match="sizes.csv lacks 2 of 120 films"):
        decode_set(planted.root, sizes)
