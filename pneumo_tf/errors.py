"""Errors that the user can correct, shown in one line without a traceback."""

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """Wrong input or environment; commands show the message and exit with status 2."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Return the error for a name that is not registered.

    Args:
        kind: Kind of the name, such as `"recipe"`.
        name: Unknown name.
        known: Every registered name.

    Returns:
        Error with the nearest known name, or with all known names if none is near.
    """
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    return UserError(f"unknown {kind} {name!r}; {hint}")
