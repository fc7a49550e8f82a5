"""The fixed random order that divisions of films are made with."""

import hashlib


def hash_order(key: str, purpose: str) -> bytes:
    """Return the place of a key in a fixed random order, which depends on no library and on no other key.

    Args:
        key: What is ordered, such as a film id.
        purpose: Name of the order.
    """
    return hashlib.sha256(f"pneumo_tf/{purpose}/{key}".encode()).digest()
