"""What sources of a user's own films have in common: patients, test films, protocols and licence."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from pneumo_tf.data.datasets.reading_options import ReadingOptions
from pneumo_tf.data.films import Films, unknown_patient
from pneumo_tf.data.image_files import Header
from pneumo_tf.data.patients import sample_patients
from pneumo_tf.errors import UserError

TEST_FRACTION = 0.2
"""Fraction of the films of each subtype that are test films if the user states no other."""

EVERY = 1.0
"""Fraction of test films of a set that no run is trained on."""

PROTOCOLS = ("official", "cv5", "published-pooled", "published-test-selected")
"""Protocols that need nothing but a training and a test set."""

LICENCE = "not stated"

NOTICE = "Films of the user's own: the suite does not know their source and licence."


def patient_key(film_id: str, header: Header, options: ReadingOptions, stated: str = "") -> str:
    """Return the patient: as the user's expression finds it, as a table states it, or as the file does.

    Args:
        film_id: Of the film.
        header: Of its file, which may state a patient (DICOM).
        options: With the expression.
        stated: By a table, `""` if it states none.
    """
    return options.patient_of(film_id) or stated or header.fields.get("patient") or unknown_patient(film_id)


def header_covariates(film_id: str, header: Header) -> dict[str, str]:
    """Return what a film's own file states of age, sex and view."""
    return {name: value for name, value in header.fields.items() if name != "patient"}


def choose_test(stated: str, fraction: float | None) -> tuple[Callable[[Films], Films], tuple[str, ...]]:
    """Choose how films get their split.

    Args:
        stated: Place in which the source states its test films, `""` if it states none.
        fraction: Fraction of the films that the user wants for the test, None for the usual one; `EVERY` for
            films that are only scored, whatever split is stated.

    Returns:
        The `complete` of a `FilmList`, and its notes.

    Raises:
        UserError: If both state a test set.
    """
    if fraction == EVERY:
        return _as_test, ()
    if stated:
        if fraction is not None:
            raise UserError(f"the test films are stated in {stated}; leave out --test")
        return _as_stated, ()
    fraction = fraction or TEST_FRACTION
    note = (
        f"No test films are stated: {100 * fraction:g} % of the films of each subtype were sampled for the "
        "test, patients taken whole."
    )
    return partial(sample_test, fraction=fraction), (note,)


def sample_test(films: Films, fraction: float) -> Films:
    """Return a table in which a fraction of the films are test films, and the others are training films.

    Patients are taken whole, in a fixed random order that depends on their keys alone.

    Args:
        films: Every film; splits that it has are replaced.
        fraction: Of the films of each subtype, between 0 and 1.
    """
    tested = sample_patients(films.rows, fraction, "test")
    rows = (film._replace(split="test" if film.patient in tested else "train") for film in films)
    return replace(films, rows=tuple(rows))


def _as_test(films: Films) -> Films:
    return replace(films, rows=tuple(film._replace(split="test") for film in films))


def _as_stated(films: Films) -> Films:
    return films
