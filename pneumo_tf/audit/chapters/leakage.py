"""Leakage: the share of held-out films that show a patient of the training films, by split strategy."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from pneumo_tf.audit.chapter import Chapter, percent
from pneumo_tf.audit.decoded import DecodedSet
from pneumo_tf.audit.split_strategies import (
    divide_alphabetically,
    explain_too_few,
    measure_leakage,
    strategies_of,
)
from pneumo_tf.report.markdown import Markdown, Table, code
from pneumo_tf.report.number_format import DASH, format_number

REPEATS = 20


def describe_leakage(decoded: DecodedSet) -> Chapter:
    """Measure the leakage of every split strategy, and describe the first films by name."""
    title = "Patients that leak when the films are divided"
    if not decoded.films.patients_known:
        return Chapter(title, left_out="no patient of these films is known, so leakage between them is not")
    if reason := explain_too_few(decoded):
        return Chapter(title, left_out=reason)
    strategies = strategies_of(decoded)
    shares = {name: measure_leakage(decoded, strategy, REPEATS) for name, strategy in strategies.items()}
    pooled, random = shares["pooled"].mean(), shares["random"].mean()
    findings = [
        f"In a random 70/15/15 of everything, {percent(pooled)} of the test films show a patient of the "
        f"training films; in a random 90/10 of train, {percent(random)}.",
        f"In folds that keep patients whole {percent(shares['grouped'].mean())} do, in the official test "
        f"{percent(shares['official'].mean())}.",
    ]
    parts = _parts(decoded)
    if decoded.dataset.source.series:
        findings.append(_describe_head(decoded, parts))
    care = []
    if max(pooled, random) > 0:
        care.append(
            f"Divide by patient: at random, {' to '.join(map(percent, sorted((pooled, random))))} of the "
            "held-out films show a patient that the model was trained on."
        )
    return Chapter(title, findings, [_share_table(decoded, shares), _part_table(decoded, parts)], (), care)


def _share_table(decoded: DecodedSet, shares: dict[str, np.ndarray]) -> Table:
    rows, strategies = [], strategies_of(decoded)
    for name, share in shares.items():
        spread = format_number(100 * share.std(ddof=1), 1) if len(share) > 1 else DASH
        rows.append([strategies[name].title, format_number(100 * share.mean(), 1), spread])
    notes = [
        f"90/10: mean and sd of {REPEATS} random divisions. Folds of whole patients, the first 10 % and the "
        "pooled films are divided as the protocols cv5, published-alphabetical and published-pooled divide "
        "them. Train includes val, except in 90/10 and 10 %."
    ]
    return Table(["split strategy", "held-out films whose patient is in training, %", "± sd"], rows, notes)


def _parts(decoded: DecodedSet) -> dict[str, tuple[list[str], list[str]]]:
    """Return film ids of the first 10 % by name, the rest of train, and the test; normal, then pneumonia."""
    rest, head = divide_alphabetically(decoded)[0]
    sides = {
        "first 10 % by name": head,
        "the other 90 %": rest,
        "official test": np.flatnonzero(decoded.splits == "test"),
    }
    return {name: tuple(_ids(decoded, indices, label) for label in (0, 1)) for name, indices in sides.items()}


def _ids(decoded: DecodedSet, indices: np.ndarray, label: int) -> list[str]:
    films = [decoded.films.rows[index] for index in indices]
    return [film.id for film in films if film.label == label]


def _describe_head(decoded: DecodedSet, parts: dict[str, tuple[list[str], list[str]]]) -> Markdown:
    first, test = (_count_series(decoded, parts[name][0]) for name in ("first 10 % by name", "official test"))
    return Markdown(
        "Keras' `validation_split=0.1` holds out the first tenth of each folder by name, which is not a "
        "random sample: its normal films are {}, those of the test {}."
    ).format(_shares(first), _shares(test))


def _count_series(decoded: DecodedSet, ids: Sequence[str]) -> Counter[str]:
    return Counter(decoded.dataset.source.series.of(film_id) or "unknown" for film_id in ids)


def _shares(series: Counter[str]) -> Markdown:
    shares = (f"{percent(n / series.total())} {code(name)}" for name, n in series.most_common())
    return Markdown(" and ".join(shares))


def _part_table(decoded: DecodedSet, parts: dict[str, tuple[list[str], list[str]]]) -> Table:
    """Create the table of the parts, with the share of the series that comes first by name."""
    if not decoded.dataset.source.series:
        rows = [[name, *(f"{len(ids):,}" for ids in sides)] for name, sides in parts.items()]
        return Table(["films", "normals", "pneumonias"], rows)
    leading = [_leading_series(decoded, parts, label) for label in (0, 1)]
    rows = []
    for name, sides in parts.items():
        row = [name]
        for series, ids in zip(leading, sides, strict=True):
            found = _count_series(decoded, ids)
            row += [f"{len(ids):,}", percent(found[series] / len(ids)) if ids else DASH]
        rows.append(row)
    normal, pneumonia = (Markdown("of series {}").format(code(series)) for series in leading)
    header = ["films", "normals", normal, "pneumonias", pneumonia]
    return Table(header, rows)


def _leading_series(decoded: DecodedSet, parts: dict[str, tuple[list[str], list[str]]], label: int) -> str:
    """Return the series that comes first by name."""
    return min(name for _, ids in parts.items() for name in _count_series(decoded, ids[label]))
