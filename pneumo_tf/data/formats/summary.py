"""Common depth of a set of films, and sentences on how films are decoded."""

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
    """Return the assumed depth of films that do not state theirs: 12 or 16 bits, the same for the whole set.

    A single film cannot show its depth: a dark film of 16 bits has the values of a bright film of 12.
    """
    return max((header.bits for header in headers if not header.depth_stated), default=DEPTHS[-1])


def describe_reading(ids: Sequence[str], headers: Sequence[Described]) -> tuple[str, ...]:
    """Describe conversions of films in sentences, each with a count and an example.

    Args:
        ids: Film ids.
        headers: The header of each.

    Returns:
        Sentences in plain text, none if no film is converted.
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
