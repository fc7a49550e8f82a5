"""Warnings of damaged films that could still be decoded, stored next to the cache of decoded films."""

import json
from collections.abc import Mapping
from pathlib import Path

from pneumo_tf.atomic import write_atomically
from pneumo_tf.data.datasets.dataset import Dataset


def read_faults(cache: Path, dataset: Dataset) -> dict[str, str]:
    """Return the warning of the decoder for each damaged film that any process has decoded so far."""
    try:
        faults = json.loads(_file(cache, dataset).read_text("utf-8"))
        return {film_id: str(fault) for film_id, fault in faults.items()}
    except (OSError, ValueError, AttributeError):
        # Warnings are only shown to the reader, so a missing or damaged file must not stop a run.
        return {}


def add_faults(cache: Path, dataset: Dataset, faults: Mapping[str, str]) -> None:
    """Add warnings of the decoder, by film id, to those already stored.

    Raises:
        UserError: If the file cannot be written.
    """
    if faults:
        known = read_faults(cache, dataset)
        write_atomically(_file(cache, dataset), json.dumps(known | dict(faults), sort_keys=True))


def describe_faults(faults: Mapping[str, str], total: int) -> str:
    """Describe damaged films in one sentence.

    Args:
        faults: Warnings by film id, at least one.
        total: Number of all films.
    """
    first = min(faults)
    return (
        f"{len(faults):,} of {total:,} films are damaged and were decoded as far as possible, "
        f"such as {first} ({faults[first]}); `python -m benchmarks.audit` names them"
    )


def _file(cache: Path, dataset: Dataset) -> Path:
    return cache / f"faults-{dataset.films.fingerprint}.json"
