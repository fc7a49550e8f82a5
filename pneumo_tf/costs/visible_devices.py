"""`CUDA_VISIBLE_DEVICES` as CUDA reads it: numbers or prefixes of UUIDs, up to the first invalid entry."""

from collections.abc import Sequence
from typing import NamedTuple

NO_DEVICE = ("-1", "none", "NoDevFiles")
"""Entries that hide all GPUs on purpose."""


class Card(NamedTuple):
    """One card of the machine.

    Args:
        index: Number, in the order of the PCI bus.
        uuid: UUID, "" if it is not known.
        slices: UUIDs of its MIG slices, None if it is not divided.
        name: Name in NVML, "" if NVML cannot read the card.
        capability: Compute capability, major and minor.
    """

    index: int
    uuid: str = ""
    slices: tuple[str, ...] | None = None
    name: str = ""
    capability: tuple[int, int] = (0, 0)


Chosen = list[tuple[Card, str]]


def select_cards(cards: Sequence[Card], visible: str | None) -> tuple[Chosen, str | None]:
    """Select the cards and slices that a value of `CUDA_VISIBLE_DEVICES` names.

    A process can use one slice only, but each worker has its own process, so all named slices are selected.

    Args:
        cards: All cards, by number.
        visible: Value of the variable, None if it is not set.

    Returns:
        Cards, each with the entry that selects it or its slice; and the first invalid entry, None if there is
        none or if it is in `NO_DEVICE`.
    """
    if visible is None:
        return [(card, entry) for card in cards for entry in _entries(card)], None
    chosen: Chosen = []
    for entry in (part.strip() for part in visible.split(",")):
        found = _find(cards, entry)
        if found is None:
            return chosen, None if entry in NO_DEVICE else entry
        chosen.append(found)
    # CUDA shows no GPU at all if one is named twice.
    twice = len({(card.index, entry if card.slices else "") for card, entry in chosen}) < len(chosen)
    return ([], visible) if twice else (chosen, None)


def _entries(card: Card) -> tuple[str, ...]:
    return (str(card.index),) if card.slices is None else card.slices


def _find(cards: Sequence[Card], entry: str) -> tuple[Card, str] | None:
    if entry.isdecimal():
        named = [card for card in cards if card.index == int(entry)]
    else:
        named = [card for card in cards if entry.startswith("GPU-") and card.uuid.startswith(entry)]
        slices = [(card, uuid) for card in cards for uuid in card.slices or () if uuid.startswith(entry)]
        if entry.startswith("MIG-"):
            return slices[0] if len(slices) == 1 else None
    if len(named) != 1:
        return None
    # The name of a divided card selects its first slice.
    (card,) = named
    if card.slices is None:
        return card, entry
    return (card, card.slices[0]) if card.slices else None
