"""Figure of augmented training films, one page per recipe."""

from collections.abc import Iterator

import numpy as np

from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.comparable import finished_rows
from pneumo_tf.report.figures.overlay import draw_film
from pneumo_tf.report.figures.picture import Picture

MOST_FILMS, MOST_VIEWS = 3, 5


def draw_augmented_films(board: Board) -> Iterator[Picture]:
    """Draw one page per recipe that stored augmented films."""
    for row in finished_rows(board):
        arrays = row.augmented
        if arrays and len(arrays["ids"]):
            yield _page(row, arrays)


def _page(row: Row, arrays: dict[str, np.ndarray]) -> Picture:
    originals, views = arrays["originals"][:MOST_FILMS], arrays["augmented"][:MOST_FILMS, :MOST_VIEWS]
    figure, axes = style.page(
        len(originals), 1 + views.shape[1], (1.3, 1.3), (0.06, 0.25), style.Margins(0.1, 0.1, 0.7, 0.28)
    )
    for line, original, changed, film_id in zip(axes, originals, views, arrays["ids"], strict=False):
        for ax, pixels in zip(line, (original, *changed), strict=True):
            draw_film(ax, pixels)
        line[0].set_xlabel(style.stem(str(film_id), 24), size=6, labelpad=2)
    axes[0, 0].set_title("original")
    axes[0, 1].set_title("augmented", loc="left")
    style.heading(figure, f"Augmented films: {row.name}", f"protocol {row.protocol} · training films")
    return Picture(
        f"augmented-{row.name}-{row.protocol}",
        "Training films before and after augmentation, random in each epoch. Look for lungs that leave the "
        "picture or changes that no film would show.",
        figure,
        f"{row.name}: {_ranges(row)}.",
    )


def _ranges(row: Row) -> str:
    """Describe the settings of the augmentation that are in use."""
    augment, off = row.recipe.augment, type(row.recipe.augment)()
    changed = {name: value for name, value in vars(augment).items() if value != getattr(off, name)}
    return ", ".join(f"{name.replace('_', ' ')} {_value(value)}" for name, value in changed.items())


def _value(value: object) -> str:
    return " to ".join(f"{part:g}" for part in value) if isinstance(value, tuple) else str(value)
