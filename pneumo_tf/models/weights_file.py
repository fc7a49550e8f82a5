"""Files of initial weights: searched on this machine, downloaded once, checked."""

import hashlib
import os
import urllib.request
from collections.abc import Callable
from pathlib import Path

from pneumo_tf.errors import UserError
from pneumo_tf.models.architecture import Weights

TIMEOUT_SECONDS = 10.0

Progress = Callable[[int, int], None]


def keras_models_folder() -> Path:
    """Return the folder where Keras keeps weights: `$KERAS_HOME/models`, by default `~/.keras/models`."""
    return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"


def find(weights: Weights, given: Path | None = None) -> Path | None:
    """Find a weights file on this machine.

    Args:
        weights: Registry entry of the file.
        given: Folder to look into first, or the file itself.

    Returns:
        Path of the file, None if it is not here.
    """
    places = [
        given / weights.file if given and given.is_dir() else given,
        keras_models_folder() / weights.file,
    ]
    return next((p for p in places if p is not None and p.name == weights.file and p.is_file()), None)


def fetch(weights: Weights, progress: Progress | None = None) -> Path:
    """Download a weights file to the folder where Keras keeps such files.

    Args:
        weights: Registry entry of the file.
        progress: Called with bytes done and bytes in all (0 if unknown).

    Returns:
        Path of the file, which appears only when it is complete and its checksum is right.

    Raises:
        UserError: If there is no network, the checksum is wrong, or the folder cannot be written.
    """
    path = keras_models_folder() / weights.file
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            urllib.request.urlopen(weights.url, timeout=TIMEOUT_SECONDS) as source,
            partial.open("wb") as target,
        ):
            total, done = int(source.headers.get("Content-Length") or 0), 0
            while block := source.read(1 << 20):
                target.write(block)
                done += len(block)
                if progress:
                    progress(done, total)
        if total and done != total:
            raise UserError(f"the download of {weights.url} broke off; start again")
        _check(partial, weights)
        partial.replace(path)
    except OSError as error:
        reason = getattr(error, "reason", None) or error.strerror or error
        raise UserError(f"cannot download {weights.url}: {reason}") from error
    finally:
        partial.unlink(missing_ok=True)
    return path


def _check(path: Path, weights: Weights) -> None:
    if weights.checksum is None:
        return
    kind, _, wanted = weights.checksum.partition(":")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, kind).hexdigest()
    if found != wanted:
        raise UserError(f"{weights.url} has {kind} {found}, not {wanted}; it is not the published file")


def digest(path: Path) -> str:
    """Return the first 12 hex digits of a file's SHA-256: the part of a run's id for its initial weights."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]
