"""Initial weights of a suite: the file of each architecture, and the lines to log about missing ones."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pneumo_tf.errors import UserError, unknown
from pneumo_tf.failures import FAILURES, RunFailure
from pneumo_tf.models.architecture import Weights
from pneumo_tf.models.registry import ARCHITECTURES, architecture
from pneumo_tf.models.weights_file import (
    HostUnreachable,
    Progress,
    check_recorded,
    digest,
    fetch,
    find,
    recorded_checksum,
)
from pneumo_tf.recipe import Recipe

NOT_IN_A_DRY_RUN = "a dry run downloads nothing"
NOT_FOR_SYNTHETIC = "nothing is downloaded for synthetic films"


@dataclass(frozen=True)
class Resolved:
    """The initial weights of a recipe.

    Args:
        stored: Entry in the run's spec.
        file: Weights file; None for random weights, and if the file is missing.
        note: Note for the board.
        failure: Reason why the recipe cannot be run, None if it can.
    """

    stored: str
    file: Path | None = None
    note: str = ""
    failure: RunFailure | None = None


class InitialWeights:
    """Initial weights of recipes: the file of each architecture is found or downloaded once.

    Args:
        wanted: Value of `--weights`.
        required: Whether a recipe whose file is missing fails instead of starting from random weights. Always
            true if `wanted` requests ImageNet weights or a file.
        synthetic: Whether the films are synthetic: no file is downloaded for them unless it was requested.
        dry_run: Whether to download nothing at all.
        progress: Progress callback of downloads.

    Raises:
        UserError: If `wanted` does not exist, or is a file of no known architecture.
    """

    def __init__(
        self, wanted: str, *, required: bool, synthetic: bool, dry_run: bool, progress: Progress | None
    ) -> None:
        self._given = None if wanted in ("auto", "imagenet", "random") else Path(wanted)
        if self._given and not self._given.exists():
            raise UserError(f"--weights {wanted}: no such file or folder; or use auto, imagenet or random")
        names = [entry.weights.file for entry in ARCHITECTURES.values() if entry.weights]
        if self._given and self._given.is_file() and self._given.name not in names:
            raise unknown("weights file", self._given.name, names)
        self._random = wanted == "random"
        self._required = required or wanted != "auto"
        self._progress = progress
        self._no_download = NOT_IN_A_DRY_RUN if dry_run else ""
        if synthetic and wanted == "auto":
            self._no_download = NOT_FOR_SYNTHETIC
        self._resolved: dict[str, Resolved] = {}
        self._unreachable: dict[str, str] = {}
        self._replaced: dict[str, list[str]] = defaultdict(list)
        self._to_download: list[str] = []
        self._recorded: list[str] = []

    def resolve(self, recipe: Recipe) -> Resolved:
        """Return the initial weights of a recipe."""
        if not recipe.phases:
            return Resolved("none")
        if recipe.initial == "random":
            return Resolved("random")
        if self._random:
            note = "random initial weights instead of ImageNet's, as requested (--weights random)"
            return Resolved("random", note=note)
        name = recipe.architecture
        if name not in self._resolved:
            self._resolved[name] = self._resolve(name, architecture(name).weights)
        return self._resolved[name]

    def _resolve(self, name: str, weights: Weights) -> Resolved:
        file = find(weights, self._given)
        try:
            if file is None and self._no_download:
                return self._not_here(name)
            if file is None:
                file = self._fetch(weights)
            check_recorded(file, weights)
        except UserError as error:
            return self._missing(name, weights, error)
        return Resolved(f"imagenet {digest(file)}", file)

    def _fetch(self, weights: Weights) -> Path:
        host = urlsplit(weights.url).netloc
        if host in self._unreachable:
            raise HostUnreachable(weights.url, self._unreachable[host])
        try:
            file = fetch(weights, self._progress)
        except HostUnreachable as error:
            self._unreachable[host] = error.reason
            raise
        if weights.checksum is None:
            self._recorded.append(
                f"{file.name} has no published checksum; the SHA-256 of this download is stored next to it "
                f"and checked from now on: {recorded_checksum(file)}"
            )
        return file

    def _not_here(self, name: str) -> Resolved:
        """Resolve weights that are missing and must not be downloaded."""
        if self._required:
            self._to_download.append(name)
            return Resolved("imagenet")
        return self._at_random(name, f"not on this machine; {self._no_download}")

    def _missing(self, name: str, weights: Weights, error: UserError) -> Resolved:
        """Resolve weights that are missing and cannot be downloaded, or are damaged."""
        if self._required:
            failure = RunFailure("weights-missing", f"{weights.file}: {error}")
            return Resolved("imagenet", failure=failure)
        if isinstance(error, HostUnreachable):
            return self._at_random(name, f"{urlsplit(weights.url).netloc} cannot be reached: {error.reason}")
        return self._at_random(name, str(error))

    def _at_random(self, name: str, why: str) -> Resolved:
        self._replaced[why].append(name)
        return Resolved("random", note="random initial weights: ImageNet's were not on this machine")

    @property
    def lines(self) -> list[str]:
        """Lines to log."""
        lines = [
            f"RANDOM INITIAL WEIGHTS for {', '.join(names)}: ImageNet's are missing ({why}). "
            "The board notes it. To use ImageNet's: --weights imagenet, or --weights FOLDER."
            for why, names in self._replaced.items()
        ]
        failed = {name: found.failure for name, found in self._resolved.items() if found.failure}
        lines += [f"NO INITIAL WEIGHTS for {name}: {failure.reason}" for name, failure in failed.items()]
        if failed:
            lines.append(
                f"runs that need them fail, the others continue: {FAILURES['weights-missing'].remedy}"
            )
        if self._to_download:
            lines.append(
                f"initial weights of {', '.join(self._to_download)} are not on this machine; "
                f"{NOT_IN_A_DRY_RUN}, and runs whose weights cannot be downloaded fail"
            )
        return lines + self._recorded
