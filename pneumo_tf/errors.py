"""Errors that the user can correct: one line with what is wrong and what to do, never a traceback."""

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """Wrong input or a wrong environment; the message is shown as it is, and the exit status is 2."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Return the error for a name that is not registered.

    Args:
        kind: Kind of thing that was looked up, such as `"recipe"`.
        name: Unknown name.
        known: Every registered name.

    Returns:
        An error with the nearest known name, or with all of them if none is near.
    """
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    return UserError(f"unknown {kind} {name!r}; {hint}")
