import multiprocessing
import tracemalloc
from dataclasses import replace

import cv2
import numpy as np
import pytest

from pneumo_tf.data import pixels
from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.datasets.kermany import KERMANY
from pneumo_tf.data.film_faults import add_faults, describe_faults, read_faults
from pneumo_tf.data.films import Film, Films
from pneumo_tf.data.pixels import cached_pixels, fit_film, read_film
from pneumo_tf.errors import UserError


@pytest.fixture
def dataset(tmp_path):
    rng = np.random.default_rng(0)
    rows = []
    for number in range(6):
        image = cv2.GaussianBlur(rng.integers(0, 255, (60 + number, 90), np.uint8), (9, 9), 0)
        cv2.imwrite(str(tmp_path / f"{number}.png"), image)
        rows.append(
            Film(f"{number}.png", number % 2, "normal", str(number), "train", 90, 60 + number, str(number))
        )
    return Dataset(KERMANY, "test", tmp_path, Films(tuple(rows)))


def test_pixels_are_the_decoded_films_in_order(dataset, tmp_path):
    pixels = cached_pixels(dataset, tmp_path / "cache", side=32)
    assert pixels.shape == (6, 32, 32)
    assert pixels.dtype == np.uint8
    image = cv2.imread(str(tmp_path / "4.png"), cv2.IMREAD_GRAYSCALE)
    np.testing.assert_array_equal(pixels[4], cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA))


def test_a_second_call_decodes_nothing(dataset, tmp_path):
    first = np.array(cached_pixels(dataset, tmp_path / "cache", side=32))
    for film in dataset.films:
        (dataset.root / film.id).unlink()
    np.testing.assert_array_equal(cached_pixels(dataset, tmp_path / "cache", side=32), first)


def test_content_and_settings_make_another_map(dataset, tmp_path):
    for setting in (
        {"side": 32},
        {"side": 48},
        {"side": 32, "fit": "letterbox"},
        {"side": 32, "edge_crop": 0.1},
    ):
        cached_pixels(dataset, tmp_path / "cache", **setting)
    rows = tuple(film._replace(digest="other") for film in dataset.films)
    cached_pixels(replace(dataset, films=Films(rows)), tmp_path / "cache", side=32)
    assert len(list((tmp_path / "cache").glob("*.npy"))) == 5


def test_letterbox_keeps_the_aspect_and_pads_with_black():
    film = fit_film(np.full((40, 80), 255, np.uint8), 32, "letterbox")
    assert (film[8:24] == 255).all()
    assert (film[:8] == 0).all()
    assert (film[24:] == 0).all()


def test_letterbox_takes_the_aspect_of_the_original():
    film = fit_film(np.full((50, 50), 255, np.uint8), 32, "letterbox", size=(1000, 2000))
    assert (film[:, 8:24] == 255).all()
    assert (film[:, :8] == 0).all()
    assert (film[:, 24:] == 0).all()


def test_edge_crop_cuts_that_share_off_each_edge(dataset, tmp_path):
    image = np.zeros((100, 100), np.uint8)
    image[10:90, 10:90] = 200
    cv2.imwrite(str(tmp_path / "frame.png"), image)
    assert (read_film(dataset, "frame.png", 80, edge_crop=0.1) == 200).all()


def test_unreadable_films_are_named_and_nothing_is_left(dataset, tmp_path):
    (tmp_path / "3.png").write_bytes(b"not an image")
    (tmp_path / "5.png").write_bytes(b"")
    broken = r"2 of 6 films in .* cannot be read: 3.png \(no image of a known format\), 5.png \(empty\)"
    with pytest.raises(UserError, match=broken):
        cached_pixels(dataset, tmp_path / "cache", side=32)
    assert not list((tmp_path / "cache").glob("*.npy"))


def _sum(dataset, pixels, queue):
    queue.put(int(cached_pixels(dataset, pixels, side=64).sum()))


