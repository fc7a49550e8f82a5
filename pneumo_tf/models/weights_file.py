"""Files of initial weights: search, download and checksums, without TensorFlow."""

import hashlib
import os
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError, URLError

from pneumo_tf.atomic import write_atomically
from pneumo_tf.errors import UserError
from pneumo_tf.models.architecture import Weights

TIMEOUT_SECONDS = 10.0

Progress = Callable[[int, int], None]


class HostUnreachable(UserError):
    """Error for a host without a connection, from which no other file can be downloaded either.

    Args:
        url: Address of the file.
        reason: Why there is no connection.
    """

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"cannot download {url}: {reason}")
        self.reason = reason


def keras_models_folder() -> Path:
    """Return the folder where Keras keeps weights: `$KERAS_HOME/models`, by default `~/.keras/models`."""
    return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"


def find(weights: Weights, given: Path | None = None) -> Path | None:
    """Find a weights file on this machine.

    Args:
        weights: Registry entry of the file.
        given: Folder to look into first, or the file itself.

    Returns:
        Path of the file, None if it is not on this machine.
    """
    places = [
        given / weights.file if given and given.is_dir() else given,
        keras_models_folder() / weights.file,
    ]
    return next((p for p in places if p is not None and p.name == weights.file and p.is_file()), None)


def fetch(weights: Weights, progress: Progress | None = None) -> Path:
    """Download a weights file to the folder where Keras keeps such files.

    If it has no published checksum, that of the first download is stored next to it.

    Args:
        weights: Registry entry of the file.
        progress: Called with bytes done and bytes in all (0 if unknown).

    Returns:
        Path of the file, which exists only once it is complete and its checksum is correct.

    Raises:
        HostUnreachable: If its host cannot be reached.
        UserError: If the host refuses the file, the checksum is wrong, or the folder cannot be written.
    """
    path = keras_models_folder() / weights.file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _fetch_to(path, weights, progress)
    except OSError as error:
        reason = str(getattr(error, "reason", None) or error.strerror or error)
        if _is_of_connection(error):
            raise HostUnreachable(weights.url, reason) from error
        raise UserError(f"cannot download {weights.url}: {reason}") from error
    return path


def check_recorded(path: Path, weights: Weights) -> None:
    """Compare a file with the checksum of its first download, if one was stored next to it.

    Raises:
        UserError: If they differ.
    """
    recorded = recorded_checksum(path)
    if weights.checksum is None and recorded is not None and sha256(path) != recorded:
        raise UserError(
            f"{path} is not the file that was downloaded first: its SHA-256 is not the one in "
            f"{_record(path).name}; remove both to download it again"
        )


def recorded_checksum(path: Path) -> str | None:
    """Return the SHA-256 that was recorded when a file was first downloaded, None if there is none."""
    record = _record(path)
    return record.read_text("utf-8").partition(" ")[0].strip() if record.is_file() else None


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(path: Path) -> str:
    """Return the first 12 hex digits of a file's SHA-256, which identify initial weights in a run's spec."""
    return sha256(path)[:12]


def _record(path: Path) -> Path:
    """Return the path of a file's recorded checksum, in the format of `sha256sum -c`."""
    return path.with_name(f"{path.name}.sha256")


def _fetch_to(path: Path, weights: Weights, progress: Progress | None) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        _download(weights.url, partial, progress)
        _check(partial, weights, path)
        if weights.checksum is None:
            write_atomically(_record(path), f"{sha256(partial)}  {path.name}\n")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _download(url: str, target: Path, progress: Progress | None) -> None:
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as source, target.open("wb") as file:
        total, done = int(source.headers.get("Content-Length") or 0), 0
        while block := source.read(1 << 20):
            file.write(block)
            done += len(block)
            if progress:
                progress(done, total)
    if total and done != total:
        raise UserError(f"the download of {url} was interrupted; start it again")


def _is_of_connection(error: OSError) -> bool:
    """Return whether the host was not reached; an HTTP status means that it was."""
    return isinstance(error, URLError | ConnectionError | TimeoutError) and not isinstance(error, HTTPError)


def _check(download: Path, weights: Weights, path: Path) -> None:
    """Compare a download with the published checksum, or if there is none, with that of the first one."""
    recorded = recorded_checksum(path)
    if weights.checksum is not None:
        kind, _, wanted = weights.checksum.partition(":")
        expected = "the published file"
    elif recorded is not None:
        kind, wanted = "sha256", recorded
        expected = f"the file of the first download (remove {_record(path)} to accept it)"
    else:
        return
    with download.open("rb") as file:
        found = hashlib.file_digest(file, kind).hexdigest()
    if found != wanted:
        raise UserError(f"{weights.url} has {kind} {found}, not {wanted}; it is not {expected}")
