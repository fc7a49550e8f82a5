"""How many held-out films show a patient that the model was trained on, habit by habit."""

from collections import Counter

import numpy as np

from pneumo_tf.audit.chapter import Chapter, percent
from pneumo_tf.audit.decoded import DecodedSet
from pneumo_tf.audit.habits import HABITS, alphabetical_head, leakage, too_few
from pneumo_tf.data.datasets.kermany import source_series
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import DASH, format_number

REPEATS = 20


def write(decoded: DecodedSet) -> Chapter:
    """Measures the leakage of every habit, and looks at what the alphabetical head consists of."""
    title = "Patients that leak when the films are divided"
    if reason := too_few(decoded):
        return Chapter(title, left_out=reason)
    shares = {name: leakage(decoded, habit, REPEATS) for name, habit in HABITS.items()}
    pooled, random = shares["pooled"].mean(), shares["random"].mean()
    findings = [
        f"In a random 70/15/15 of everything, {percent(pooled)} of the test films show a patient of the "
        f"training films; in a random 90/10 of train, {percent(random)}.",
        f"In folds that keep patients whole {percent(shares['grouped'].mean())} do, in the official test "
        f"{percent(shares['official'].mean())}.",
        _head(decoded),
    ]
    care = []
    if max(pooled, random) > 0:
        care.append(
            f"Divide by patient: at random, {' to '.join(map(percent, sorted((pooled, random))))} of the "
            "held-out films show a patient that the model was trained on."
        )
    return Chapter(title, findings, [_table(shares), _parts(decoded)], (), care)


def _table(shares: dict[str, np.ndarray]) -> Table:
    rows = []
    for name, share in shares.items():
        spread = format_number(100 * share.std(ddof=1), 1) if len(share) > 1 else DASH
        rows.append([HABITS[name].title, format_number(100 * share.mean(), 1), spread])
    notes = [f"Random divisions: mean and sd of {REPEATS}. Train includes val, except in 90/10 and 10 %."]
    return Table(["habit", "held-out films whose patient is in training, %", "± sd"], rows, notes)


def _head(decoded: DecodedSet) -> str:
    series = Counter(source_series(film_id) for film_id in _side(decoded, 1, 0))
    test = Counter(
        source_series(film.id) for film in decoded.films if film.split == "test" and film.label == 0
    )
    return (
        "Keras' `validation_split=0.1` holds out the head of each folder by name, which is no sample: its "
        f"normals are {_shares(series)}, those of the test {_shares(test)}."
    )


def _shares(series: Counter) -> str:
    return " and ".join(f"{percent(n / series.total())} `{name}`" for name, n in series.most_common())


def _side(decoded: DecodedSet, side: int, label: int) -> list[str]:
    films = [decoded.films.rows[index] for index in alphabetical_head(decoded)[0][side]]
    return [film.id for film in films if film.label == label]


def _parts(decoded: DecodedSet) -> Table:
    test = [
        [film.id for film in decoded.films if (film.split, film.label) == ("test", label)] for label in (0, 1)
    ]
    parts = {
        "first 10 % by name": [_side(decoded, 1, label) for label in (0, 1)],
        "the other 90 %": [_side(decoded, 0, label) for label in (0, 1)],
        "official test": test,
    }
    rows = []
    for name, (normals, pneumonias) in parts.items():
        series = Counter(source_series(film_id) for film_id in (*normals, *pneumonias))
        rows.append(
            [
                name,
                f"{len(normals):,}",
                _share(series["IM"], len(normals)),
                f"{len(pneumonias):,}",
                _share(series["bacteria"], len(pneumonias)),
            ]
        )
    return Table(["films", "normals", "of series `IM`", "pneumonias", "bacterial"], rows)


def _share(part: int, whole: int) -> str:
    return percent(part / whole) if whole else DASH
