"""The protocols: how films are divided, which of them a run may use, and whether results are ranked."""

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
"""Validation films that `limit` keeps if there are as many: with fewer, models cannot be compared."""


@dataclass(frozen=True)
class Protocol:
    """A way to divide films. Its random seed is fixed: `--seeds` varies only the training.

    Args:
        name: Name in options and runs.
        title: Title on the board.
        ranks: Whether models are ranked under it. Only one protocol ranks.
        folds: Number of folds, 0 for a single split.
        split: Function from films and the number of the fold (None if there are no folds) to the split.
        chooses_on_test: Whether the epoch is chosen on the films reported on, by accuracy.
        reported: Predictions that are reported: `"test"`, or `"test@augmented"` if these films are augmented
            like training films.
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
        """Whether it reproduces the protocol of a publication, with its flaws."""
        return self.name.startswith("published-")

    @property
    def fold_numbers(self) -> tuple[int | None, ...]:
        """Numbers of the folds, one per run; None for a single split."""
        return tuple(range(self.folds)) or (None,)


def limit(split: Split, films: Films, count: int) -> Split:
    """Reduce the training films, such as for a quick run; test and held-out films are all kept.

    Validation films are reduced in proportion, but not below 40. Subtypes keep their proportions. A smaller
    selection is part of every larger one, which makes learning curves comparable.

    Args:
        split: A split of these films.
        films: Every film.
        count: Number of training films to keep; if there are fewer, all are kept.

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
    # If the epoch is chosen on the films reported on, all of these are kept.
    chosen = split.validation if split.validation == split.test else sorted_ids(validation)
    return replace(split, train=sorted_ids(kept), validation=chosen)


def _spread(films: Iterable[Film]) -> list[Film]:
    """Order films so that the first n of the list have nearly the proportions of subtypes, for every n.

    The films of a subtype are spread evenly over the list, in an order from hashes of file names without
    extension, which does not depend on the names of folders.
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
        "First 10 % of train/ by file name, augmented, reported as validation",
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
    """Raise if a split trains or chooses on films it reports on, unless its protocol reproduces that.

    Raises:
        ValueError: If it does.
    """
    train, validation = set(split.train), set(split.validation)
    test, held_out = set(split.test), set(split.held_out)
    if (test | held_out) & train:
        raise ValueError(f"protocol {protocol.name} trains on films that it reports on")
    peeks = protocol.chooses_on_test and not protocol.ranks
    if held_out & validation or (test & validation and not peeks):
        raise ValueError(f"protocol {protocol.name} chooses on films that it reports on")
