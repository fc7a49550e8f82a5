"""A division of films into sides."""

from collections.abc import Iterable
from dataclasses import dataclass

from pneumo_tf.data.films import Film


@dataclass(frozen=True)
class Split:
    """Film ids of each side, sorted; no patient is on two sides under a protocol that ranks.

    Args:
        train: Films that weights are fitted to.
        validation: Films that epochs and thresholds are chosen on.
        test: Films that results are reported on.
        held_out: Films of a fold that its model scores once, after training; none without folds.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    held_out: tuple[str, ...] = ()

    @property
    def scored(self) -> dict[str, tuple[str, ...]]:
        """Film ids of the sides that a run predicts, by name: all that are not trained on."""
        sides = {"validation": self.validation, "test": self.test, "held_out": self.held_out}
        return {name: ids for name, ids in sides.items() if ids}


def sorted_ids(films: Iterable[Film]) -> tuple[str, ...]:
    """Return the ids of films in the order of a split."""
    return tuple(sorted(film.id for film in films))
