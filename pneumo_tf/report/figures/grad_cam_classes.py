"""Figure of Grad-CAM of each class of a recipe that distinguishes three."""

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure
from scipy.special import softmax

from pneumo_tf.data.target_classes import TARGET_CLASSES
from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.figures import overlay, style
from pneumo_tf.report.figures.comparable import finished_rows
from pneumo_tf.report.figures.overlay import Explained
from pneumo_tf.report.figures.picture import Picture

CLASSES = TARGET_CLASSES[3]
FILMS = 2
"""Films of each class on a page."""


def draw_grad_cam_by_class(board: Board) -> Iterator[Picture]:
    """Draw one page per row that stored maps of each class."""
    for row in finished_rows(board):
        maps = (row.explained or {}).get("class_maps")
        if maps is None:
            continue
        films = overlay.explained(row)
        of_film = dict(zip(map(str, row.explained["ids"]), np.maximum(maps, 0), strict=True))
        yield Picture(
            f"grad-cam-classes-{row.name}-{row.protocol}",
            "Evidence for each class in the first run of a row: films of each class, and Grad-CAM of the "
            "logits of normal, bacteria and virus. Each column of maps has a colour scale of its own, so "
            "compare films within a column. Below each map is the probability of its class. A map shows what "
            "affects the logit, not where disease is.",
            _page(row, films, of_film),
            f"{row.name}, seed {row.specs[0].seed}.{overlay.outline_note(films)}",
        )


def _page(row: Row, films: list[Explained], maps: dict[str, np.ndarray]) -> Figure:
    lines = [film for name in CLASSES for film in [one for one in films if one.subtype == name][:FILMS]]
    scales = np.max([maps[film.id].max(axis=(1, 2)) for film in lines], axis=0)
    scored = row.test[0]
    figure, axes = style.page(
        len(lines), 1 + len(CLASSES), (1.4, 1.4), (0.08, 0.26), style.Margins(1.0, 0.15, 0.95, 0.35)
    )
    for ax, title in zip(axes[0], ("film", *(f"evidence for\n{name}" for name in CLASSES)), strict=True):
        ax.set_title(title, size=style.TEXT)
    for line, film in zip(axes, lines, strict=True):
        overlay.draw_film(line[0], film.pixels)
        line[0].set_ylabel(film.subtype, size=style.TEXT, rotation=0, ha="right", va="center")
        shares = softmax(scored.logits[scored.ids.index(film.id)].astype(np.float64))
        for ax, map_, scale, share in zip(line[1:], maps[film.id], scales, shares, strict=True):
            overlay.draw_overlay(ax, film.with_map(map_), float(scale))
            ax.set_xlabel(f"probability {share:.3f}", size=style.SMALL, labelpad=2)
    scope = f"protocol {row.protocol} · seed {row.specs[0].seed} · test films"
    style.heading(figure, f"Grad-CAM of each class: {row.name}", scope)
    return figure
