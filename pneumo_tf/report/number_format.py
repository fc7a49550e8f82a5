"""Formatting of numbers in tables, with the decimals that their intervals support."""

import math
from collections.abc import Sequence

import numpy as np

from pneumo_tf.evaluation.intervals import Estimate, FilmMean
from pneumo_tf.evaluation.metrics import METRICS

DASH = "–"
NO_DIFFERENCE = 5e-7
"""Size below which a difference counts as 0."""
ROUNDING = (
    "A column has as many decimals as its median interval supports: two digits of the half-width if they are "
    "35 or less, otherwise one (the Particle Data Group's rule)."
)
EXTRA = "One decimal more than the intervals support, so that the deviation can be seen."


def supported_decimals(half_widths: Sequence[float], otherwise: int) -> int:
    """Return the number of decimals that the median half-width of a column's intervals supports, one to four.

    Args:
        half_widths: Half-widths of the intervals; nan if there is none.
        otherwise: Result if no interval has a width.

    Reference: Particle Data Group, Review of Particle Physics, section 5.3, "Rounding".
    """
    # If all replicates are equal, the width is only a rounding error.
    known = [width for width in half_widths if np.isfinite(width) and width > 1e-12]
    if not known:
        return otherwise
    width = float(np.median(known))
    exponent = math.floor(math.log10(width))
    two_digits = width / 10**exponent < 3.55
    return min(max(two_digits - exponent, 1), 4)


def decimals_of(estimates: Sequence[Estimate], metric: str) -> int:
    """Return the number of decimals for a column of estimates of one metric."""
    return supported_decimals([estimate.half_width for estimate in estimates], METRICS[metric].digits)


def format_number(value: float | None, decimals: int) -> str:
    """Format a number, without a negative zero, or a dash if there is none."""
    if value is None or not np.isfinite(value):
        return DASH
    return f"{round(value, decimals) + 0.0:,.{decimals}f}"


def format_signed(value: float, decimals: int) -> str:
    """Format a difference with its sign, with more decimals if it would be rounded to 0; 0 has no sign."""
    if not np.isfinite(value) or abs(value) < NO_DIFFERENCE:
        return format_number(value, decimals)
    while not round(value, decimals):
        decimals += 1
    return f"{value:+,.{decimals}f}"


def with_interval(estimate: Estimate | FilmMean, decimals: int) -> str:
    """Format as `0.953 [0.931–0.972]`, or with a negative end as `0.12 [-0.04 to 0.31]`."""
    if not np.isfinite(estimate.value):
        return DASH
    low, high = format_number(estimate.low, decimals), format_number(estimate.high, decimals)
    interval = DASH if low == DASH else f"{low}{' to ' if low.startswith('-') else '–'}{high}"
    return f"{format_number(estimate.value, decimals)} [{interval}]"


def with_sd(estimate: Estimate, decimals: int) -> str:
    """Format as `0.953 ± 0.004`, or without deviation for one run, with one decimal more than `decimals`."""
    decimals += 1
    value = format_number(estimate.value, decimals)
    return value if not np.isfinite(estimate.sd) else f"{value} ± {format_number(estimate.sd, decimals)}"


def difference_with_interval(value: float, interval: tuple[float, float], decimals: int) -> str:
    """Format as `+0.012 [-0.003 to +0.027]`, or a dash if there is no value."""
    if not np.isfinite(value):
        return DASH
    low, high = (format_signed(end, decimals) for end in interval)
    return f"{format_signed(value, decimals)} [{low} to {high}]"


def format_p(p: float) -> str:
    """Format a p-value: two decimals from 0.1 on, three below, and `< 0.001`."""
    if not np.isfinite(p):
        return DASH
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
