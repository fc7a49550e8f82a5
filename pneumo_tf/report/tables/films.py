"""The table of films and patients of each split, by class."""

from pneumo_tf.data.films import Films
from pneumo_tf.data.subtypes import subtype_groups
from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import DASH

TITLES = {"normal": "Normal", "bacteria": "Bacterial", "virus": "Viral", "pneumonia": "Pneumonia"}
"""Titles of columns by that of the group, if they differ by more than a capital."""

UNKNOWN = "Pneumonia, kind unknown"
"""Title of the films of pneumonia without a subtype, if others have one."""


def films_table(board: Board) -> Table:
    """Return a table with lines for the training, the validation and the test films."""
    films = board.films
    train, test = board.source.sides
    splits = {train: films.where(lambda film: film.split == "train")}
    ranked = next((row for row in board.rows if row.ranked), None)
    if ranked is not None:
        validation = frozenset(ranked.validation[0].ids)
        splits[f"validation, from the {train}"] = films.where(lambda film: film.id in validation)
    splits[test] = films.where(lambda film: film.split == "test")
    groups = subtype_groups(films)
    lines = []
    for name, part in splits.items():
        patients = f"{len({film.patient for film in part}):,}" if films.patients_known else DASH
        counts = (f"{group.among(part).sum():,}" for group in groups)
        lines.append((name, f"{len(part):,}", patients, *counts))
    return Table(("Split", "Films", "Patients", *_titles(films)), lines)


def _titles(films: Films) -> list[str]:
    groups = subtype_groups(films)
    titles = {group.title: TITLES.get(group.title, group.title.capitalize()) for group in groups}
    if sum(group.label for group in groups) > 1 and "pneumonia" in titles:
        titles["pneumonia"] = UNKNOWN
    return list(titles.values())
