"""Whether the test films of a class look like its training films."""

from collections.abc import Sequence

import numpy as np

from pneumo_tf.audit.chapter import Chapter
from pneumo_tf.audit.decoded import DecodedSet
from pneumo_tf.audit.drawings import draw_means, draw_shifts
from pneumo_tf.audit.shift import DRAWS, FEWEST_PATIENTS, Shift, shifts
from pneumo_tf.report.markdown import DASH, Table, number


def write(decoded: DecodedSet) -> Chapter:
    """Tells test films from training films, class by class."""
    title = "Is the test set a sample of the same films?"
    measured = list(shifts(decoded))
    if not measured:
        reason = f"no class has {FEWEST_PATIENTS} patients in train and as many in test"
        return Chapter(title, left_out=reason)
    shifted = [shift.subtype for shift in measured if _beyond(shift, shift.drawn)]
    foreign = [
        shift.subtype for shift in measured if shift.subtype in shifted and _beyond(shift, shift.blocks)
    ]
    care = []
    if foreign:
        care.append(
            "Do not expect validation carved from train to predict the test: the test's "
            f"{' and '.join(foreign)} films are recognisably different."
        )
    findings = [_finding(shift) for shift in measured]
    return Chapter(
        title, findings, [_table(measured)], [draw_shifts(measured), draw_means(decoded, measured)], care
    )


def _beyond(shift: Shift, null: np.ndarray) -> bool:
    """Whether no draw of a null comes up to the AUC, and the AUC is above chance."""
    return shift.low > 0.5 and (not len(null) or shift.auc > null.max())


def _finding(shift: Shift) -> str:
    auc = f"AUC {number(shift.auc, 2)} [{number(shift.low, 2)}–{number(shift.high, 2)}]"
    if not _beyond(shift, shift.drawn):
        return f"**{shift.subtype}**: test films cannot be told from training films, {auc}."
    told = f"**{shift.subtype}**: 16×16 thumbnails tell test films from training films, {auc}"
    if not len(shift.blocks):
        return f"{told}."
    if _beyond(shift, shift.blocks):
        return f"{told}; no run of neighbouring patients in train stands out as much."
    return f"{told}, but runs of neighbouring patients in train can stand out as much."


def _table(measured: Sequence[Shift]) -> Table:
    rows = [
        [
            shift.subtype,
            *(f"{films:,}" for films in shift.films),
            f"{number(shift.auc, 2)} [{number(shift.low, 2)}–{number(shift.high, 2)}]",
            _range(shift.drawn),
            _range(shift.blocks),
        ]
        for shift in measured
    ]
    notes = [
        "Logistic regression on 16×16 thumbnails, five folds with patients kept whole, pooled; 95 % "
        "intervals resample patients. For comparison, the mean (lowest–highest) of "
        f"{DRAWS} draws in which as many others are called test: random patients of the class, or neighbours "
        "in the numbering of its training patients."
    ]
    return Table(["class", "train", "test", "AUC", "random patients", "neighbours in train"], rows, notes)


def _range(null: np.ndarray) -> str:
    if not len(null):
        return DASH
    return f"{number(null.mean(), 2)} ({number(null.min(), 2)}–{number(null.max(), 2)})"
