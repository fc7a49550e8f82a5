"""Grad-CAM of one recipe: films it got right and wrong, with the evidence it saw for pneumonia."""

from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pneumo_tf.report.figures import overlay, style
from pneumo_tf.report.figures.overlay import OUTCOMES, Explained
from pneumo_tf.report.figures.picture import Picture
from pneumo_tf.report.rows import Board, Row

PAIRS = 2
"""Films per outcome."""


def by_outcome(films: Sequence[Explained]) -> dict[str, list[Explained]]:
    """At most `PAIRS` films per outcome, those picked for this recipe before those that all recipes share."""
    chosen: dict[str, list[Explained]] = {outcome: [] for outcome in OUTCOMES}
    for film in sorted(films, key=lambda film: film.common):
        if len(chosen[film.outcome]) < PAIRS:
            chosen[film.outcome].append(film)
    return chosen


def draw(board: Board) -> Iterator[Picture]:
    """Draws one page per recipe that left maps."""
    for row in board.rows:
        films = overlay.explained(row)
        if films:
            chosen = by_outcome(films)
            yield Picture(
                f"grad-cam-{row.name}-{row.protocol}",
                f"Where {row.name} (seed {row.specs[0].seed}) found evidence for pneumonia, as the film "
                "and under the Grad-CAM map of its score. One colour scale holds for the page, in the "
                "model's own units. Better: strong colour inside the lungs on pneumonia, little on "
                "normal films, none on borders, letters and tubes. Below each film is its label. A map "
                "shows what moved the score, not where disease is.",
                _page(row, chosen),
            )


def _page(row: Row, chosen: dict[str, list[Explained]]) -> Figure:
    scale = overlay.scale_of([film for films in chosen.values() for film in films])
    side = 1.4
    figure, axes = style.page(
        len(OUTCOMES), 2 * PAIRS, (side, side), (0.04, 0.42), style.Margins(0.85, 0.15, 0.45, 0.95)
    )
    for line, (outcome, name) in zip(axes, OUTCOMES.items(), strict=True):
        style.bare(line[0])
        line[0].set_ylabel(
            f"{name.replace(' ', chr(10))}\n({outcome})", size=style.TEXT, rotation=0, ha="right", va="center"
        )
        for at in range(PAIRS):
            pair = line[2 * at : 2 * at + 2]
            if at < len(chosen[outcome]):
                _draw_pair(pair[0], pair[1], chosen[outcome][at], scale)
            else:
                _leave_empty(pair, f"no {name} explained" if at == 0 else "")
    style.heading(figure, f"Grad-CAM: {row.name}")
    overlay.color_bar(
        figure, (0.85, 0.55, 2 * side, 0.1), scale, "evidence for pneumonia (Grad-CAM, not normalised)"
    )
    return figure


def _draw_pair(film_ax: Axes, map_ax: Axes, film: Explained, scale: float) -> None:
    overlay.draw_film(film_ax, film.pixels)
    overlay.draw_overlay(map_ax, film, scale)
    film_ax.set_xlabel(f"{style.stem(film.id, 22)}\n{film.caption}", size=6.5, labelpad=2)
    map_ax.set_xlabel(
        f"score {style.signed(film.score)}\nprobability {film.probability:.3f}", size=6.5, labelpad=2
    )


def _leave_empty(pair: Sequence[Axes], text: str) -> None:
    for ax in pair:
        style.bare(ax)
    pair[0].text(
        0.5,
        0.5,
        text.replace(" ", "\n", 1),
        transform=pair[0].transAxes,
        ha="center",
        va="center",
        color=style.QUIET,
    )
