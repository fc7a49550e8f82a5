"""Escaping of text from outside, such as file names, so that a terminal shows it unchanged."""


def make_printable(text: str) -> str:
    """Return text on one line of printable characters: others are escaped, as `\\r`, `\\u202e` or `\\xe9`."""
    return "".join(sign if sign.isprintable() else _escape(sign) for sign in text)


def _escape(sign: str) -> str:
    if "\udc80" <= sign <= "\udcff":  # A byte of a name that is not UTF-8, as Python holds it.
        return f"\\x{ord(sign) - 0xDC00:02x}"
    return sign.encode("unicode_escape").decode("ascii")
