"""Shift: whether a model can distinguish test films from training films of the same class."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from pneumo_tf.audit.chapter import Chapter, Drawing
from pneumo_tf.audit.decoded import DecodedSet
from pneumo_tf.audit.split_strategies import grouped_folds, score_folds
from pneumo_tf.data.subtypes import SubtypeGroup, subtype_groups
from pneumo_tf.evaluation.intervals import percentile_interval
from pneumo_tf.evaluation.metrics import compute_metrics
from pneumo_tf.evaluation.resampling import resample_patients
from pneumo_tf.report.figures import style
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import DASH, format_number

REPEATS = 10
"""Repeats of each comparison, enough for its range; each takes five fits."""

FEWEST_PATIENTS = 10
"""Patients of a class, in train and in test, that are needed to measure its shift."""


class Shift(NamedTuple):
    """Shift of one class between train and test, measured on thumbnails.

    Args:
        group: Class or subtype of the films.
        films: Number of films in train and in test.
        auc: AUC of a model that separates test from train, cross-validated by patient; 0.5 means no shift.
        low: Lower end of the 95 % interval, patients resampled.
        high: Upper end.
        random_patients: (repeats,) the same AUC if as many random patients of the class are labelled test.
        neighbours: (repeats,) the same AUC if as many consecutive training patients are labelled test.
    """

    group: SubtypeGroup
    films: tuple[int, int]
    auc: float
    low: float
    high: float
    random_patients: np.ndarray
    neighbours: np.ndarray


def measure_shifts(decoded: DecodedSet) -> Iterator[Shift]:
    """Measure the shift of each class that has enough patients in train and in test."""
    for group in subtype_groups(decoded.films):
        chosen = np.flatnonzero(group.among(decoded.films))
        test = decoded.splits[chosen] == "test"
        patients = decoded.patients[chosen]
        if min(len(set(patients[test])), len(set(patients[~test]))) >= FEWEST_PATIENTS:
            pixels = decoded.copies.thumbnail[chosen].reshape(len(chosen), -1).astype(float)
            yield _shift(group, pixels, test, patients)


def _shift(group: SubtypeGroup, pixels: np.ndarray, test: np.ndarray, patients: np.ndarray) -> Shift:
    rng = np.random.default_rng(0)
    score, everyone = _cross_validate(pixels, test, patients), np.unique(patients)
    weights = resample_patients(test, patients)
    auc = float(_auc(test, score)[0])
    low, high = percentile_interval(_auc(test, score, weights))
    count = len(set(patients[test]))
    drawn = [_null(pixels, patients, rng.choice(everyone, count, replace=False)) for _ in range(REPEATS)]
    inside, order = ~test, np.array(sorted(set(patients[~test]), key=numbering_key))
    starts = rng.integers(len(order) - count, size=REPEATS) if len(order) >= 2 * count else []
    blocks = [_null(pixels[inside], patients[inside], order[at : at + count]) for at in starts]
    return Shift(group, (inside.sum(), test.sum()), auc, low, high, np.array(drawn), np.array(blocks))


def numbering_key(patient: str) -> tuple[str, int, str]:
    """Return a sort key for patients by number: `bacteria-9` before `bacteria-10`."""
    series, number = re.fullmatch(r"(.*?)(\d*)", patient, re.DOTALL).groups()
    return series, int(number or 0), patient


def _null(pixels: np.ndarray, patients: np.ndarray, counted_as_test: np.ndarray) -> float:
    test = np.isin(patients, counted_as_test)
    return float(_auc(test, _cross_validate(pixels, test, patients))[0])


def _cross_validate(pixels: np.ndarray, test: np.ndarray, patients: np.ndarray) -> np.ndarray:
    return score_folds(pixels, test.astype(int), grouped_folds(test, patients))


def _auc(test: np.ndarray, score: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    return compute_metrics(test.astype(int), score, weights, names=["auc"])["auc"]


def describe_shift(decoded: DecodedSet) -> Chapter:
    """Measure the shift of each class, and compare it with that of random and of consecutive patients."""
    title = "Is the test set a sample of the same films?"
    measured = list(measure_shifts(decoded))
    if not measured:
        reason = f"no class has {FEWEST_PATIENTS} {decoded.wording.unit}s both in train and in test"
        return Chapter(title, left_out=reason)
    foreign = [
        shift.group.title
        for shift in measured
        if _beyond(shift, shift.random_patients) and _beyond(shift, shift.neighbours)
    ]
    care = []
    if foreign:
        care.append(
            "Results on validation films from train do not predict results on the test: its "
            f"{' and '.join(foreign)} films are recognisably different."
        )
    findings = [_finding(shift) for shift in measured]
    drawings = [draw_shifts(decoded, measured), draw_means(decoded, measured)]
    return Chapter(title, findings, [_table(decoded, measured)], drawings, care)


def _beyond(shift: Shift, null: np.ndarray) -> bool:
    """Return whether the AUC is above chance and above every repeat of a comparison."""
    return shift.low > 0.5 and (not len(null) or shift.auc > null.max())


def _finding(shift: Shift) -> str:
    auc = f"AUC {format_number(shift.auc, 2)} [{format_number(shift.low, 2)}–{format_number(shift.high, 2)}]"
    if not _beyond(shift, shift.random_patients):
        return f"**{shift.group.title}**: test films cannot be distinguished from training films, {auc}."
    found = f"**{shift.group.title}**: 16×16 thumbnails distinguish test films from training films, {auc}"
    if not len(shift.neighbours):
        return f"{found}."
    if _beyond(shift, shift.neighbours):
        return f"{found}; no sequence of neighbours in train differs as much."
    return f"{found}, but sequences of neighbours in train can differ as much."


def _table(decoded: DecodedSet, measured: Sequence[Shift]) -> Table:
    units, kept_whole = f"{decoded.wording.unit}s", decoded.wording.write("{kept_whole}")
    rows = [
        [
            shift.group.title,
            *(f"{films:,}" for films in shift.films),
            f"{format_number(shift.auc, 2)} [{format_number(shift.low, 2)}–{format_number(shift.high, 2)}]",
            _range(shift.random_patients),
            _range(shift.neighbours),
        ]
        for shift in measured
    ]
    notes = [
        f"Logistic regression on 16×16 thumbnails, five folds{kept_whole}, pooled; 95 % intervals resample "
        f"{units}. For comparison, the mean (lowest–highest) of {REPEATS} repeats in which as many others "
        f"count as test: random {units} of the class, or neighbours in the numbering of its training {units}."
    ]
    return Table(["class", "train", "test", "AUC", f"random {units}", "neighbours in train"], rows, notes)


def _range(null: np.ndarray) -> str:
    if not len(null):
        return DASH
    return f"{format_number(null.mean(), 2)} ({format_number(null.min(), 2)}–{format_number(null.max(), 2)})"


def _names(measured: Sequence[Shift]) -> list[str]:
    return [style.fold(shift.group.title, 22) for shift in measured]


def draw_means(decoded: DecodedSet, measured: Sequence[Shift]) -> Drawing:
    """Draw the mean film of each class in train and in test, and their difference."""
    names = _names(measured)
    figure, axes = style.page(len(measured), 3, (1.5, 1.5), (0.15, 0.15), style.Margins(0.8, 0.2, 0.72, 0.15))
    for row, shift, name in zip(axes, measured, names, strict=True):
        train, test = (
            decoded.copies.grid[shift.group.among(decoded.films) & (decoded.splits == split)].mean(0)
            for split in ("train", "test")
        )
        row[0].imshow(train, cmap="gray", vmin=0, vmax=255)
        row[1].imshow(test, cmap="gray", vmin=0, vmax=255)
        row[2].imshow(test - train, cmap="RdBu_r", vmin=-40, vmax=40)
        row[0].set_ylabel(name, size=style.TEXT)
        for ax in row:
            style.bare(ax)
    for ax, title in zip(axes[0], ("train", "test", "test − train"), strict=True):
        ax.set_title(title)
    style.heading(figure, "Mean film of each class", decoded.dataset.title)
    caption = "Mean of all films of a class, squashed to a square; red where the test films are brighter."
    return Drawing("mean-films", caption, figure, shows_films=True)


def draw_shifts(decoded: DecodedSet, measured: Sequence[Shift]) -> Drawing:
    """Draw the AUC of train against test for each class, with both comparisons."""
    names = _names(measured)
    left = max(0.8, style.inches(names) + 0.1)
    figure, axes = style.page(
        1, 1, (4.2, 0.5 * len(measured) + 0.15), margins=style.Margins(left, 0.2, 0.85, 0.5)
    )
    ax: Axes = axes[0, 0]
    colors = style.subtype_colors([shift.group for shift in measured])
    for place, (shift, color) in enumerate(zip(measured, colors, strict=True)):
        for null, offset, shade in (
            (shift.random_patients, 0.2, "#bbbbbb"),
            (shift.neighbours, -0.2, "#777777"),
        ):
            if len(null):
                ax.plot(
                    (null.min(), null.max()), (place + offset,) * 2, color=shade, lw=5, solid_capstyle="butt"
                )
        ax.plot((shift.low, shift.high), (place, place), color=color, lw=1.3)
        ax.plot(shift.auc, place, "o", color=color, ms=6)
    ax.axvline(0.5, color=style.QUIET, lw=0.8, ls=(0, (3, 2)))
    ax.set_xlim(min(0.35, *(shift.random_patients.min() - 0.02 for shift in measured)), 1)
    ax.set_ylim(len(measured) - 0.5, -0.5)
    ax.set_yticks(range(len(measured)), names)
    ax.tick_params(axis="y", length=0, labelsize=style.TEXT)
    ax.set_xlabel("AUC of a model that separates test from training films")
    ax.plot([], [], "o-", color=style.INK, ms=5, lw=1.3, label="train against test")
    ax.plot([], [], color="#777777", lw=5, label="neighbours in train")
    ax.plot([], [], color="#bbbbbb", lw=5, label=f"random {decoded.wording.unit}s")
    below_title = 1 - 0.42 / figure.get_size_inches()[1]
    figure.legend(
        loc="upper right", ncols=3, handlelength=1.4, columnspacing=1.2, bbox_to_anchor=(1, below_title)
    )
    style.heading(figure, "Test films against training films", decoded.dataset.title)
    others = f"other {decoded.wording.unit}s"
    caption = f"Point: AUC with its 95 % interval. Bars: its range if {others} count as test."
    return Drawing("shift", caption, figure)
