"""The table of films and patients of each split, by class."""

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
    films = board.films.to_frame()
    splits = {"train folder": films[films["split"] == "train"]}
    ranked = next((row for row in board.rows if row.ranked), None)
    if ranked is not None:
        splits["of it, validation"] = films.iloc[board.films.indices(ranked.validation[0].ids)]
    splits["test folder"] = films[films["split"] == "test"]
    subtypes = [subtype for subtype in SUBTYPES if (films["subtype"] == subtype).any()]
    lines = []
    for name, part in splits.items():
        counts = part["subtype"].value_counts().reindex(subtypes, fill_value=0)
        numbers = (len(part), part["patient"].nunique(), *counts)
        lines.append((name, *(f"{number:,}" for number in numbers)))
    return Table(("Split", "Films", "Patients", *(SUBTYPES[subtype] for subtype in subtypes)), lines)
