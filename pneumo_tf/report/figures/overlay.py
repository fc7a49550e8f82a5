"""Overlays of Grad-CAM maps on the films that they explain."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from pneumo_tf.data.films import CLASSES
from pneumo_tf.evaluation.metrics import outcome_of
from pneumo_tf.report.board import Row
from pneumo_tf.report.figures import style

MAP_COLORS = matplotlib.colormaps["plasma"]
"""Colours of maps: uniform in lightness for every kind of colour vision, without the greys of films."""

OUTCOME_NAMES = {"TP": "true positive", "FP": "false positive", "FN": "false negative", "TN": "true negative"}
_OPAQUE = 0.8
_OUTLINE = "#56B4E9"
"""Colour of the outlines of opacities, a blue that maps do not have."""


@dataclass(frozen=True)
class Explained:
    """An explained film: the model's input, the map and the prediction.

    Args:
        id: Film id.
        pixels: (H, W) uint8.
        map: (h, w) float32, 0 or more: evidence for pneumonia, not normalised.
        common: True if every recipe of the suite explains this film.
        subtype: Subtype in the source.
        label: 0 normal, 1 pneumonia.
        score: Score of the film; above 0 it is predicted positive.
        probability: Probability of pneumonia, not calibrated.
        place: `"most"`, `"median"` or `"least"` if chosen by confidence within its outcome, otherwise "".
        mask: (H, W) bool: opacity; None if unknown.
    """

    id: str
    pixels: np.ndarray
    map: np.ndarray
    common: bool
    subtype: str
    label: int
    score: float
    probability: float
    place: str = ""
    mask: np.ndarray | None = None

    @property
    def caption(self) -> str:
        """Class and subtype in the source, shortened to fit above a film."""
        name = CLASSES[self.label]
        return name if self.subtype == name else style.elide(f"{name} ({self.subtype})", 24)

    @property
    def color(self) -> str:
        """Colour of the class."""
        return style.PNEUMONIA if self.label else style.NORMAL

    @property
    def outcome(self) -> str:
        """`"TP"`, `"FP"`, `"FN"` or `"TN"`."""
        return outcome_of(self.label, self.score > 0)

    @property
    def peak(self) -> float:
        """Largest value of the map; 0 without positive evidence."""
        return float(self.map.max())

    def with_map(self, map_: np.ndarray) -> "Explained":
        """Return the film with another map, (h, w) float32."""
        return replace(self, map=map_)


def explained(row: Row) -> list[Explained]:
    """Return the films that the first run of a row explains, `[]` if it stored none."""
    arrays = row.explained
    return list(_joined(row, arrays)) if arrays else []


def _joined(row: Row, arrays: dict[str, np.ndarray]) -> Iterator[Explained]:
    scored = row.test[0]
    position = {film_id: index for index, film_id in enumerate(scored.ids)}
    places, masks = arrays.get("places"), arrays.get("masks")
    for index, film_id in enumerate(map(str, arrays["ids"])):
        if film_id in position:  # a film without a prediction has no outcome
            at = position[film_id]
            yield Explained(
                film_id,
                arrays["pixels"][index],
                np.maximum(arrays["maps"][index], 0),
                bool(arrays["common"][index]),
                str(scored.subtypes[at]),
                int(scored.labels[at]),
                float(scored.score[at]),
                float(scored.probability[at]),
                "" if places is None else str(places[index]),
                None if masks is None else masks[index],
            )


def largest_evidence(films: Sequence[Explained]) -> float:
    """Return the value of the strongest colour for maps that are drawn together."""
    return max((film.peak for film in films), default=0.0)


def blend(film: Explained, scale: float) -> np.ndarray:
    """Blend a map over its film; stronger evidence is more opaque.

    Args:
        film: The film and its map.
        scale: Value of the strongest colour.

    Returns:
        (H, W, 3) uint8; the film is unchanged where the map is 0.
    """
    height, width = film.pixels.shape
    # Linear, because a cubic kernel overshoots and would create evidence between the cells of the map.
    strength = cv2.resize(film.map / scale, (width, height), interpolation=cv2.INTER_LINEAR).clip(0, 1)
    alpha = _OPAQUE * strength[..., None]
    colors = 255.0 * MAP_COLORS(strength)[..., :3]
    return np.rint((1 - alpha) * film.pixels[..., None] + alpha * colors).astype(np.uint8)


def draw_film(ax: Axes, pixels: np.ndarray) -> None:
    """Draw a film without a map."""
    style.bare(ax)
    ax.imshow(pixels, cmap="gray", vmin=0, vmax=255)


def draw_overlay(ax: Axes, film: Explained, scale: float) -> None:
    """Draw a film under its map, or with a note that the map is empty."""
    style.bare(ax)
    if film.peak > 0:
        ax.imshow(blend(film, scale))
        _outline(ax, film.mask)
        return
    ax.imshow(film.pixels, cmap="gray", vmin=0, vmax=255)
    ax.text(
        0.5,
        0.5,
        "no positive\nevidence",
        transform=ax.transAxes,
        size=style.SMALL,
        color="white",
        ha="center",
        va="center",
        bbox={"facecolor": "#222222", "edgecolor": "none", "pad": 2},
    )


def outline_note(films: Sequence[Explained]) -> str:
    """Return the note on outlines for a caption, "" if none is drawn."""
    drawn = any(film.mask is not None and film.mask.any() for film in films)
    return " The blue line is the outline of the opacity." if drawn else ""


def _outline(ax: Axes, mask: np.ndarray | None) -> None:
    if mask is not None and mask.any():
        # Padded, so that the line is closed where an opacity reaches the film's edge.
        padded = np.pad(mask.astype(float), 1)
        at = [np.arange(-1, size + 1) for size in mask.shape]
        ax.contour(at[1], at[0], padded, levels=[0.5], colors=_OUTLINE, linewidths=0.9)
        ax.set(xlim=(-0.5, mask.shape[1] - 0.5), ylim=(mask.shape[0] - 0.5, -0.5))


def color_bar(figure: Figure, box: tuple[float, float, float, float], scale: float, label: str) -> None:
    """Draw the colour bar.

    Args:
        figure: The page.
        box: Left, bottom, width and height in inches.
        scale: Value of the strongest colour.
        label: Label below the bar.
    """
    width, height = figure.get_size_inches()
    ax = figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
    bar = ScalarMappable(Normalize(0, scale or 1.0), MAP_COLORS)
    figure.colorbar(bar, cax=ax, orientation="horizontal", ticks=np.linspace(0, scale or 1.0, 3))
    ax.xaxis.set_major_formatter("{x:.2g}")
    ax.tick_params(labelsize=style.SMALL, length=2, pad=1)
    ax.set_xlabel(label, size=style.SMALL, labelpad=1)
