"""Messages that a codec in C prints to standard error, collected so that a film's name can be added."""

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

STANDARD_ERROR = 2
"""File descriptor that C libraries print on."""

_one_at_a_time = threading.Lock()


@contextmanager
def collected_messages() -> Iterator[list[str]]:
    """Collect the output to standard error while a codec works.

    The descriptor belongs to the whole process, so only one thread collects at a time, and the output of
    other threads is collected too. Codecs that report errors in other ways do not need this.

    Yields:
        A list, empty until the block ends, then each distinct line.
    """
    lines: list[str] = []
    with _one_at_a_time, tempfile.TemporaryFile() as printed:
        original = os.dup(STANDARD_ERROR)
        try:
            os.dup2(printed.fileno(), STANDARD_ERROR)
            yield lines
        finally:
            os.dup2(original, STANDARD_ERROR)
            os.close(original)
        printed.seek(0)
        text = printed.read().decode("utf-8", "replace")
        lines += dict.fromkeys(line.strip() for line in text.splitlines() if line.strip())
