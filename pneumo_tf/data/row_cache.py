"""Arrays on disk whose rows are computed when they are first needed, once for all processes."""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from pneumo_tf.errors import UserError
from pneumo_tf.file_lock import lock_file

Rows = tuple[np.ndarray, np.ndarray | Sequence[np.ndarray]]
"""Indices of rows, and their values."""

Compute = Callable[[np.ndarray], Iterable[Rows]]


def stored_rows(
    path: Path, shape: tuple[int, ...], dtype: type[np.generic], wanted: np.ndarray, compute: Compute
) -> np.ndarray:
    """Return an array in which the wanted rows are valid; rows that are not stored yet are computed.

    While rows are missing, the array is `<name>.part.npy`, and `<name>.done` marks the rows that are safely
    on disk: a process that is killed loses only the current chunk. With its last row the array becomes
    `<name>.npy`. Missing rows take no disk space. Without file locks every process computes all its rows, in
    files with its process number in their names.

    Args:
        path: Path, `<name>.npy`. The name must identify everything that the rows depend on.
        shape: Shape of the whole array.
        dtype: Type of its values.
        wanted: (k,) indices of the rows that have to be valid.
        compute: Function from the sorted indices of missing rows to chunks: indices, and their rows. Only one
            process computes at a time. If it raises `UserError`, the stored rows are deleted.

    Returns:
        A read-only memory map of `shape`.

    Raises:
        UserError: If the files cannot be written, or the disk is full.
    """
    if path.exists():
        return np.load(path, mmap_mode="r")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".lock").open("w") as lock:
            owner = "" if lock_file(lock) else f".{os.getpid()}"
            part, done = path.with_suffix(f"{owner}.part.npy"), path.with_suffix(f"{owner}.done")
            if not path.exists():
                _complete(path, part, done, shape, np.dtype(dtype), wanted, compute)
            return np.load(path if path.exists() else part, mmap_mode="r")
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror}; free space or choose another --out"
        ) from error


def missing_rows(path: Path, wanted: np.ndarray) -> np.ndarray:
    """Return the rows that `stored_rows` would have to compute, sorted and without duplicates.

    Args:
        path: Path, as in `stored_rows`.
        wanted: (k,) indices of the rows that have to be valid.
    """
    rows = np.unique(wanted)
    if path.exists():
        return rows[:0]
    try:
        marks = np.fromfile(path.with_suffix(".done"), np.uint8)
    except FileNotFoundError:
        # Nothing was computed yet, or another process has just computed the last row.
        return rows
    return rows[marks[rows] == 0]


def gather_rows(chunks: Iterable[Rows], least: int) -> Iterator[Rows]:
    """Join chunks of rows until there are at least so many; the last ones may be fewer."""
    indices, values, count = [], [], 0
    for rows, of_rows in chunks:
        indices.append(rows)
        values.append(of_rows)
        count += len(rows)
        if count >= least:
            yield np.concatenate(indices), np.concatenate(values)
            indices, values, count = [], [], 0
    if count:
        yield np.concatenate(indices), np.concatenate(values)


def _complete(
    path: Path,
    part: Path,
    done: Path,
    shape: tuple[int, ...],
    dtype: np.dtype,
    wanted: np.ndarray,
    compute: Compute,
) -> None:
    start = _begin(part, done, shape, dtype)
    marks = np.fromfile(done, np.uint8)
    rows = np.unique(wanted)
    missing = rows[marks[rows] == 0]
    try:
        for rows, values in compute(missing) if len(missing) else ():
            _write(part, start, rows, np.asarray(values, dtype))
            # A row must be on disk before its mark.
            marks[rows] = 1
            _write(done, 0, np.zeros(1), marks[None])
    except UserError:
        part.unlink()
        done.unlink()
        raise
    if marks.all():
        part.replace(path)
        done.unlink()


def _write(path: Path, start: int, rows: np.ndarray, values: np.ndarray) -> None:
    """Write rows to the file: with a memory map, a full disk would kill the process."""
    with path.open("r+b") as file:
        for row, value in zip(rows, values, strict=True):
            file.seek(start + int(row) * value.nbytes)
            file.write(value.tobytes())
        file.flush()
        os.fsync(file.fileno())


def _begin(part: Path, done: Path, shape: tuple[int, ...], dtype: np.dtype) -> int:
    """Create the files of an array unless they exist; return the offset of its first row in bytes."""
    size = int(np.prod(shape)) * dtype.itemsize
    with contextlib.suppress(OSError, ValueError):
        found = np.load(part, mmap_mode="r")
        if (found.shape, found.dtype, done.stat().st_size) == (shape, dtype, shape[0]):
            return part.stat().st_size - size
    done.unlink(missing_ok=True)
    np.lib.format.open_memmap(part, "w+", dtype, shape)
    done.write_bytes(bytes(shape[0]))
    return part.stat().st_size - size
