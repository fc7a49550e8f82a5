"""Score intervals of clustered proportions: Wilson's interval with an effective sample size."""

import math


def score_interval(value: float, variance: float, quantile: float, patients: int) -> tuple[float, float]:
    """Return the score interval of a value in 0–1.

    The effective sample size is that of a binomial proportion with the same variance: the number of films
    divided by the design effect of their patients. At 0 and at 1 there is no variance, so patients count; a
    value between them without variance is known exactly.

    Args:
        value: The estimate.
        variance: Its variance.
        quantile: Number of standard errors, 1.96 for a normal distribution.
        patients: Number of independent units.

    Reference: E. Wilson, Probable inference, the law of succession, and statistical inference, J. Am. Stat.
        Assoc. 22, 1927; N. Dean & M. Pagano, Evaluating confidence interval methods for binomial proportions
        in clustered surveys, J. Surv. Stat. Methodol. 3, 2015. For the AUC: A. Kottas, O. Kuss & A. Zapf, A
        modified Wald interval for the area under the ROC curve in diagnostic case-control studies, BMC Med.
        Res. Methodol. 14, 2014.
    """
    spread = value * (1 - value)
    if variance <= 0 < spread:
        return value, value
    size = spread / variance if variance > 0 else patients
    shift = quantile**2 / size
    centre = (value + shift / 2) / (1 + shift)
    half_width = math.sqrt(shift * (spread + shift / 4)) / (1 + shift)
    # An end at the value, that is at 0 or 1, has no rounding error.
    return min(value, max(0.0, centre - half_width)), max(value, min(1.0, centre + half_width))
