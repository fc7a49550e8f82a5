"""Provenance of a board: runs, protocols, machine and versions, and warnings about its numbers."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import numpy as np

from pneumo_tf.evaluation.equivalence import POWER, detectable_differences
from pneumo_tf.report.board import OFFICIAL, Board, Row
from pneumo_tf.report.markdown import Markdown, join_names
from pneumo_tf.report.shortcut_test import describe_shortcuts
from pneumo_tf.report.standings import is_official_test
from pneumo_tf.report.tables.unfinished import missing_rows
from pneumo_tf.report.trivial_rows import best_trivial
from pneumo_tf.run_spec import HARNESS_VERSION

CPU_THREADS = re.compile(r"CPU, (\d+) threads?")
VERSIONS = {"python": "Python", "tensorflow": "TensorFlow", "keras": "Keras", "numpy": "NumPy"}


def describe_films(board: Board) -> list[str]:
    """Return title and licence of the films, and the notes about them, one line each."""
    licence = board.source.describe_licence(board.films)
    return [f"**Films:** {board.title}; licence: {licence}", *board.notes]


def opening(board: Board) -> list[str]:
    """Return runs, protocols, machine, precision and versions of a board, one line each."""
    done = [row for row in board.rows if row.runs]
    runs = sum(len(row.runs) for row in done)
    planned = runs + sum(len(row.unfinished) for row in board.rows)
    seeds = sorted({spec.seed for row in done for spec in row.specs})
    limits = sorted({spec.train_films for row in done for spec in row.specs if spec.train_films})
    limit = f"; at most {max(limits):,} training films" if limits else ""
    lines = [
        *describe_films(board),
        f"**Runs:** {runs} of {planned} done, in {len(done)} of {len(board.rows)} rows; profile "
        f"{board.profile}; seeds {', '.join(map(str, seeds)) or 'none'}{limit}",
        _protocols(board, done),
        f"**Machine:** {describe_machines({device for row in done for device in row.devices})}",
        f"**Precision:** {_join(spec.precision for row in done for spec in row.specs)}",
        f"**Versions:** {_versions(done)}; harness {board.harness}; newest run {_day(board.newest)}",
    ]
    if board.harness != HARNESS_VERSION:
        lines.append(
            Markdown(
                f"**Older harness:** these runs are of version {board.harness}; harness version "
                f"{HARNESS_VERSION} gives other numbers for the same recipes. Do not compare the two; "
                "`python -m benchmarks.run_all` makes the runs again"
            )
        )
    lines += _detectable(board)
    random = [row.label for row in done if row.lacks_imagenet]
    if random:
        lines.append(
            f"**Random initial weights instead of ImageNet's:** {join_names(random)}; without them a large "
            "network learns little from so few films, and a score near chance is to be expected"
        )
    missing = missing_rows(board)
    if missing:
        lines.append(f"**Missing:** {join_names(missing, 5)}; for what to do, see *Not done*")
    return lines


def _detectable(board: Board) -> list[str]:
    """Describe the differences in AUC that this test set can show; no line without a pair of rows."""
    pairs = len(board.ranking) * (len(board.ranking) - 1) // 2
    if not pairs:
        return []
    single = detectable_differences(board.comparison)
    corrected = detectable_differences(board.comparison, pairs)
    if not len(single):
        return []
    difference = _middle(single)
    if pairs > 1:
        difference += (
            f", and of {_middle(corrected)} at the first step of Holm's correction over {pairs} pairs"
        )
    return [
        f"**Detectable difference:** with a power of {100 * POWER:g} %, a test on these films shows a "
        f"difference in AUC of {difference} (median pair, in brackets the middle half of the pairs); the "
        f"smallest difference that matters is set to {board.margin:g}"
    ]


def _middle(values: np.ndarray) -> str:
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    return f"{median:.3f} [{low:.3f}–{high:.3f}]"


def _protocols(board: Board, done: Sequence[Row]) -> str:
    others = sorted({row.protocol for row in done} - {OFFICIAL})
    if others and not any(row.ranked for row in done):
        return f"**Protocol:** never ranked: {', '.join(others)}"
    unranked = f"; also run, never ranked: {', '.join(others)}" if others else ""
    sides = board.wording.write("trained on the {train}, scored once on the {test}")
    return f"**Protocol:** official ({sides}){unranked}"


def warnings(board: Board) -> list[str]:
    """Return warnings about numbers of the board, one line each."""
    ranked = [row for row in board.rows if row.ranked]
    found = []
    if ranked and best_trivial(ranked) is None:
        found.append("No trivial row was run, so nothing shows what a model must beat.")
    found += _equal_scores(ranked)
    found += describe_shortcuts(board)
    if not is_official_test(board):
        return found
    for row in ranked:
        accuracy = row.estimates["accuracy"].value
        if board.source.plausible_accuracy and accuracy > board.source.plausible_accuracy:
            found.append(
                f"**{row.name}** has accuracy {accuracy:.3f}: above every published result without leakage "
                "on these films. Check that no test film, nor another film of its patient, was trained on, "
                "that no epoch or threshold was chosen on the test films, and that pixels are the only "
                "input."
            )
        elif row.recipe.expected and board.profile == "full":
            low, high = row.recipe.expected
            if not low <= accuracy <= high:
                found.append(
                    f"**{row.name}** has accuracy {accuracy:.3f}, outside of {low:.2f}–{high:.2f} that its "
                    "recipe expects of a sound run."
                )
    return found


def _equal_scores(rows: Sequence[Row]) -> list[str]:
    """Warn about runs with equal test scores, since prediction files do not name their run."""
    runs: dict[bytes, list[str]] = defaultdict(list)
    for row in rows:
        for run, scored in zip(row.runs, row.test, strict=True):
            if not row.trivial:
                runs[scored.score.tobytes()].append(run.path.name)
    return [
        Markdown(
            "The test scores of {} are equal to the last digit. If these runs differ in more than their "
            "names, the prediction files of one were copied from another; `--fresh` makes them again."
        ).format(join_names(names))
        for names in runs.values()
        if len(names) > 1
    ]


def _join(values: Iterable[str]) -> str:
    return "; ".join(sorted(set(values))) or "not recorded"


def describe_machines(devices: Iterable[str]) -> str:
    """Describe the devices: GPUs by name, and the CPU with the numbers of threads per run."""
    names = sorted(devices)
    gpus = [name for name in names if name.split(",")[0] != "CPU"]
    threads = sorted(int(found[1]) for name in names if (found := CPU_THREADS.fullmatch(name)))
    if threads:
        counts = " or ".join(map(str, threads))
        gpus.append(f"CPU, {counts} {'thread' if threads == [1] else 'threads'} for each run")
    elif "CPU" in names:
        gpus.append("CPU for rows without a network" if gpus else "CPU")
    return "; ".join(gpus) or "not recorded"


def _versions(rows: Iterable[Row]) -> str:
    environments = [environment for row in rows for environment in row.environments]
    found = {
        title: {environment[key] for environment in environments if environment.get(key)}
        for key, title in VERSIONS.items()
    }
    # Rows without a network load neither TensorFlow nor Keras.
    return (
        ", ".join(f"{title} {_join(values)}" for title, values in found.items() if values) or "not recorded"
    )


def _day(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}" if np.isfinite(at) and at > 0 else "none"