def test_two_processes_at_once_get_the_same_map(dataset, tmp_path):
    queue = multiprocessing.get_context("spawn").Queue()
    workers = [
        multiprocessing.get_context("spawn").Process(target=_sum, args=(dataset, tmp_path / "cache", queue))
        for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    sums = {queue.get(timeout=60) for _ in workers}
    for worker in workers:
        worker.join()
    assert sums == {int(cached_pixels(dataset, tmp_path / "cache", side=64).sum())}
    assert len(list((tmp_path / "cache").glob("*.npy"))) == 1


def test_a_killed_process_leaves_its_films_to_the_next(dataset, tmp_path, monkeypatch):
    whole = np.array(cached_pixels(dataset, tmp_path / "whole", side=32))
    monkeypatch.setattr(pixels, "CHUNK", 2)

    def stop(done, films):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached_pixels(dataset, tmp_path / "cache", side=32, progress=stop)
    read, logged = [], []
    real = pixels.read_film
    monkeypatch.setattr(
        pixels, "read_film", lambda data, film_id, *more: read.append(film_id) or real(data, film_id, *more)
    )
    films = cached_pixels(dataset, tmp_path / "cache", side=32, progress=lambda *done: logged.append(done))
    np.testing.assert_array_equal(films, whole)
    assert sorted(read) == ["4.png", "5.png"]
    assert logged == [(6, 6)]


def test_memory_stays_flat_with_more_films(dataset, tmp_path):
    def peak(films):
        many = replace(dataset, films=Films(dataset.films.rows * (films // 6)))
        tracemalloc.start()
        cached_pixels(many, tmp_path / "cache", side=160)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(150)
    assert peak(1200) < 1.3 * peak(300)


def damage(path):
    """Cut the film off, so that its decoder warns; return its pixels."""
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    whole = cv2.imencode(".jpeg", image)[1].tobytes()
    path.write_bytes(whole[: len(whole) * 2 // 3] + b"\xff\xd9")
    return image


def test_a_damaged_film_is_decoded_and_named(dataset, tmp_path):
    image = damage(tmp_path / "2.png")
    cache = tmp_path / "cache"
    assert read_faults(cache, dataset) == {}
    upper = cached_pixels(dataset, cache, side=32)[2][:12].astype(int)
    resized = cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA)
    assert np.abs(upper - resized[:12]).mean() < 5
    faults = {"2.png": "Corrupt JPEG data: premature end of data segment"}
    assert read_faults(cache, dataset) == faults
    add_faults(cache, dataset, {"4.png": "another"})
    assert read_faults(cache, dataset) == {**faults, "4.png": "another"}
    assert describe_faults(faults, 6) == (
        "1 of 6 films are damaged and were decoded as far as possible, such as 2.png (Corrupt JPEG data: "
        "premature end of data segment); `python -m benchmarks.audit` names them"
    )


def test_a_killed_process_leaves_its_warnings_to_the_next(dataset, tmp_path, monkeypatch):
    damage(tmp_path / "0.png")
    damage(tmp_path / "5.png")
    monkeypatch.setattr(pixels, "CHUNK", 2)

    def stop(done, films):
        raise KeyboardInterrupt

    cache = tmp_path / "cache"
    with pytest.raises(KeyboardInterrupt):
        cached_pixels(dataset, cache, side=32, progress=stop)
    assert list(read_faults(cache, dataset)) == ["0.png"]
    cached_pixels(dataset, cache, side=32)
    assert list(read_faults(cache, dataset)) == ["0.png", "5.png"]


def test_a_damaged_list_of_faults_stops_nothing(dataset, tmp_path):
    add_faults(tmp_path, dataset, {"1.png": "odd"})
    (path,) = tmp_path.glob("faults-*.json")
    for content in ("", "[]", "{", "\udcff".encode("utf-8", "surrogateescape").decode("latin-1")):
        path.write_text(content)
        assert read_faults(tmp_path, dataset) == {}
