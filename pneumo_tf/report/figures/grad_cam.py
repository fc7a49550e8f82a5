"""Figure of Grad-CAM of one recipe: films of each outcome, with the evidence for pneumonia."""

from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pneumo_tf.explain.film_selection import PLACES
from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.figures import overlay, style
from pneumo_tf.report.figures.comparable import finished_rows
from pneumo_tf.report.figures.overlay import OUTCOME_NAMES, Explained
from pneumo_tf.report.figures.picture import Picture


def arrange_by_outcome(films: Sequence[Explained]) -> dict[str, list[Explained | None]]:
    """Return a film, or None, for each outcome and each of `PLACES`.

    Runs of earlier versions chose films by hash; these fill the places of their outcome in order.
    """
    chosen: dict[str, list[Explained | None]] = {}
    for outcome in OUTCOME_NAMES:
        members = [film for film in films if film.outcome == outcome]
        picked = {film.place: film for film in members if film.place}
        others = [] if picked else sorted(members, key=lambda film: film.common)
        rest = iter(others)
        chosen[outcome] = [picked.get(place) or next(rest, None) for place in PLACES]
    return chosen


def draw_grad_cam_by_outcome(board: Board) -> Iterator[Picture]:
    """Draw one page per recipe that stored maps."""
    for row in finished_rows(board):
        films = overlay.explained(row)
        if films:
            yield Picture(
                f"grad-cam-{row.name}-{row.protocol}",
                "Evidence for pneumonia in the first run of a row: each film, and the same film under the "
                "Grad-CAM map of its score. A page has one colour scale, in the model's own units. "
                "Better: strong colour inside the lungs on pneumonia, little on normal films, none on "
                "borders, letters and tubes. Below each film is its label. A map shows what affects "
                "the score, not where disease is.",
                _page(row, arrange_by_outcome(films)),
                f"{row.name}, seed {row.specs[0].seed}.{overlay.outline_note(films)}",
            )


def _page(row: Row, chosen: dict[str, list[Explained | None]]) -> Figure:
    shown = [film for films in chosen.values() for film in films if film]
    scale, side = overlay.largest_evidence(shown), 1.25
    margins = style.Margins(0.85, 0.15, 0.72, 0.95)
    figure, axes = style.page(len(OUTCOME_NAMES), 2 * len(PLACES), (side, side), (0.04, 0.42), margins)
    if any(film.place for film in shown):
        for column, place in zip(axes.T[::2], PLACES.values(), strict=True):
            column[0].set_title(place, size=style.TEXT, loc="left")
    for line, (outcome, name) in zip(axes, OUTCOME_NAMES.items(), strict=True):
        style.bare(line[0])
        line[0].set_ylabel(
            f"{name.replace(' ', chr(10))}\n({outcome})", size=style.TEXT, rotation=0, ha="right", va="center"
        )
        for film, pair in zip(chosen[outcome], line.reshape(-1, 2), strict=True):
            if film:
                _draw_pair(pair[0], pair[1], film, scale)
            else:
                _leave_empty(
                    pair, "" if any(chosen[outcome]) or pair[0] is not line[0] else f"no {name} explained"
                )
    scope = f"protocol {row.protocol} · seed {row.specs[0].seed} · test films"
    style.heading(figure, f"Grad-CAM: {row.name}", scope)
    overlay.color_bar(
        figure, (0.85, 0.55, 2 * side, 0.1), scale, "evidence for pneumonia (Grad-CAM, not normalised)"
    )
    return figure


def _draw_pair(film_ax: Axes, map_ax: Axes, film: Explained, scale: float) -> None:
    overlay.draw_film(film_ax, film.pixels)
    overlay.draw_overlay(map_ax, film, scale)
    film_ax.set_xlabel(f"{style.stem(film.id, 20)}\n{film.caption}", size=6.5, labelpad=2)
    map_ax.set_xlabel(
        f"score {style.signed(film.score)}\nprobability {film.probability:.3f}", size=6.5, labelpad=2
    )


def _leave_empty(pair: Sequence[Axes], text: str) -> None:
    for ax in pair:
        style.bare(ax)
    pair[0].text(
        0.5,
        0.5,
        text.replace(" ", "\n"),
        transform=pair[0].transAxes,
        ha="center",
        va="center",
        color=style.QUIET,
    )
