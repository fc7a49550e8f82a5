"""Initial weights of a suite: the file of each architecture, and what has to be logged about it."""

from pathlib import Path

from pneumo_tf.errors import UserError, unknown
from pneumo_tf.models.registry import ARCHITECTURES, architecture
from pneumo_tf.models.weights_file import Progress, fetch, find
from pneumo_tf.recipe import Recipe

NOT_FOR_SYNTHETIC = "nothing is downloaded for synthetic films"


class InitialWeights:
    """Finds the file of each architecture once, and remembers what has to be said."""

    def __init__(self, wanted: str, *, without_download: str | None, progress: Progress | None) -> None:
        self.given = None if wanted in ("auto", "imagenet", "random") else Path(wanted)
        if self.given and not self.given.exists():
            raise UserError(f"--weights {wanted}: no such file or folder; or use auto, imagenet or random")
        names = [entry.weights.file for entry in ARCHITECTURES.values() if entry.weights]
        if self.given and self.given.is_file() and self.given.name not in names:
            raise unknown("weights file", self.given.name, names)
        self.wanted, self.without_download, self.progress = wanted, without_download, progress
        self.files: dict[str, Path | None] = {}
        self.offline: str | None = None
        self.lacking: list[str] = []

    def resolve(self, recipe: Recipe) -> tuple[Path | None, str]:
        """Gives the file, or None and the note that belongs on the board."""
        if recipe.initial == "random" or not recipe.phases:
            return None, ""
        if self.wanted == "random":
            return None, "random initial weights instead of ImageNet's, as asked (--weights random)"
        name = recipe.architecture
        if name not in self.files:
            self.files[name] = self._locate(name)
        if self.files[name] is None:
            return None, "random initial weights: ImageNet's were not on this machine"
        return self.files[name], ""

    def _locate(self, name: str) -> Path | None:
        weights = architecture(name).weights
        file = find(weights, self.given)
        dry = self.without_download and self.without_download != NOT_FOR_SYNTHETIC
        if file or dry or (self.wanted == "auto" and (self.without_download or self.offline)):
            self.lacking += [] if file else [name]
            return file
        try:
            return fetch(weights, self.progress)
        except UserError as error:
            if self.wanted != "auto":
                raise UserError(f"{error}; or start from random weights: --weights random") from error
            self.offline = str(error)
            self.lacking.append(name)
            return None

    @property
    def said(self) -> list[str]:
        """Lines for the terminal."""
        if not self.lacking:
            return []
        why = self.offline or f"not on this machine; {self.without_download}"
        return [
            f"RANDOM INITIAL WEIGHTS for {', '.join(self.lacking)}: ImageNet's are missing ({why}). "
            "The board says so. To have them: --weights imagenet, or --weights FOLDER."
        ]
