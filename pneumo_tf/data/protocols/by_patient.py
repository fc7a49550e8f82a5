"""Protocols that divide by patient; no run trains or chooses on the films that it reports on."""

from collections.abc import Sequence

from pneumo_tf.data.films import Film, Films
from pneumo_tf.data.patients import distribute_patients, sample_patients
from pneumo_tf.data.protocols.split import Split, sorted_ids
from pneumo_tf.errors import UserError

VALIDATION_FRACTION = 0.15
"""Fraction of the films of each subtype, after hold-out, that become validation films."""

FOLDS = 5


def split_official(films: Films, fold: int | None = None) -> Split:
    """Test on the test films of the source; take validation films from its training films, by patient.

    Args:
        films: Every film.
        fold: Not used; there is only one split.

    Returns:
        The split, with 15 % of the training films of each subtype in validation.

    Raises:
        UserError: If a patient has films in train and test, or a side would lack a class.
    """
    source, test = _source_sides(films)
    chosen_on = sample_patients(source, VALIDATION_FRACTION, "official")
    return _divide(source, test, "at least two patients of each class are needed in train", chosen_on)


def split_cv5(films: Films, fold: int | None = None) -> Split:
    """Hold out a fifth of the source's training films by patient, and validate on 15 % of the others.

    Args:
        films: Every film.
        fold: 0 to 4.

    Returns:
        The split, with the fifth in `held_out` and the test films of the source. Over the folds, every
        training film of the source is held out exactly once.

    Raises:
        UserError: If a patient has films in train and test, or a side would lack a class.
    """
    source, test = _source_sides(films)
    held_out = distribute_patients(source, FOLDS, "cv5")[fold]
    others = [film for film in source if film.patient not in held_out]
    chosen_on = sample_patients(others, VALIDATION_FRACTION, f"cv5 fold {fold}")
    needed = f"{FOLDS} folds need more patients of each class in train"
    return _divide(source, test, needed, chosen_on, held_out)


def _source_sides(films: Films) -> tuple[list[Film], list[Film]]:
    """Return training and test films of the source; raise if they share a patient."""
    source = [film for film in films if film.split == "train"]
    test = [film for film in films if film.split == "test"]
    both = sorted({film.patient for film in source} & {film.patient for film in test})
    if both:
        raise UserError(
            f"patients with films in train and in test: {len(both):,}, such as {both[0]!r}; "
            "remove them from one, or state the patients of your own films with --patient"
        )
    return source, test


def _divide(
    source: Sequence[Film],
    test: Sequence[Film],
    needed: str,
    chosen_on: set[str],
    held_out: set[str] | None = None,
) -> Split:
    """Create the split from the patients of each side; raise if a side lacks a class."""
    out = held_out or set()
    sides = {
        "train": [film for film in source if film.patient not in chosen_on | out],
        "validation": [film for film in source if film.patient in chosen_on],
        "test": test,
    }
    if held_out is not None:
        sides["held_out"] = [film for film in source if film.patient in out]
    for side, members in sides.items():
        if {film.label for film in members} != {0, 1}:
            raise UserError(f"{side.replace('_', '-')} would lack a class; {needed}")
    return Split(**{side: sorted_ids(members) for side, members in sides.items()})
