"""Patients per folder, and patients with films in two folders."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np

from pneumo_tf.audit.chapter import Chapter, count_of, list_names
from pneumo_tf.audit.decoded import DecodedSet
from pneumo_tf.report.markdown import Markdown, Table, code


def describe_patients(decoded: DecodedSet) -> Chapter:
    """Count patients per folder and patients with films in two folders."""
    if not decoded.films.patients_known:
        return Chapter("Patients", left_out="no patient of these films is known")
    folders = [folder for folder in ("train", "val", "test") if folder in decoded.folders]
    shared = {pair: find_shared_patients(decoded, *pair) for pair in combinations(folders, 2)}
    findings = [*_sharing(shared), _largest(decoded)]
    care = [
        Markdown("Remove the patients who are in {} and in {} from one of them: {}.").format(
            one, other, list_names(names)
        )
        for (one, other), names in shared.items()
        if names
    ]
    misleading, (wrong, people) = decoded.dataset.source.misleading_number, count_naive_overlap(decoded)
    if wrong:
        findings.append(
            Markdown(
                "By the number in {} alone, {:,} of {:,} test patients with pneumonia would seem to be in "
                "train. {}"
            ).format(code(misleading.shown), wrong, people, Markdown(misleading.explanation))
        )
        care.append(Markdown(misleading.advice))
    return Chapter("Patients", findings, [_table(decoded, folders)], (), care)


def find_shared_patients(decoded: DecodedSet, one: str, other: str) -> list[str]:
    """Return the patients with films in both folders, sorted."""
    return sorted(_patients(decoded, [one]) & _patients(decoded, [other]))


def count_naive_overlap(decoded: DecodedSet) -> tuple[int, int]:
    """Count test patients with pneumonia by the misleading number in their file names.

    Returns:
        Number of patients whose number also occurs in train, and number of all; 0, 0 for datasets without
        such a number.
    """
    misleading = decoded.dataset.source.misleading_number
    if misleading is None:
        return 0, 0
    numbers = {"train": set(), "test": set()}
    for film in decoded.films:
        if number := misleading.of(film.id):
            numbers[film.split].add(number)
    return len(numbers["test"] & numbers["train"]), len(numbers["test"])


def _patients(decoded: DecodedSet, folders: Sequence[str], label: int | None = None) -> set[str]:
    of_class = np.ones(len(decoded.films), bool) if label is None else decoded.films.labels == label
    return set(decoded.patients[np.isin(decoded.folders, folders) & of_class].tolist())


def _sharing(shared: Mapping[tuple[str, str], Sequence[str]]) -> list[str]:
    """Describe patients with films in two folders; no sentence if there is only one folder."""
    if not shared:
        return []
    found = [
        f"{count_of(len(names), 'patient')} in {one} and in {other}"
        for (one, other), names in shared.items()
        if names
    ]
    return [f"{'; '.join(found)}." if found else f"No patient is in two of {_and(shared)}."]


def _and(pairs: Iterable[tuple[str, str]]) -> str:
    *names, last = dict.fromkeys(folder for pair in pairs for folder in pair)
    return f"{', '.join(names)} and {last}"


def _largest(decoded: DecodedSet) -> str:
    films_of = Counter(decoded.patients.tolist())
    patient, most = films_of.most_common(1)[0]
    several = sum(n for n in films_of.values() if n > 1)
    return (
        f"{several:,} of {len(decoded.films):,} films belong to a patient with more than one; "
        f"{patient} has most, {most}."
    )


def _table(decoded: DecodedSet, folders: Sequence[str]) -> Table:
    sides = [[folder] for folder in folders]
    if "val" in folders:
        sides.insert(2, ["train", "val"])
    rows = [
        [
            " + ".join(side),
            f"{len(_patients(decoded, side, 1)):,}",
            f"{len(_patients(decoded, side, 0)):,}",
            f"{np.isin(decoded.folders, side).sum():,}",
        ]
        for side in sides
    ]
    return Table(["split", "patients with pneumonia", "normal patients", "films"], rows)
