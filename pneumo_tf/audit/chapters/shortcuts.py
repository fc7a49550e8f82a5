"""Trivial models, which use no lungs, under each split strategy: they measure leakage and shortcuts."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from pneumo_tf.audit.chapter import Chapter, Drawing
from pneumo_tf.audit.decoded import DecodedSet
from pneumo_tf.audit.split_strategies import (
    STRATEGIES,
    SplitStrategy,
    explain_too_few,
    score_folds,
    strategies_of,
)
from pneumo_tf.evaluation.intervals import LEAST_PATIENTS, Estimate, PatientBootstrap
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.metrics import METRICS
from pneumo_tf.models.trivial import TRIVIAL_MODELS
from pneumo_tf.report.figures import style
from pneumo_tf.report.markdown import Markdown, Table
from pneumo_tf.report.number_format import format_number

SHOWN = ("accuracy", "specificity", "auc")
"""Metrics in the table and the picture."""

REPEATS = 5
"""Repeats of a random strategy."""


class TrivialResult(NamedTuple):
    """One trivial model under one split strategy.

    Args:
        strategy: Key of `STRATEGIES`.
        model: Input of the model, in words.
        held_out: Number of films scored per repeat.
        estimates: Estimates by metric, with an sd if there are repeats, otherwise with an interval.
    """

    strategy: str
    model: str
    held_out: int
    estimates: dict[str, Estimate]


def fit_trivial_models(decoded: DecodedSet) -> Iterator[TrivialResult]:
    """Fit thumbnails under every strategy, and letterboxes and sizes for the official test."""
    thumbnails = _flat(decoded.copies.thumbnail)
    for strategy in strategies_of(decoded):
        yield _reach(decoded, strategy, "16×16 thumbnail", thumbnails)
    if decoded.sizes_known:
        yield _reach(decoded, "official", "thumbnail, letterboxed", _flat(decoded.copies.letterboxed))
        sizes = TRIVIAL_MODELS["image_size"].features(decoded.dataset, Path())
        yield _reach(decoded, "official", "image size, no pixels", sizes)


def _flat(copies: np.ndarray) -> np.ndarray:
    return copies.reshape(len(copies), -1).astype(float)


def _reach(decoded: DecodedSet, name: str, model: str, features: np.ndarray) -> TrivialResult:
    strategy = STRATEGIES[name]
    scored = [_score(decoded, strategy, seed, features) for seed in range(REPEATS if strategy.random else 1)]
    estimates = _spread(scored) if strategy.random else PatientBootstrap().estimate(scored, SHOWN)
    return TrivialResult(name, model, len(scored[0]), estimates)


def _score(
    decoded: DecodedSet, strategy: SplitStrategy, seed: int, features: np.ndarray
) -> LabelledPredictions:
    score = score_folds(features, decoded.films.labels, strategy.divide(decoded, seed))
    held = np.flatnonzero(np.isfinite(score))
    return LabelledPredictions(
        tuple(decoded.films.rows[index].id for index in held),
        decoded.films.labels[held],
        score[held, None].astype(np.float32),
        score[held],
        decoded.patients[held],
        decoded.subtypes[held],
    )


def _spread(scored: list[LabelledPredictions]) -> dict[str, Estimate]:
    """Return mean and sd over repeats; no interval, as repeats share the same films."""
    values = [PatientBootstrap(replicates=1).estimate([one], SHOWN) for one in scored]
    runs = {name: tuple(value[name].value for value in values) for name in SHOWN}
    return {
        name: Estimate(float(np.mean(run)), np.nan, np.nan, float(np.std(run, ddof=1)), run)
        for name, run in runs.items()
    }


def describe_trivial_models(decoded: DecodedSet) -> Chapter:
    """Fit the trivial models under every split strategy."""
    title = "Results of trivial models"
    if reason := explain_too_few(decoded):
        return Chapter(title, left_out=reason)
    rows = list(fit_trivial_models(decoded))
    of = {(row.strategy, row.model): row.estimates for row in rows}
    inside, test = of["grouped", "16×16 thumbnail"], of["official", "16×16 thumbnail"]
    gap = inside["accuracy"].value - test["accuracy"].value
    findings = [
        f"Logistic regression on 16×16 thumbnails reaches accuracy {_value(inside, 'accuracy')} inside train "
        f"and {_value(test, 'accuracy')} on the official test; specificity {_value(inside, 'specificity')} "
        f"and {_value(test, 'specificity')}.",
        _dividing(of),
    ]
    care = [
        f"Compare any model with these rows: thumbnails reach accuracy {_value(test, 'accuracy')} and AUC "
        f"{_value(test, 'auc')} on the official test."
    ]
    if abs(gap) > 0.05:
        care.append(
            "Report validation and test side by side: for thumbnails, their accuracy is "
            f"{abs(100 * gap):.0f} points apart."
        )
    if size := of.get(("official", "image size, no pixels")):
        findings.append(
            f"Width, height and aspect alone, without a pixel, reach accuracy {_value(size, 'accuracy')} and "
            f"AUC {_value(size, 'auc')} on the official test."
        )
    else:
        needed = "Rows of image size and of letterboxed films need the original sizes: `--sizes`."
        findings.append(Markdown(needed))
    drawing = draw_reached(decoded, rows, [_title(decoded, row) for row in rows])
    return Chapter(title, findings, [_table(decoded, rows)], [drawing], care)


def _dividing(of: dict[tuple[str, str], dict[str, Estimate]]) -> str:
    titles = {
        "by_image": "image by image",
        "alphabetical": "first 10 % by name",
        "random": "random 90/10",
        "pooled": "pooled at random",
    }
    found = [
        f"{title} {_value(of[strategy, '16×16 thumbnail'], 'accuracy')}"
        for strategy, title in titles.items()
        if (strategy, "16×16 thumbnail") in of
    ]
    return f"Accuracy on films held out in other ways: {', '.join(found)}."


def _value(estimates: dict[str, Estimate], metric: str) -> str:
    return format_number(estimates[metric].value, 3)


def _title(decoded: DecodedSet, row: TrivialResult) -> str:
    other = "" if row.model == "16×16 thumbnail" else f": {row.model}"
    return f"{strategies_of(decoded)[row.strategy].title}{other}"


def _table(decoded: DecodedSet, rows: Sequence[TrivialResult]) -> Table:
    strategies, unit = strategies_of(decoded), decoded.wording.unit
    header = ["films divided by", "model", "n", *(METRICS[name].title for name in SHOWN)]
    cells = [
        [
            strategies[row.strategy].title,
            row.model,
            f"{row.held_out:,}",
            *(_cell(row.estimates[name]) for name in SHOWN),
        ]
        for row in rows
    ]
    notes = [
        "n: films held out. Logistic regression with balanced classes, threshold 0.5. In brackets 95 % "
        f"intervals, {unit}s resampled; ± standard deviation over {REPEATS} random divisions; folds pooled."
    ]
    if any(np.isnan(row.estimates["auc"].low) and np.isnan(row.estimates["auc"].sd) for row in rows):
        notes.append(f"No interval if a class has fewer than {LEAST_PATIENTS} {unit}s.")
    return Table(header, cells, notes, left=2)


def _cell(estimate: Estimate) -> str:
    value = format_number(estimate.value, 3)
    if np.isfinite(estimate.sd):
        return f"{value} ± {format_number(estimate.sd, 3)}"
    if np.isfinite(estimate.low):
        return f"{value} [{format_number(estimate.low, 3)}–{format_number(estimate.high, 3)}]"
    return value


def draw_reached(decoded: DecodedSet, rows: Sequence[TrivialResult], titles: Sequence[str]) -> Drawing:
    """Draw accuracy, specificity and AUC of the trivial models, one line per row of the table."""
    width = style.inches(titles)
    figure, axes = style.page(
        1, 3, (1.75, 0.27 * len(rows) + 0.2), (0.25, 0.3), style.Margins(width + 0.25, 0.2, 0.7, 0.35)
    )
    for ax, metric in zip(axes[0], SHOWN, strict=True):
        for place, row in enumerate(rows):
            _point(ax, place, row, metric)
        ax.set_title(METRICS[metric].title)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_yticks(range(len(rows)), titles)
        ax.tick_params(axis="y", length=0, labelleft=ax is axes[0, 0], labelsize=style.TEXT)
        ax.locator_params(axis="x", nbins=4)
        ax.grid(axis="x")
    style.heading(figure, "Metrics of trivial models", decoded.dataset.title)
    caption = (
        "Blue: films held out of train or of everything. Orange: the official test. Bars: 95 % intervals, "
        f"{decoded.wording.unit}s resampled; for random divisions the standard deviation over repeats."
    )
    return Drawing("trivial-models", caption, figure)


def _point(ax: Axes, place: int, row: TrivialResult, metric: str) -> None:
    color = style.PNEUMONIA if row.strategy == "official" else style.NORMAL
    estimate = row.estimates[metric]
    low, high = estimate.low, estimate.high
    if np.isfinite(estimate.sd):
        low, high = estimate.value - estimate.sd, estimate.value + estimate.sd
    ax.plot((low, high), (place, place), color=color, lw=1.3)
    ax.plot(estimate.value, place, "o", color=color, ms=4.5)
