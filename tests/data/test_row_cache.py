import errno
import fcntl
import multiprocessing
import os
import signal

import numpy as np
import pytest

from pneumo_tf.data import row_cache as module
from pneumo_tf.data.row_cache import gather_rows, stored_rows
from pneumo_tf.errors import UserError

SHAPE = (10, 2, 3)
TRUTH = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)


class Compute:
    """Yields rows of `TRUTH` three at a time, and remembers which."""

    def __init__(self, stop_after=None, stop=None):
        self.rows, self.stop_after, self.stop = [], stop_after, stop

    def __call__(self, missing):
        for start in range(0, len(missing), 3):
            if len(self.rows) == self.stop_after:
                self.stop()
            rows = missing[start : start + 3]
            self.rows += rows.tolist()
            yield rows, TRUTH[rows]


def stored(path, wanted, compute):
    return stored_rows(path, SHAPE, np.float32, np.asarray(wanted), compute)


def test_rows_are_computed_when_first_wanted_and_once(tmp_path):
    path, first, second, third = tmp_path / "a.npy", Compute(), Compute(), Compute()
    rows = stored(path, [7, 2, 2, 5, 0], first)
    np.testing.assert_array_equal(rows[[0, 2, 5, 7]], TRUTH[[0, 2, 5, 7]])
    assert first.rows == [0, 2, 5, 7]
    stored(path, [5, 6, 7], second)
    assert second.rows == [6]
    np.testing.assert_array_equal(stored(path, range(10), third), TRUTH)
    assert third.rows == [1, 3, 4, 8, 9]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.lock", "a.npy"]
    stored(path, range(10), None)
    assert not rows.flags.writeable


def killed(path):
    stored(path, range(10), Compute(6, lambda: os.kill(os.getpid(), signal.SIGKILL)))


def test_a_killed_process_loses_the_chunk_under_way_and_no_more(tmp_path):
    process = multiprocessing.get_context("fork").Process(target=killed, args=(tmp_path / "a.npy",))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    rest = Compute()
    np.testing.assert_array_equal(stored(tmp_path / "a.npy", range(10), rest), TRUTH)
    assert rest.rows == [6, 7, 8, 9]


@pytest.mark.parametrize("survived", range(8))
def test_whatever_write_is_the_last_nothing_wrong_is_believed(tmp_path, monkeypatch, survived):
    write, writes = module._write, []

    def dies(path, start, rows, values):
        writes.append(path)
        if len(writes) > survived:
            # The first half of it may have reached the disk.
            write(path, start, rows[: len(rows) // 2], values[: len(rows) // 2])
            raise KeyboardInterrupt
        write(path, start, rows, values)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module, "_write", dies)
        stored(tmp_path / "a.npy", range(10), Compute())
    np.testing.assert_array_equal(stored(tmp_path / "a.npy", range(10), Compute()), TRUTH)


def stop():
    raise KeyboardInterrupt


@pytest.mark.parametrize("harm", ["cut", "other shape", "no marks", "marks of another length"])
def test_files_that_do_not_fit_are_rebuilt(tmp_path, harm):
    path, part, done = tmp_path / "a.npy", tmp_path / "a.part.npy", tmp_path / "a.done"
    with pytest.raises(KeyboardInterrupt):
        stored(path, range(10), Compute(6, stop))
    if harm == "cut":
        os.truncate(part, part.stat().st_size - 4)
    elif harm == "other shape":
        np.save(part, np.zeros((10, 6), np.float32))
    elif harm == "no marks":
        done.unlink()
    else:
        done.write_bytes(b"\1" * 9)
    np.testing.assert_array_equal(stored(path, range(10), Compute()), TRUTH)


def test_a_full_disk_is_one_line_and_what_was_written_is_kept(tmp_path, monkeypatch):
    calls = []

    def full(file):
        calls.append(file)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch, pytest.raises(UserError, match="No space left") as caught:
        patch.setattr(os, "fsync", full)
        stored(tmp_path / "a.npy", range(10), Compute())
    assert "\n" not in str(caught.value)
    rest = Compute()
    np.testing.assert_array_equal(stored(tmp_path / "a.npy", range(10), rest), TRUTH)
    assert rest.rows == [3, 4, 5, 6, 7, 8, 9]


def test_rows_that_cannot_be_had_leave_nothing(tmp_path):
    def bad(missing):
        yield missing[:2], TRUTH[:2]
        raise UserError("unreadable")

    with pytest.raises(UserError, match="unreadable"):
        stored(tmp_path / "a.npy", range(10), bad)
    assert [file.name for file in tmp_path.iterdir()] == ["a.lock"]


def test_processes_without_locks_share_no_file_that_grows(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", refuse)
    path, other = tmp_path / "a.npy", Compute()

    def overtaken(missing):
        yield missing[:3], TRUTH[missing[:3]]
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: 1)
            np.testing.assert_array_equal(stored(path, [0, 5], other)[[0, 5]], TRUTH[[0, 5]])
        yield missing[3:], TRUTH[missing[3:]]

    np.testing.assert_array_equal(stored(path, range(9), overtaken)[:9], TRUTH[:9])
    assert other.rows == [0, 5]
    assert not path.exists()
    np.testing.assert_array_equal(stored(path, range(10), Compute()), TRUTH)
    assert path.exists()


def test_chunks_are_joined_until_they_are_large_enough():
    compute = Compute()
    joined = list(gather_rows(compute(np.arange(10)), 5))
    assert [rows.tolist() for rows, _ in joined] == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9]]
    for rows, values in joined:
        np.testing.assert_array_equal(values, TRUTH[rows])
    assert list(gather_rows([], 5)) == []
