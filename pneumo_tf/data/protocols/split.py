"""A division of films into training, validation, test and held-out films."""

from collections.abc import Iterable
from dataclasses import dataclass

from pneumo_tf.data.films import Film


@dataclass(frozen=True)
class Split:
    """Sorted film ids of each side; under a protocol that ranks, no patient is on two sides.

    Args:
        train: Films that weights are fitted to.
        validation: Films that epochs and thresholds are chosen on.
        test: Films that results are reported on.
        held_out: Films of the fold, scored once after training; none without folds.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    held_out: tuple[str, ...] = ()

    @property
    def scored(self) -> dict[str, tuple[str, ...]]:
        """Film ids of the sides that a run scores, by name: all except the training films."""
        sides = {"validation": self.validation, "test": self.test, "held_out": self.held_out}
        return {name: ids for name, ids in sides.items() if ids}


def sorted_ids(films: Iterable[Film]) -> tuple[str, ...]:
    """Return the sorted ids of films."""
    return tuple(sorted(film.id for film in films))
