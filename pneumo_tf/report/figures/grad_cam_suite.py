"""Figure of Grad-CAM of the same films by every recipe."""

from collections.abc import Iterator, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pneumo_tf.data.subtypes import named_subtype
from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.figures import overlay, style
from pneumo_tf.report.figures.comparable import comparable
from pneumo_tf.report.figures.overlay import Explained
from pneumo_tf.report.figures.picture import Picture

RECIPES, FILMS = 6, 6
"""Most recipes and most films on a page."""

Maps = Mapping[str, Explained]


def draw_grad_cam_by_recipe(board: Board) -> Iterator[Picture]:
    """Draw the films that every recipe explains, six recipes on a page."""
    for group in comparable(board):
        maps = [
            (row, {film.id: film for film in overlay.explained(row) if film.common}) for row in group.rows
        ]
        maps = [(row, films) for row, films in maps if films]
        if not maps:
            continue
        shown = _shown([films for _, films in maps])
        pages = [maps[start : start + RECIPES] for start in range(0, len(maps), RECIPES)]
        for number, page in enumerate(pages, start=1):
            part = f", page {number} of {len(pages)}" if len(pages) > 1 else ""
            yield Picture(
                f"grad-cam-suite-{group.protocol}-{number}",
                "The same films through every recipe, in the order of the ranking, with the probability of "
                "pneumonia that each gave and the outcome: TP, FP, FN or TN. Models "
                "differ in the units of their maps: colours compare films within a column, not columns. "
                "Better: strong colour inside the lungs of films with pneumonia, little on normal films.",
                _page(page, shown, f"protocol {group.protocol}{part} · test films"),
                f"Protocol {group.protocol}{part}.{overlay.outline_note(shown)}",
            )


def _shown(maps: Sequence[Maps]) -> list[Explained]:
    """Return the films to draw, one of each subtype in turn; subtypes of other names count as their class."""
    known = {film_id: film for films in reversed(maps) for film_id, film in films.items()}
    kinds: dict[str, list[Explained]] = {}
    for film in known.values():
        kinds.setdefault(named_subtype(film.label, film.subtype), []).append(film)
    turns = sorted(
        (place, kind, film.id) for kind, films in kinds.items() for place, film in enumerate(films)
    )
    chosen = [known[film_id] for _, _, film_id in turns[:FILMS]]
    return sorted(chosen, key=lambda film: (-film.label, film.subtype))


def _page(recipes: Sequence[tuple[Row, Maps]], shown: Sequence[Explained], scope: str) -> Figure:
    side = 1.0
    figure, axes = style.page(
        len(shown), len(recipes) + 1, (side, side), (0.06, 0.24), style.Margins(0.6, 0.1, 0.9, 0.75)
    )
    for line, film in zip(axes, shown, strict=True):
        overlay.draw_film(line[0], film.pixels)
        line[0].set_ylabel(style.fold(film.caption, 12), size=style.TEXT, weight="bold", color=film.color)
        line[0].set_xlabel(style.stem(film.id, 20), size=5.5, labelpad=2)
    for column, (row, films) in zip(axes.T[1:], recipes, strict=True):
        column[0].set_title(style.fold(row.name, 17, lines=3), size=6.5)
        scale = overlay.largest_evidence(list(films.values()))
        for ax, film in zip(column, shown, strict=True):
            _draw_map(ax, films.get(film.id), scale)
    style.heading(figure, "Grad-CAM of the same films, recipe by recipe", scope)
    label = "evidence for pneumonia, as a share of the column's largest"
    overlay.color_bar(figure, (0.6, 0.5, 2.6, 0.1), 1.0, label)
    return figure


def _draw_map(ax: Axes, film: Explained | None, scale: float) -> None:
    if film is None:
        style.bare(ax)
        ax.text(0.5, 0.5, "not explained", transform=ax.transAxes, size=6.5, color=style.QUIET, ha="center")
        return
    overlay.draw_overlay(ax, film, scale)
    right = film.outcome.startswith("T")
    ax.set_xlabel(
        f"{film.probability:.3f}  {film.outcome}",
        size=6.5,
        labelpad=2,
        color=style.INK if right else style.PNEUMONIA,
        weight="normal" if right else "bold",
    )
