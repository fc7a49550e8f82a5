"""Division of films by patient: samples and parts in which subtypes have nearly the same proportions.

Patients form strata by the subtypes of their films. Random orders come from hashes, so that, unlike those of
scikit-learn's `StratifiedGroupKFold`, they never change with the version of a library.
"""

from collections import defaultdict
from collections.abc import Sequence

from pneumo_tf.data.films import Film
from pneumo_tf.data.hash_order import hash_order


def sample_patients(films: Sequence[Film], fraction: float, purpose: str) -> set[str]:
    """Sample patients who together have a fraction of the films of each subtype.

    Args:
        films: Films of all patients.
        fraction: Fraction of the films, between 0 and 1.
        purpose: Name of the fixed random order in which patients are sampled.
    """
    counts, strata = _strata(films)
    sampled: set[str] = set()
    for patients in strata:
        patients.sort(key=lambda patient: hash_order(patient, purpose))
        sampled |= _fill(patients, counts, fraction * sum(counts[patient] for patient in patients))
    return sampled


def distribute_patients(films: Sequence[Film], parts: int, purpose: str) -> list[set[str]]:
    """Distribute patients over parts with nearly the same number of films of each subtype.

    Patients are assigned in the order of their number of films, most films first, each to the part with the
    fewest films of its stratum: patients with one film come last and make the parts equal.

    Args:
        films: Films of all patients.
        parts: Number of parts.
        purpose: Name of the fixed random order of patients with the same number of films.

    Reference: R. Graham, Bounds on multiprocessing timing anomalies, SIAM J. Appl. Math. 17, 1969.
    """
    counts, strata = _strata(films)
    chosen: list[set[str]] = [set() for _ in range(parts)]
    whole = [0] * parts
    for patients in strata:
        patients.sort(key=lambda patient: (-counts[patient], hash_order(patient, purpose)))
        of_stratum = [0] * parts
        for patient in patients:
            part = min(range(parts), key=lambda part: (of_stratum[part], whole[part]))
            chosen[part].add(patient)
            of_stratum[part] += counts[patient]
            whole[part] += counts[patient]
    return chosen


def _strata(films: Sequence[Film]) -> tuple[dict[str, int], list[list[str]]]:
    """Return the number of films of each patient, and the patients of each stratum."""
    counts: dict[str, int] = defaultdict(int)
    subtypes: dict[str, set[str]] = defaultdict(set)
    for film in films:
        counts[film.patient] += 1
        subtypes[film.patient].add(film.subtype)
    strata: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for patient, kinds in subtypes.items():
        strata[tuple(sorted(kinds))].append(patient)
    return counts, [patients for _, patients in sorted(strata.items())]


def _fill(patients: Sequence[str], counts: dict[str, int], target: float) -> set[str]:
    """Take patients in order if they fit: a patient with 30 films must not double a small side."""
    chosen: set[str] = set()
    room = round(target)
    for patient in patients:
        if counts[patient] <= room:
            chosen.add(patient)
            room -= counts[patient]
    if not chosen and len(patients) > 1:
        chosen.add(min(patients, key=lambda patient: counts[patient]))
    return chosen
