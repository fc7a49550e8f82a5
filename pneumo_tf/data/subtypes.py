"""Subtypes of films, in the order of tables and figures; sets may have any subtypes."""

from collections import Counter
from typing import NamedTuple

import numpy as np

from pneumo_tf.data.films import CLASSES, Films

KNOWN_SUBTYPES = {"normal": 0, "bacteria": 1, "virus": 1, "pneumonia": 1}
"""Label of the usual subtypes, in the order of tables and figures."""

MAX_GROUPS = 5
"""Groups per class; if a class has more subtypes, the rarest form one group."""


class SubtypeGroup(NamedTuple):
    """A subtype of a class, or the rarest subtypes of a class together.

    Args:
        name: Name, such as `"virus"`, `"covid"` or `"3 others"`.
        label: 0 normal, 1 pneumonia.
        subtypes: Names of the subtypes.
    """

    name: str
    label: int
    subtypes: tuple[str, ...]

    @property
    def title(self) -> str:
        """The name; with the class before it, as `"pneumonia (covid)"`, unless it is in `KNOWN_SUBTYPES`."""
        return (
            self.name
            if KNOWN_SUBTYPES.get(self.name) == self.label
            else f"{CLASSES[self.label]} ({self.name})"
        )

    def among(self, films: Films) -> np.ndarray:
        """Return which films belong to the group, (n,) bool."""
        return np.array([film.label == self.label and film.subtype in self.subtypes for film in films], bool)


def named_subtype(label: int, subtype: str) -> str:
    """Return a subtype if it is in `KNOWN_SUBTYPES`, otherwise the name of the class."""
    return subtype if KNOWN_SUBTYPES.get(subtype) == label else CLASSES[label]


def subtype_groups(films: Films) -> tuple[SubtypeGroup, ...]:
    """Return the groups of films: normal before pneumonia, `KNOWN_SUBTYPES` first, then by number of films.

    If a class has more than `MAX_GROUPS` subtypes, the rarest form one group.
    """
    groups: list[SubtypeGroup] = []
    for label in range(len(CLASSES)):
        counts = Counter(film.subtype for film in films if film.label == label)
        order = sorted(counts, key=lambda name: (_place(label, name), -counts[name], name))
        shown = order if len(order) <= MAX_GROUPS else order[: MAX_GROUPS - 1]
        groups += [SubtypeGroup(name, label, (name,)) for name in shown]
        if rest := tuple(order[len(shown) :]):
            groups.append(SubtypeGroup(f"{len(rest)} others", label, rest))
    return tuple(groups)


def _place(label: int, subtype: str) -> int:
    """Return the position of a subtype in `KNOWN_SUBTYPES`; all others come after these."""
    return (
        list(KNOWN_SUBTYPES).index(subtype) if KNOWN_SUBTYPES.get(subtype) == label else len(KNOWN_SUBTYPES)
    )
