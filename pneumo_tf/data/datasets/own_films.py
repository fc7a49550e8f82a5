"""A user's own films in class folders or a CSV: patients, choice of test films, protocols and licence."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from pneumo_tf.data.datasets.reading_options import ReadingOptions
from pneumo_tf.data.films import CLASSES, Films, unknown_patient
from pneumo_tf.data.image_files import Header
from pneumo_tf.data.patients import sample_patients
from pneumo_tf.errors import UserError

TEST_FRACTION = 0.2
"""Fraction of the films of each subtype that become test films by default."""

ALL_FILMS = 1.0
"""Fraction of test films of an external set, on which no run is trained."""

PROTOCOLS = ("official", "cv5", "published-pooled", "published-test-selected")
"""Protocols that any training and test set can be divided by."""

LICENCE = "not stated"

NOTICE = "The user's own films: their source and licence are unknown to the suite."


def patient_key(film_id: str, header: Header, options: ReadingOptions, stated: str = "") -> str:
    """Return the patient's key, from the user's regular expression, the table or the file, in this order.

    Args:
        film_id: Id of the film.
        header: Header of its file, which may contain a patient (DICOM).
        options: Options of the user, perhaps with a regular expression for the patient.
        stated: Patient in a table, `""` if there is none.
    """
    return options.patient_of(film_id) or stated or header.fields.get("patient") or unknown_patient(film_id)


def header_covariates(film_id: str, header: Header) -> dict[str, str]:
    """Return age, sex and view as far as the film's file states them."""
    return {name: value for name, value in header.fields.items() if name != "patient"}


def describe_classes(options: ReadingOptions) -> tuple[str, ...]:
    """Describe the classes if the user names them: pages write normal and pneumonia for any of them."""
    if not options.classes:
        return ()
    named = (
        f"{label} stands for {' and '.join(name for name, of in options.classes.items() if of == label)}"
        for label in CLASSES
    )
    return (f"Classes by --classes: {'; '.join(named)}.",)


def choose_test(stated: str, fraction: float | None) -> tuple[Callable[[Films], Films], tuple[str, ...]]:
    """Choose how films are assigned to the training and the test set.

    Args:
        stated: Where the source states its test films, such as a column; `""` if it states none.
        fraction: Fraction of the films that the user wants as test films, None for the default; `ALL_FILMS`
            for films that are only scored, even if the source states a split.

    Returns:
        The `complete` of a `FilmList`, and its notes.

    Raises:
        UserError: If the source states test films and the user wants a fraction.
    """
    if fraction == ALL_FILMS:
        return _as_test, ()
    if stated:
        if fraction is not None:
            raise UserError(f"the test films are stated in {stated}; leave out --test")
        return _as_stated, ()
    fraction = fraction or TEST_FRACTION
    note = (
        f"The films have no stated test set: {100 * fraction:g} % of each subtype were sampled as test "
        "films, all films of a patient together."
    )
    return partial(sample_test, fraction=fraction), (note,)


def sample_test(films: Films, fraction: float) -> Films:
    """Return a table in which a fraction of the films are test films, and the others are training films.

    All films of a patient go to the same side. The fixed random order depends only on the patients' keys.

    Args:
        films: Every film; existing splits are replaced.
        fraction: Fraction of the films of each subtype, between 0 and 1.
    """
    tested = sample_patients(films.rows, fraction, "test")
    rows = (film._replace(split="test" if film.patient in tested else "train") for film in films)
    return replace(films, rows=tuple(rows))


def _as_test(films: Films) -> Films:
    return replace(films, rows=tuple(film._replace(split="test") for film in films))


def _as_stated(films: Films) -> Films:
    return films
