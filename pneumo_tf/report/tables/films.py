"""The table of films and patients of each split, by class."""

from pneumo_tf.data.films import Films
from pneumo_tf.data.subtypes import subtype_groups
from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import Table

TITLES = {"normal": "Normal", "bacteria": "Bacterial", "virus": "Viral", "pneumonia": "Pneumonia"}
"""Titles of columns by that of the group, if they differ by more than a capital."""

UNKNOWN = "Pneumonia, kind unknown"
"""Title of the films of pneumonia without a subtype, if others have one."""


def films_table(board: Board) -> Table:
    """Return a table with lines for the train folder, its validation films and the test folder."""
    films = board.films
    splits = {"train folder": films.where(lambda film: film.split == "train")}
    ranked = next((row for row in board.rows if row.ranked), None)
    if ranked is not None:
        validation = frozenset(ranked.validation[0].ids)
        splits["validation, from the train folder"] = films.where(lambda film: film.id in validation)
    splits["test folder"] = films.where(lambda film: film.split == "test")
    groups = subtype_groups(films)
    lines = []
    for name, part in splits.items():
        counts = (int(group.among(part).sum()) for group in groups)
        numbers = (len(part), len({film.patient for film in part}), *counts)
        lines.append((name, *(f"{number:,}" for number in numbers)))
    return Table(("Split", "Films", "Patients", *_titles(films)), lines)


def _titles(films: Films) -> list[str]:
    groups = subtype_groups(films)
    titles = {group.title: TITLES.get(group.title, group.title.capitalize()) for group in groups}
    if sum(group.label for group in groups) > 1 and "pneumonia" in titles:
        titles["pneumonia"] = UNKNOWN
    return list(titles.values())
