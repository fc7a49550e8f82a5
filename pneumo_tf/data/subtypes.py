"""Subtypes of films, of any names and in any number, in the order in which tables and figures show them."""

from collections import Counter
from typing import NamedTuple

import numpy as np

from pneumo_tf.data.films import CLASSES, Films

NAMED = {"normal": 0, "bacteria": 1, "virus": 1, "pneumonia": 1}
"""Subtypes that the project knows by name, with their label, in reading order."""

MOST = 5
"""Subtypes of a class that are shown one by one; the rarer ones are taken together."""


class SubtypeGroup(NamedTuple):
    """A subtype within its class, or the rare subtypes of a class together.

    Args:
        name: `"virus"`, `"covid"`, `"3 others"`.
        label: 0 normal, 1 pneumonia.
        subtypes: Names of the subtypes.
    """

    name: str
    label: int
    subtypes: tuple[str, ...]

    @property
    def title(self) -> str:
        """The name, after that of the class unless it is one of `NAMED`: `"pneumonia (covid)"`."""
        return self.name if NAMED.get(self.name) == self.label else f"{CLASSES[self.label]} ({self.name})"

    def among(self, films: Films) -> np.ndarray:
        """Return which films are of the group, (n,) bool."""
        return np.array([film.label == self.label and film.subtype in self.subtypes for film in films], bool)


def named_subtype(label: int, subtype: str) -> str:
    """Return a subtype if it is one of `NAMED`, and otherwise the name of the class."""
    return subtype if NAMED.get(subtype) == label else CLASSES[label]


def subtype_groups(films: Films) -> tuple[SubtypeGroup, ...]:
    """Return the subtypes of films, normal ones first; those of `NAMED` before others, frequent before rare.

    A class of more than `MOST` subtypes has the rarest in one group.
    """
    groups: list[SubtypeGroup] = []
    for label in range(len(CLASSES)):
        counts = Counter(film.subtype for film in films if film.label == label)
        order = sorted(counts, key=lambda name: (_place(label, name), -counts[name], name))
        shown = order if len(order) <= MOST else order[: MOST - 1]
        groups += [SubtypeGroup(name, label, (name,)) for name in shown]
        if rest := tuple(order[len(shown) :]):
            groups.append(SubtypeGroup(f"{len(rest)} others", label, rest))
    return tuple(groups)


def _place(label: int, subtype: str) -> int:
    """Return the place of a subtype in `NAMED`; all others come after."""
    return list(NAMED).index(subtype) if NAMED.get(subtype) == label else len(NAMED)
