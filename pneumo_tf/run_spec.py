"""Specification of a run: everything that determines its result, and the id computed from it."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pneumo_tf.recipe import Recipe

HARNESS_VERSION = 2
"""Increased by commits that change results by more than rounding, so that older runs are run again."""


@dataclass(frozen=True)
class RunSpec:
    """Specification of a run: everything that determines its result.

    Args:
        recipe: Recipe with profile and overrides applied.
        protocol: Name in `pneumo_tf.data.protocols.registry`.
        dataset: Fingerprint of the films.
        profile: `"full"`, `"quick"`, or `"custom: …"` with the options that differ.
        seed: Random seed of training (order, augmentation, dropout); the split has its own.
        fold: Number of the fold, None for a protocol without folds.
        precision: Keras dtype policy, resolved.
        weights: `"random"`, `"imagenet"` with the digest of the file, or `"imagenet"` alone if there is none.
        train_films: Number of training films used, None for all.
        harness: Version of the harness; runs stored without one are of version 1.
        xla: Whether steps are compiled with XLA, which changes rounding and dropout masks.
    """

    recipe: Recipe
    protocol: str
    dataset: str
    profile: str
    seed: int
    fold: int | None
    precision: str
    weights: str
    train_films: int | None = None
    harness: int = HARNESS_VERSION
    xla: bool = False

    @property
    def id(self) -> str:
        """Readable name and hash; runs with the same id have the same result."""
        values = self._values | {"recipe": self.recipe.distinctive()}
        if not self.xla:
            # A run without XLA keeps the id that it had before this field was added.
            del values["xla"]
        digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:10]
        fold = "" if self.fold is None else f"-fold{self.fold}"
        return f"{self.recipe.name}-{self.protocol}{fold}-seed{self.seed}-{digest}"

    def to_dict(self) -> dict[str, Any]:
        """Return the spec as JSON-ready values."""
        return self._values | {"recipe": self.recipe.to_dict()}

    @property
    def _values(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "RunSpec":
        """Rebuild a spec from `to_dict`.

        Raises:
            TypeError: If a value is not of its field's type, or a field is missing or unknown.
        """
        spec = cls(**{"harness": 1, **values, "recipe": Recipe.from_dict(values["recipe"])})
        _check_types(spec)
        return spec


def _check_types(spec: RunSpec) -> None:
    texts = (spec.protocol, spec.dataset, spec.profile, spec.precision, spec.weights, spec.recipe.name)
    wholes = (spec.seed, spec.harness, spec.fold or 0, spec.train_films or 0)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a name in it is not a text")
    if not all(isinstance(whole, int) for whole in wholes):
        raise TypeError("a number in it is not a whole number")
