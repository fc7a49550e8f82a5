"""Calibration slope and intercept: the logistic regression of labels on scores, under weights of films."""

import numpy as np
from scipy.special import expit

STEPS = 100
"""Most Newton steps; a regression that has not converged by then has no finite solution."""

TOLERANCE = 1e-8

LONGEST_STEP = 1.0
"""Longest step of a coefficient, for scores of unit standard deviation; longer ones may oscillate."""

SETS_AT_A_TIME = 256
"""Sets of weights that are fitted at a time, to bound memory."""


def calibration_slope(labels: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the slope b of `logit P(pneumonia) = a + b · score`: 1 if calibrated, below 1 if overconfident.

    Args:
        labels: (n,) 0 normal, 1 pneumonia.
        score: (n,) logit of pneumonia minus logit of normal.
        weights: (r, n) how often each film counts.

    Returns:
        (r,) float64; nan if the films are of one class, separated by the score, or all have the same score.

    Reference: Cox, Biometrika 45, 1958; Van Calster et al., BMC Medicine 17:230, 2019.
    """
    spread = float(np.std(score))
    if spread == 0:
        return np.full(len(weights), np.nan)
    scaled = (score - np.mean(score)) / spread
    design = np.stack([np.ones_like(scaled), scaled], axis=1)
    return _fit_in_parts(design, np.zeros_like(scaled), labels, weights)[:, 1] / spread


def calibration_intercept(labels: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the intercept a of `logit P(pneumonia) = a + score`: 0 if calibrated in the large.

    Above 0, pneumonia is more frequent than the probabilities of the model state; below 0, less.

    Args:
        labels: (n,) 0 normal, 1 pneumonia.
        score: (n,) logit of pneumonia minus logit of normal.
        weights: (r, n) how often each film counts.

    Returns:
        (r,) float64; nan if the films are of one class.
    """
    return _fit_in_parts(np.ones((len(score), 1)), score, labels, weights)[:, 0]


def _fit_in_parts(
    design: np.ndarray, offset: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    parts = [weights[start : start + SETS_AT_A_TIME] for start in range(0, len(weights), SETS_AT_A_TIME)]
    return np.concatenate([_fit(design, offset, labels, part) for part in parts])


def _fit(design: np.ndarray, offset: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Fit a logistic regression for each set of weights by Newton's method.

    Args:
        design: (n, p) regressors.
        offset: (n,) term with a coefficient of 1.
        labels: (n,) 0 or 1.
        weights: (r, n).

    Returns:
        (r, p) coefficients, nan where there is no finite solution.
    """
    found = np.zeros((len(weights), design.shape[1]))
    step = np.full_like(found, np.inf)
    for _ in range(STEPS):
        probability = expit(offset + found @ design.T)
        gradient = (weights * (labels - probability)) @ design
        curvature = np.einsum("rn,np,nq->rpq", weights * probability * (1 - probability), design, design)
        step = _solve(curvature, gradient)
        found = found + np.clip(step, -LONGEST_STEP, LONGEST_STEP)
        if not (np.abs(step) > TOLERANCE).any():
            break
    both = ((weights @ labels) > 0) & ((weights @ (1 - labels)) > 0)
    converged = both & (np.abs(step) <= TOLERANCE).all(axis=1)
    return np.where(converged[:, None], found, np.nan)


def _solve(curvature: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Solve for each Newton step; nan if the curvature is 0."""
    curvature = np.nan_to_num(curvature)
    regular = np.linalg.det(curvature) > np.finfo(np.float64).tiny
    step = np.full_like(gradient, np.nan)
    if regular.any():
        step[regular] = np.linalg.solve(curvature[regular], gradient[regular][..., None])[..., 0]
    return step
