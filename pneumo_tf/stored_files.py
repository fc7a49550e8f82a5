"""Strict reading of stored files, with one error that names a damaged file."""

import csv
import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pneumo_tf.errors import UserError

UNREADABLE = (OSError, ValueError, EOFError, RecursionError, zlib.error, zipfile.BadZipFile, csv.Error)
"""Errors of decompressing, decoding and parsing a damaged file."""


class DamagedFile(UserError):
    """Error for a stored file that cannot be read or has unexpected content.

    Args:
        path: The file.
        fault: The fault, without the path.
        remedy: What to do about it.
    """

    def __init__(self, path: Path, fault: str, remedy: str = "run it again with --fresh") -> None:
        super().__init__(f"{path}: {fault}; {remedy}")
        self.path, self.fault, self.remedy = path, fault, remedy

    def __reduce__(self) -> tuple[type["DamagedFile"], tuple[Path, str, str]]:
        return DamagedFile, (self.path, self.fault, self.remedy)


def unreadable(path: Path, error: Exception) -> DamagedFile:
    """Return the error for a file that could not be parsed."""
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return DamagedFile(path, f"cannot be read: {why or type(error).__name__}")


def read_text(path: Path) -> str:
    """Read UTF-8 text, gzipped if the name ends in `.gz`.

    Raises:
        DamagedFile: If it cannot be read.
    """
    try:
        content = path.read_bytes()
        return (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig")
    except UNREADABLE as error:
        raise unreadable(path, error) from error


def read_json_object(path: Path) -> dict[str, Any]:
    """Read a JSON object, gzipped if the name ends in `.gz`.

    Raises:
        DamagedFile: If it cannot be read or is not an object.
    """
    text = read_text(path)
    try:
        values = json.loads(text)
    except UNREADABLE as error:
        raise unreadable(path, error) from error
    if not isinstance(values, dict):
        raise DamagedFile(path, "does not hold a JSON object")
    return values


def read_number_rows(path: Path) -> list[dict[str, float]]:
    """Read CSV rows of numbers under a header.

    Raises:
        DamagedFile: If it cannot be read, has no row, or a line does not have a number for each column.
    """
    text = read_text(path)
    try:
        header, *rows = csv.reader(io.StringIO(text))
        numbers = [dict(zip(header, map(float, row), strict=True)) for row in rows]
    except UNREADABLE as error:
        raise unreadable(path, error) from error
    if not numbers:
        raise DamagedFile(path, "holds no rows")
    return numbers


def read_npz(path: Path, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """Read arrays of an `.npz` file.

    Args:
        path: The file.
        names: Names of the arrays, None for all.

    Raises:
        DamagedFile: If one cannot be read.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in names or arrays.files}
    # NumPy documents no complete set of errors for damaged headers.
    except Exception as error:
        raise unreadable(path, error) from error
