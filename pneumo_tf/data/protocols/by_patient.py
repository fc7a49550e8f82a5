"""Protocols that divide by whole patients; no run uses the films that it reports on for training."""

from collections.abc import Sequence

from pneumo_tf.data.films import Film, Films
from pneumo_tf.data.patients import distribute_patients, sample_patients
from pneumo_tf.data.protocols.split import Split, sorted_ids
from pneumo_tf.errors import UserError

VALIDATION_FRACTION = 0.15
"""Fraction of each subtype, of the films that are not held out, that epochs are chosen on."""

FOLDS = 5


def split_official(films: Films, fold: int | None = None) -> Split:
    """Keep the test films of the source, and take validation out of its training films by patient.

    Args:
        films: Every film.
        fold: Not used: there is one split.

    Returns:
        15 % of the training films of each subtype in validation, whole patients only.

    Raises:
        UserError: If a patient has films in train and test, or a side would lack a class.
    """
    source, test = _source_sides(films)
    chosen_on = sample_patients(source, VALIDATION_FRACTION, "official")
    return _divide(source, test, "at least two patients of each class are needed in train", chosen_on)


def split_cv5(films: Films, fold: int | None = None) -> Split:
    """Hold out one fifth of the source's training films by patient, and choose on a part of the others.

    Args:
        films: Every film.
        fold: 0 to 4.

    Returns:
        The fifth in `held_out`; 15 % of the films of each subtype of the other four in validation. Over the
        folds every training film of the source is held out exactly once. The test films are the source's.

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
    """Return training and test films of the source, which must not share a patient."""
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
    """Put patients on their sides, each of which must have both classes."""
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
