"""Files that are whole or not there."""

import contextlib
import os
from pathlib import Path

from pneumo_tf.errors import UserError


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replaces a file so that a reader, or a crash, sees the old content or the new, never a part.

    Raises:
        UserError: Where the place cannot be written, or the disk is full.
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
