"""The protocols: the division of films, the films that a run may use, and whether the result may rank."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from pneumo_tf.data.films import Film, Films
from pneumo_tf.data.hash_order import hash_order
from pneumo_tf.data.protocols.by_patient import FOLDS, split_cv5, split_official
from pneumo_tf.data.protocols.published import (
    split_640,
    split_alphabetical,
    split_pooled,
    split_selected_on_test,
)
from pneumo_tf.data.protocols.split import Split, sorted_ids
from pneumo_tf.errors import UserError

MINIMUM_VALIDATION = 40
"""Films that `limit` keeps for validation if there are as many: fewer cannot compare models."""


@dataclass(frozen=True)
class Protocol:
    """A way to divide films. Its randomness is its own and fixed: `--seeds` varies training only.

    Args:
        name: Its key in options and runs.
        title: As shown on the board.
        ranks: Whether models are ranked under it: one protocol alone, or ranks would depend on what was run.
        folds: Number of folds, 0 for a single split.
        split: Divides films; takes the fold's number, None if there are no folds.
        chooses_on_test: The films reported on are also those that choose the epoch, by accuracy.
        reported: The predictions reported: `"test"`, or `"test@augmented"` if the films reported on are
            augmented like training films.
    """

    name: str
    title: str
    ranks: bool
    folds: int
    split: Callable[[Films, int | None], Split]
    chooses_on_test: bool = False
    reported: str = "test"

    @property
    def reproduces(self) -> bool:
        """Whether it exists to show what authors did, flaws included."""
        return self.name.startswith("published-")

    @property
    def fold_numbers(self) -> tuple[int | None, ...]:
        """Numbers to pass to `split`, one per run."""
        return tuple(range(self.folds)) or (None,)


def limit(split: Split, films: Films, count: int) -> Split:
    """Reduce the training films, as for a quick run; films reported on, test or held out, are all kept.

    Validation shrinks in proportion, to no fewer than 40 films. Subtypes keep their proportions, and a
    smaller choice is part of every larger one, so that learning curves compare like with like.

    Args:
        split: A split of these films.
        films: Every film.
        count: Number of training films to keep; all of them if there are not more.

    Returns:
        The smaller split.

    Raises:
        UserError: If the count is too small for both classes.
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
    # If the films reported on choose the epoch, all of them do.
    chosen = split.validation if split.validation == split.test else sorted_ids(validation)
    return replace(split, train=sorted_ids(kept), validation=chosen)


def _spread(films: Iterable[Film]) -> list[Film]:
    """Order films so that every head of the list has the subtypes in nearly the proportions of the whole.

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
    Protocol("cv5", "Five folds of train by patient", ranks=False, folds=FOLDS, split=split_cv5),
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
    """Refuse a split that trains or chooses on films it reports on, unless its protocol reproduces that.

    Raises:
        ValueError: If a film is reported on and also trained on, or, under a protocol that ranks, chosen on.
    """
    train, validation = set(split.train), set(split.validation)
    test, held_out = set(split.test), set(split.held_out)
    if (test | held_out) & train:
        raise ValueError(f"protocol {protocol.name} trains on films that it reports on")
    peeks = protocol.chooses_on_test and not protocol.ranks
    if held_out & validation or (test & validation and not peeks):
        raise ValueError(f"protocol {protocol.name} chooses on films that it reports on")
