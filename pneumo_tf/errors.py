"""Errors that are the user's to mend: one line that says what to do, never a traceback."""

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """Wrong input or a wrong environment; the message is shown as it is, and the exit status is 2."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Builds the error for a name that is not registered.

    Args:
        kind: What was looked up, such as `"recipe"`.
        name: The name given.
        known: Every registered name.

    Returns:
        An error that names the nearest known name, or all of them where none is near.
    """
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    return UserError(f"unknown {kind} {name!r}; {hint}")
