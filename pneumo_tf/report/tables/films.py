"""The table of films and patients of each split, by class."""

from pneumo_tf.data.films import Films
from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import Table

SUBTYPES = {
    "normal": "Normal",
    "bacteria": "Bacterial",
    "virus": "Viral",
    "pneumonia": "Pneumonia, kind unknown",
}


def films_table(board: Board) -> Table:
    """A line for the train folder, the validation films among them, and the test folder."""
    splits = {"train folder": board.films.where(lambda film: film.split == "train")}
    ranked = next((row for row in board.rows if row.ranked), None)
    if ranked is not None:
        validation = board.films.indices(ranked.validation[0].ids)
        splits["of it, validation"] = Films(tuple(board.films.rows[index] for index in validation))
    splits["test folder"] = board.films.where(lambda film: film.split == "test")
    subtypes = [subtype for subtype in SUBTYPES if any(film.subtype == subtype for film in board.films)]
    lines = [
        (
            name,
            f"{len(films):,}",
            f"{len({film.patient for film in films}):,}",
            *(f"{sum(film.subtype == subtype for film in films):,}" for subtype in subtypes),
        )
        for name, films in splits.items()
    ]
    return Table(("Split", "Films", "Patients", *(SUBTYPES[subtype] for subtype in subtypes)), lines)
