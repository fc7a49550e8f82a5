"""Atomic writing of files: a file is complete or absent."""

import contextlib
import os
from pathlib import Path

from pneumo_tf.errors import UserError


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write or replace a file so that readers find either the old or the new content, even after a crash.

    Raises:
        UserError: If the folder cannot be written, or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise UserError(
            f"cannot write {path}: {error.strerror}; free space or choose another --out"
        ) from error
