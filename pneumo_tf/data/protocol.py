"""Protocols: how films are divided into training, validation and test, and whether the result may rank."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pneumo_tf.data.films import Film, Films
from pneumo_tf.data.published_protocols import (
    split_640,
    split_alphabetical,
    split_pooled,
    split_selected_on_test,
)
from pneumo_tf.data.split import Split, hash_order, sorted_ids
from pneumo_tf.errors import UserError

VALIDATION_FRACTION = 0.15
"""Of the training films, the fraction that `official` keeps for validation."""

MINIMUM_VALIDATION = 40
"""Films that `limit` leaves for validation where there are as many: fewer say nothing of a model."""


@dataclass(frozen=True)
class Protocol:
    """A way to divide films. Its randomness is its own and fixed: `--seeds` varies training only.

    Args:
        name: Its key in options and runs.
        title: As shown on the board.
        ranks: Whether models are ranked under it; not where it reproduces a flawed evaluation.
        folds: Number of folds, 0 for a single split.
        split: Divides films; takes the fold's number, None where there are no folds.
        chooses_on_test: The films reported on are also those that choose the epoch, by accuracy.
        reported: The predictions reported: `"test"`, or `"test@augmented"` where the films reported on are
            changed at random like training films.
    """

    name: str
    title: str
    ranks: bool
    folds: int
    split: Callable[[Films, int | None], Split]
    chooses_on_test: bool = False
    reported: str = "test"

    @property
    def fold_numbers(self) -> tuple[int | None, ...]:
        """What to pass to `split`, one entry per run."""
        return tuple(range(self.folds)) or (None,)


def split_official(films: Films, fold: int | None = None) -> Split:
    """Keeps the test films of the source, and takes validation out of its training films by patient.

    Args:
        films: Every film.
        fold: Not used: there is one split.

    Returns:
        15 % of the training films of each subtype in validation, whole patients only.

    Raises:
        UserError: Where a patient has films in train and test, or a side would lack a class.
    """
    source = [film for film in films if film.split == "train"]
    test = [film for film in films if film.split == "test"]
    both = sorted({film.patient for film in source} & {film.patient for film in test})
    if both:
        raise UserError(
            f"patients with films in train and in test: {len(both):,}, such as {both[0]!r}; "
            "remove them from one, or rename files that are not of one patient"
        )
    held_out = _draw_patients(source, VALIDATION_FRACTION, "official")
    train = [film for film in source if film.patient not in held_out]
    validation = [film for film in source if film.patient in held_out]
    for side, members in (("train", train), ("validation", validation), ("test", test)):
        if {film.label for film in members} != {0, 1}:
            raise UserError(
                f"{side} would lack a class; at least two patients of each class are needed in train"
            )
    return Split(sorted_ids(train), sorted_ids(validation), sorted_ids(test))


def limit(split: Split, films: Films, count: int) -> Split:
    """Leaves fewer training films, as for a quick run; a real test set is never cut.

    Validation shrinks in proportion, to no fewer than 40 films. Subtypes keep their proportions, and a
    smaller choice is part of every larger one, so that learning curves compare like with like.

    Args:
        split: A split of these films.
        films: Every film.
        count: Training films to leave; all of them where there are no more.

    Returns:
        The smaller split.

    Raises:
        UserError: Where the count is too small for both classes.
    """
    if count >= len(split.train):
        return split
    if count < 2:
        raise UserError(f"{count} training films are too few; at least 2 are needed")
    films_of = {
        side: [films.rows[i] for i in films.indices(getattr(split, side))] for side in ("train", "validation")
    }
    kept = _spread(films_of["train"])[:count]
    if len({film.label for film in kept}) < 2:
        raise UserError(f"{count} training films are too few for both classes; take more")
    proportion = round(len(split.validation) * count / len(split.train))
    validation = _spread(films_of["validation"])[: max(MINIMUM_VALIDATION, proportion)]
    # Where the films reported on choose the epoch, all of them do.
    chosen = split.validation if split.validation == split.test else sorted_ids(validation)
    return Split(sorted_ids(kept), chosen, split.test)


def _draw_patients(films: Sequence[Film], fraction: float, purpose: str) -> set[str]:
    """Patients who together have that fraction of the films of each subtype.

    A patient with films of several subtypes makes a stratum of its own kind, and is still drawn as a whole.
    """
    counts: dict[str, int] = defaultdict(int)
    subtypes: dict[str, set[str]] = defaultdict(set)
    for film in films:
        counts[film.patient] += 1
        subtypes[film.patient].add(film.subtype)
    strata: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for patient, kinds in subtypes.items():
        strata[tuple(sorted(kinds))].append(patient)
    drawn: set[str] = set()
    for patients in strata.values():
        patients.sort(key=lambda patient: hash_order(patient, purpose))
        drawn |= _fill(patients, counts, fraction * sum(counts[patient] for patient in patients))
    return drawn


def _fill(patients: Sequence[str], counts: dict[str, int], target: float) -> set[str]:
    """Takes patients in order while they fit; one of 30 films must not double a small side."""
    chosen: set[str] = set()
    room = round(target)
    for patient in patients:
        if counts[patient] <= room:
            chosen.add(patient)
            room -= counts[patient]
    if not chosen and len(patients) > 1:
        chosen.add(min(patients, key=lambda patient: counts[patient]))
    return chosen


def _spread(films: Iterable[Film]) -> list[Film]:
    """Orders films so that every head of the list has the subtypes in nearly the proportions of the whole.

    Films are placed at even distances along their subtype, in an order hashed from the file's stem, which
    is the same however the folders are named.
    """
    groups: dict[str, list[Film]] = defaultdict(list)
    for film in films:
        groups[film.subtype].append(film)
    placed = []
    for subtype, members in groups.items():
        members.sort(key=lambda film: (hash_order(PurePosixPath(film.id).stem.lower(), "limit"), film.id))
        placed += [((rank + 0.5) / len(members), subtype, film) for rank, film in enumerate(members)]
    return [film for _, _, film in sorted(placed, key=lambda item: item[:2])]


_ENTRIES = (
    Protocol("official", "Official test set", ranks=True, folds=0, split=split_official),
    Protocol(
        "published-alphabetical",
        "Alphabetical head of train/, augmented, shown as validation",
        ranks=False,
        folds=0,
        split=split_alphabetical,
        chooses_on_test=True,
        reported="test@augmented",
    ),
    Protocol("published-640", "Official test + val, 640 films", ranks=False, folds=0, split=split_640),
    Protocol("published-pooled", "Random 15 % of all films", ranks=False, folds=0, split=split_pooled),
    Protocol(
        "published-test-selected",
        "Official test, which also chose the epoch",
        ranks=False,
        folds=0,
        split=split_selected_on_test,
        chooses_on_test=True,
    ),
)

PROTOCOLS: dict[str, Protocol] = {protocol.name: protocol for protocol in _ENTRIES}
"""Protocols by name."""


def check_sides(protocol: Protocol, split: Split) -> None:
    """Refuses a split that looks at the films it reports on, unless its protocol exists to show that.

    Raises:
        ValueError: Where a film is reported on and also trained on, or chosen on by an honest protocol.
    """
    test = set(split.test)
    if test & set(split.train):
        raise ValueError(f"protocol {protocol.name} trains on films that it reports on")
    if test & set(split.validation) and (protocol.ranks or not protocol.chooses_on_test):
        raise ValueError(f"protocol {protocol.name} chooses on films that it reports on")
