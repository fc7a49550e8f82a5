"""Sizes and aspects of the original images, by class."""

import numpy as np

from pneumo_tf.audit.chapter import Chapter, Drawing
from pneumo_tf.audit.decoded import DecodedSet, board_of_films
from pneumo_tf.data.subtypes import subtype_groups
from pneumo_tf.report.figures import image_sizes
from pneumo_tf.report.markdown import Markdown, Table
from pneumo_tf.report.number_format import format_number

SMALL = 224
"""Side in pixels of the input of most models; they enlarge smaller films."""


def describe_sizes(decoded: DecodedSet) -> Chapter:
    """Compare sizes between classes and splits."""
    title = "Sizes of the original images"
    if not decoded.sizes_known:
        reason = Markdown(
            f"all films are {decoded.stored[0]} × {decoded.stored[1]} pixels; if they were resized, give the "
            "original sizes with `--sizes`"
        )
        return Chapter(title, left_out=reason)
    sizes = np.array([(film.width, film.height) for film in decoded.films])
    below = (sizes.min(axis=1) < SMALL).sum()
    findings = [
        f"Sides are {sizes.min():,} to {sizes.max():,} pixels long; {below:,} films have one under {SMALL}.",
        _aspects(decoded, sizes),
    ]
    care = [
        "Size and aspect differ between the classes, and a model may infer the class from them: squashing "
        "changes its proportions, letterboxing its borders."
    ]
    return Chapter(
        title,
        findings,
        [_table(decoded, sizes)],
        draw_sizes(decoded),
        care if _differ(decoded, sizes) else (),
    )


def _aspects(decoded: DecodedSet, sizes: np.ndarray) -> str:
    medians = []
    for split in ("train", "test"):
        for label, name in enumerate(("normals", "pneumonias")):
            chosen = (decoded.splits == split) & (decoded.films.labels == label)
            if chosen.any():
                medians.append(f"{format_number(np.median(_aspect(sizes[chosen])), 2)} in {split} {name}")
    return f"The median aspect (width / height) is {', '.join(medians)}."


def _differ(decoded: DecodedSet, sizes: np.ndarray) -> bool:
    """Return whether the median aspect or width of one class is outside the quartiles of the other."""
    for measure in (_aspect(sizes), sizes[:, 0]):
        values = [measure[decoded.films.labels == label] for label in (0, 1)]
        if not all(map(len, values)):
            continue
        low, high = sorted(values, key=np.median)
        if np.median(high) > np.quantile(low, 0.75) or np.median(low) < np.quantile(high, 0.25):
            return True
    return False


def _aspect(sizes: np.ndarray) -> np.ndarray:
    return sizes[:, 0] / sizes[:, 1]


def _table(decoded: DecodedSet, sizes: np.ndarray) -> Table:
    rows = []
    for split in ("train", "test"):
        for group in subtype_groups(decoded.films):
            chosen = sizes[(decoded.splits == split) & group.among(decoded.films)]
            if len(chosen):
                cells = [
                    _quartiles(chosen[:, 0], 0),
                    _quartiles(chosen[:, 1], 0),
                    _quartiles(_aspect(chosen), 2),
                ]
                rows.append([f"{split} · {group.title}", f"{len(chosen):,}", *cells])
    return Table(["films", "n", "width", "height", "aspect"], rows, ["Median (quartiles), pixels."])


def _quartiles(values: np.ndarray, decimals: int) -> str:
    first, median, third = (format_number(q, decimals) for q in np.percentile(values, (25, 50, 75)))
    return f"{median} ({first}–{third})"


def draw_sizes(decoded: DecodedSet) -> list[Drawing]:
    """Draw widths, heights and aspects, as the report does."""
    caption = (
        "Every film by width and height; aspects by split and class. Better: clouds and bars that coincide."
    )
    return [
        Drawing("image-sizes", caption, page.figure)
        for page in image_sizes.draw_image_sizes(board_of_films(decoded))
    ]
