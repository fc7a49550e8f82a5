"""The fixed random order in which films are divided."""

import hashlib


def hash_order(key: str, purpose: str) -> bytes:
    """Return a sort key for a fixed random order that depends neither on libraries nor on other keys.

    Args:
        key: Key of the item to sort, such as a film id.
        purpose: Name of the order; each name gives another one.
    """
    return hashlib.sha256(f"pneumo_tf/{purpose}/{key}".encode()).digest()
