"""Films that are there more than once."""

from collections import Counter
from collections.abc import Sequence

from pneumo_tf.audit.chapter import Chapter, count
from pneumo_tf.audit.decoded import DecodedSet
from pneumo_tf.audit.drawings import draw_groups
from pneumo_tf.audit.duplicates import FARTHEST, LEAST_CORRELATION, Group, exact_groups, near_groups
from pneumo_tf.report.markdown import Table

SHOWN = 10
"""Groups that the table names: first those that cross splits, classes or patients."""


def write(decoded: DecodedSet) -> Chapter:
    """Finds exact and near duplicates."""
    exact, near = exact_groups(decoded), near_groups(decoded)
    groups = sorted([*exact, *near], key=lambda group: (-_crossings(group), group.exact, group.films))
    findings = [_exact(exact), _near(near)]
    if groups:
        findings.append(_crossing(groups))
    return Chapter("Duplicates", findings, [_table(groups)], draw_groups(decoded, groups), _care(groups))


def _crossings(group: Group) -> int:
    return 4 * group.crosses_splits + 2 * group.crosses_classes + group.crosses_patients


def _exact(groups: Sequence[Group]) -> str:
    if not groups:
        return "No two files are identical."
    places = Counter(" and ".join(sorted({film.split for film in group.films})) for group in groups)
    where = ", ".join(f"{n} in {place}" for place, n in sorted(places.items(), key=lambda item: -item[1]))
    files = sum(len(group.films) for group in groups)
    return f"{count(len(groups), 'group')} of identical files, {files:,} files in all: {where}."


def _near(groups: Sequence[Group]) -> str:
    method = f"256-bit difference hashes ≤ {FARTHEST} bits apart and correlation ≥ {LEAST_CORRELATION}"
    if not groups:
        return f"No other two films are nearly the same ({method}); crops would escape this."
    files = sum(len(group.films) for group in groups)
    groups_found = count(len(groups), "group")
    return f"{groups_found} of different files with nearly the same picture, {files:,} in all ({method})."


def _crossing(groups: Sequence[Group]) -> str:
    across = {
        "across train and test": sum(group.crosses_splits for group in groups),
        "across classes": sum(group.crosses_classes for group in groups),
        "filed under two patients or more": sum(group.crosses_patients for group in groups),
    }
    return "Of these groups, " + ", ".join(f"{n or 'none'} {where}" for where, n in across.items()) + "."


def _care(groups: Sequence[Group]) -> list[str]:
    care = []
    if any(group.crosses_splits for group in groups):
        care.append(
            "The same picture is in train and in test: delete it from one before anything is trained."
        )
    if any(group.crosses_classes for group in groups):
        care.append("The same picture has two labels: find out which is right, or delete both.")
    if groups and not care:
        two = sum(group.crosses_patients for group in groups)
        but = f", but for {two:,} filed under two patients" if two else ""
        whole = f"each of {count(len(groups), 'group')} stays on one side{but}"
        care.append(f"Duplicates weigh double; divided by patient, {whole}.")
    return care


def _table(groups: Sequence[Group]) -> Table:
    rows = [
        [
            "exact" if group.exact else "near",
            ", ".join(sorted({film.split for film in group.films})),
            ", ".join(sorted({film.subtype for film in group.films})),
            ", ".join(sorted({film.patient for film in group.films})),
            ", ".join(film.id.rsplit("/", 1)[-1].rsplit(".", 1)[0] for film in group.films),
        ]
        for group in groups[:SHOWN]
    ]
    rest = groups[SHOWN:]
    alike = "" if any(map(_crossings, rest)) else ", each within one split, class and patient"
    return Table(
        ["kind", "split", "class", "patient", "files"],
        rows,
        [f"And {count(len(rest), 'group')} more{alike}."] if rest else [],
        left=5,
    )
