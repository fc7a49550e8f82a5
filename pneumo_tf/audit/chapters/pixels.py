"""Pixels: damaged files, films with few grey levels, and inverted films."""

import numpy as np

from pneumo_tf.audit.chapter import Chapter, count_of, list_names, percent
from pneumo_tf.audit.decoded import DecodedSet
from pneumo_tf.data.films import CLASSES
from pneumo_tf.report.markdown import Markdown, Table

FEW_LEVELS = 32
"""Films with fewer grey levels are listed; even a dark film of 8 bits has more."""

INVERTED = -0.3
"""Correlation with the common pattern below which a film counts as inverted.

None of 6,856 published films is below -0.1; of the same films inverted, at least 96 % of each class are.
"""

COMMON = 0.5
"""Median correlation from which films have a common pattern, so that polarity can be compared."""

ITERATIONS = 50
"""Steps of the power iteration; it converges fast, as the first component is much larger than the second."""


def describe_pixels(decoded: DecodedSet) -> Chapter:
    """Describe damaged films, films with few grey levels, and the polarity of both classes."""
    findings, care = [], []
    for found, advice in (_damaged(decoded), _few_levels(decoded), _polarity(decoded)):
        findings += found
        care += advice
    faults = [[film.id, film.reason] for film in decoded.damaged]
    return Chapter(
        "Pixels", findings, [Table(["damaged file", "warning of the decoder"], faults, left=2)], care=care
    )


def _damaged(decoded: DecodedSet) -> tuple[list[str], list[str]]:
    if not decoded.damaged:
        return ["No decoder warned of a damaged film."], []
    names = list_names([film.id for film in decoded.damaged])
    count = count_of(len(decoded.damaged), "film")
    found = Markdown("{} damaged, and decoded as far as possible.").format(count)
    return [found], [Markdown("Fetch again or delete damaged films: {}.").format(names)]


def _few_levels(decoded: DecodedSet) -> tuple[list[str], list[str]]:
    """Describe films with fewer grey levels than `FEW_LEVELS`; films without any picture separately."""
    empty = _ids(decoded, decoded.levels == 1)
    few = _ids(decoded, (decoded.levels > 1) & (decoded.levels < FEW_LEVELS))
    found, advice = [], []
    if empty:
        found.append(
            Markdown("{} of a single grey level, {}: without a picture, or transparent.").format(
                count_of(len(empty), "film"), list_names(empty)
            )
        )
        advice.append(Markdown("Delete films without a picture: {}.").format(list_names(empty)))
    if few:
        found.append(
            Markdown("{} with fewer than {} grey levels: {}.").format(
                count_of(len(few), "film"), FEW_LEVELS, list_names(few)
            )
        )
        advice.append(
            f"Find out how {count_of(len(few), 'film')} lost grey levels: deeper originals may have been "
            "brought to 8 bits wrongly."
        )
    return found or [f"Every film has {FEW_LEVELS} grey levels or more."], advice


def _ids(decoded: DecodedSet, chosen: np.ndarray) -> list[str]:
    """Return the ids of chosen films."""
    return [film.id for film, is_chosen in zip(decoded.films, chosen, strict=True) if is_chosen]


def _polarity(decoded: DecodedSet) -> tuple[list[str], list[str]]:
    """Describe inverted films, whose bones are black."""
    agreement = measure_polarity(decoded.copies.thumbnail)
    if np.median(np.abs(agreement)) < COMMON:
        return ["The films have no common pattern, so that polarity cannot be compared."], []
    inverted = agreement < INVERTED
    if not inverted.any():
        return ["All films have the same polarity."], []
    shares = []
    for label, name in enumerate(CLASSES):
        chosen = decoded.films.labels == label
        if chosen.any():
            shares.append(f"{percent(inverted[chosen].mean())} of {name}")
    names = list_names(_ids(decoded, inverted))
    found = Markdown("{} inverted, with dark bones: {} ({}).").format(
        count_of(int(inverted.sum()), "film"), ", ".join(shares), names
    )
    return [found], ["Invert the films with dark bones: a model may infer the class from polarity."]


def measure_polarity(thumbnails: np.ndarray) -> np.ndarray:
    """Correlate films with the pattern that they have in common, turned so that bones are bright.

    The pattern is the first principal component of the standardised films, without centring: an inverted film
    has a negative coefficient, and contributes as much as any other. The sign of the pattern is such that its
    middle is bright, as spine and heart are brighter than the rim of a chest film.

    Args:
        thumbnails: (n, side, side) uint8, small copies of the films.

    Returns:
        (n,) correlations, -1 to 1; 0 for a film of one grey level.
    """
    films = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    films -= films.mean(axis=1, keepdims=True)
    films /= np.maximum(np.linalg.norm(films, axis=1, keepdims=True), 1e-6)
    pattern = _middle_mask(thumbnails.shape[1]).ravel()
    for _ in range(ITERATIONS):
        pattern = films.T @ (films @ pattern)
        pattern /= max(np.linalg.norm(pattern), 1e-6)
    return films @ (pattern * np.sign(pattern @ _middle_mask(thumbnails.shape[1]).ravel()))


def _middle_mask(side: int) -> np.ndarray:
    """Return (side, side) weights of mean 0: positive in the middle, negative on the rim, else 0."""
    middle, rim = np.zeros((side, side), np.float32), np.ones((side, side), np.float32)
    middle[side // 4 : -side // 4, side * 7 // 16 : side * 9 // 16] = 1
    rim[side // 16 : -side // 16, side // 16 : -side // 16] = 0
    return middle / middle.sum() - rim / rim.sum()
