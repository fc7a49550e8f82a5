"""The headers of a set of films together: their common depth, and sentences on how they are read."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol

from pneumo_tf.data.formats.gray import DEPTHS


class Described(Protocol):
    """Header of a film; the attributes are those of `ImageHeader`."""

    bits: int
    depth_stated: bool
    notes: tuple[str, ...]


def choose_bits(headers: Iterable[Described]) -> int:
    """Return the depth at which films that do not state theirs are read: one for the set, 12 or 16 bits.

    A film alone cannot show it: a dark one of 16 bits would pass for a bright one of 12.
    """
    return max((header.bits for header in headers if not header.depth_stated), default=DEPTHS[-1])


def describe_reading(ids: Sequence[str], headers: Sequence[Described]) -> tuple[str, ...]:
    """Describe in sentences what is done to films when they are decoded, with counts and an example of each.

    Args:
        ids: Film ids.
        headers: The header of each.

    Returns:
        Sentences in plain text, none if nothing is done to any film.
    """
    films: dict[str, list[str]] = defaultdict(list)
    common = choose_bits(headers)
    for film_id, header in zip(ids, headers, strict=True):
        for note in _notes(header, common):
            films[note].append(film_id)
    return tuple(
        f"{len(named):,} of {len(ids):,} films: {note} (such as {named[0]})."
        for note, named in sorted(films.items())
    )


def _notes(header: Described, common: int) -> Iterable[str]:
    yield from header.notes
    if not header.depth_stated:
        found = "the smallest of 12 and 16 that holds every such film of the set"
        yield f"more than 8 bits, read as {common} bits, {found}"
    elif header.bits > 8:
        yield f"{header.bits} bits, as the file states, read as 8"
