"""Figure of sample films of the dataset, as a model receives them."""

from collections.abc import Iterator

from pneumo_tf.report.board import Board
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.overlay import Explained, draw_film, explained
from pneumo_tf.report.figures.picture import Picture

COLUMNS, MOST_FILMS = 5, 10


def sample_films(board: Board) -> list[Explained]:
    """Return the films that every recipe explains, at the largest input size; normal ones first."""
    sets = [[film for film in explained(row) if film.common] for row in board.rows]
    largest = max(sets, key=lambda films: max((film.pixels.size for film in films), default=0), default=[])
    return sorted(largest, key=lambda film: film.label)[:MOST_FILMS]


def draw_sample_films(board: Board) -> Iterator[Picture]:
    """Draw up to ten films with their true labels."""
    films = sample_films(board)
    if not films:
        return
    columns = min(COLUMNS, len(films))
    figure, axes = style.page(
        style.rows_for(len(films), columns),
        columns,
        (1.65, 1.65),
        (0.08, 0.45),
        style.Margins(0.1, 0.1, 0.7, 0.3),
    )
    for ax, film in zip(axes.flat, films, strict=False):
        draw_film(ax, film.pixels)
        ax.set_title(film.caption, color=film.color, weight="bold")
        ax.set_xlabel(style.stem(film.id, 27), size=6.5, labelpad=2)
    style.drop(axes.flat[len(films) :])
    style.heading(figure, "Sample films", f"{board.title} · test films")
    yield Picture(
        "samples",
        "Test films that every recipe explains, with the label of the source, resized as a model "
        "receives them.",
        figure,
    )
