"""What models without a look at the lungs reach, and what that says of a way to divide the films."""

from collections.abc import Sequence

import numpy as np

from pneumo_tf.audit.chapter import Chapter
from pneumo_tf.audit.decoded import DecodedSet
from pneumo_tf.audit.drawings import draw_reached
from pneumo_tf.audit.habits import HABITS, too_few
from pneumo_tf.audit.shortcuts import FEWEST_PATIENTS as HELD_PATIENTS
from pneumo_tf.audit.shortcuts import METRICS as REACHED
from pneumo_tf.audit.shortcuts import REPEATS, Reached, reached
from pneumo_tf.evaluation.intervals import Estimate
from pneumo_tf.evaluation.metrics import METRICS
from pneumo_tf.report.markdown import Table, number


def write(decoded: DecodedSet) -> Chapter:
    """Fits the trivial models under every habit."""
    title = "What trivial models reach"
    if reason := too_few(decoded):
        return Chapter(title, left_out=reason)
    rows = list(reached(decoded))
    of = {(row.habit, row.model): row.estimates for row in rows}
    inside, test = of["grouped", "16×16 thumbnail"], of["official", "16×16 thumbnail"]
    gap = inside["accuracy"].value - test["accuracy"].value
    findings = [
        f"Logistic regression on 16×16 thumbnails reaches accuracy {_value(inside, 'accuracy')} inside train "
        f"and {_value(test, 'accuracy')} on the official test; specificity {_value(inside, 'specificity')} "
        f"and {_value(test, 'specificity')}.",
        _dividing(of),
    ]
    care = [
        f"Put these rows beside any model: thumbnails reach accuracy {_value(test, 'accuracy')} and AUC "
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
        findings.append("Rows of image size and of letterboxed films need the original sizes: `--sizes`.")
    return Chapter(title, findings, [_table(rows)], [draw_reached(rows, [_title(row) for row in rows])], care)


def _dividing(of: dict[tuple[str, str], dict[str, Estimate]]) -> str:
    values = {habit: _value(of[habit, "16×16 thumbnail"], "accuracy") for habit in HABITS}
    return (
        f"Accuracy on films held out in other ways: image by image {values['by_image']}, first 10 % by name "
        f"{values['alphabetical']}, random 90/10 {values['random']}, pooled at random {values['pooled']}."
    )


def _value(estimates: dict[str, Estimate], metric: str) -> str:
    return number(estimates[metric].value, 3)


def _title(row: Reached) -> str:
    other = "" if row.model == "16×16 thumbnail" else f": {row.model}"
    return f"{HABITS[row.habit].title}{other}"


def _table(rows: Sequence[Reached]) -> Table:
    header = ["films divided by", "model", "n", *(METRICS[name].title for name in REACHED)]
    cells = [
        [
            HABITS[row.habit].title,
            row.model,
            f"{row.held_out:,}",
            *(_cell(row.estimates[name]) for name in REACHED),
        ]
        for row in rows
    ]
    notes = [
        "n: films held out. Logistic regression with balanced classes, threshold 0.5. In brackets 95 % "
        f"intervals, patients resampled; ± standard deviation over {REPEATS} random divisions; folds pooled."
    ]
    if any(np.isnan(row.estimates["auc"].low) and np.isnan(row.estimates["auc"].sd) for row in rows):
        notes.append(f"No interval where a class has fewer than {HELD_PATIENTS} patients.")
    return Table(header, cells, notes, left=2)


def _cell(estimate: Estimate) -> str:
    value = number(estimate.value, 3)
    if np.isfinite(estimate.sd):
        return f"{value} ± {number(estimate.sd, 3)}"
    if np.isfinite(estimate.low):
        return f"{value} [{number(estimate.low, 3)}–{number(estimate.high, 3)}]"
    return value
