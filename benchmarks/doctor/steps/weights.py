"""Initial weights: which files are on this machine, and which hosts have the others."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.doctor.step_input import Row, StepInput
from benchmarks.suite.suites import SUITES, choose_recipes
from pneumo_tf.errors import UserError
from pneumo_tf.models.architecture import Weights
from pneumo_tf.models.registry import architecture
from pneumo_tf.models.weights_file import check_recorded, find

TIMEOUT_SECONDS = 1.5
"""Longest wait for a host."""

SUITE = next(iter(SUITES))
"""The suite that is run by default."""


def measure(step_input: StepInput) -> Iterator[Row]:
    """Find the weights files of the default suite, and check the hosts of missing ones."""
    files = {
        recipe.architecture: architecture(recipe.architecture).weights
        for recipe in choose_recipes(SUITE, None)
        if recipe.initial == "imagenet"
    }
    yield from check_files(files)


def check_files(files: dict[str, Weights]) -> Iterator[Row]:
    """Yield a row for each file, then one for each host that is needed.

    Args:
        files: Initial weights by architecture.
    """
    missing: dict[str, list[str]] = {}
    for name, weights in files.items():
        file, host = find(weights), urlsplit(weights.url).netloc
        if file is None:
            missing.setdefault(host, []).append(name)
        row: Row = {"what": name, "here": file is not None, "host": host}
        yield row | (_difference(file, weights) if file else {})
    for host, names in missing.items():
        refusal = check_host(files[names[0]].url)
        row = {"what": "files to download", "here": False, "host": host, "reachable": not refusal}
        if refusal:
            row["problem"] = (
                f"no initial weights for {', '.join(names)}: {host} cannot be reached ({refusal}); "
                "copy the files to a folder and name it: --weights FOLDER"
            )
        yield row


def _difference(file: Path, weights: Weights) -> Row:
    """Return a problem if a file differs from the one that was downloaded first."""
    try:
        check_recorded(file, weights)
    except UserError as error:
        return {"problem": str(error)}
    return {}


def check_host(url: str) -> str:
    """Request the header of a file from its host; return the reason if that fails, otherwise `""`."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=TIMEOUT_SECONDS):
            return ""
    except urllib.error.HTTPError as error:
        return f"status {error.code}"
    except OSError as error:
        return str(getattr(error, "reason", None) or error)
