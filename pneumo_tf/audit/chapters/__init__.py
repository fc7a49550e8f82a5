"""The chapters of the page, in reading order; a new one is one entry."""

from collections.abc import Callable

from pneumo_tf.audit.chapter import Chapter
from pneumo_tf.audit.chapters import counts, duplicates, leakage, patients, shift, shortcuts, sizes
from pneumo_tf.audit.decoded import DecodedSet

CHAPTERS: dict[str, Callable[[DecodedSet], Chapter]] = {
    "counts": counts.write,
    "duplicates": duplicates.write,
    "patients": patients.write,
    "leakage": leakage.write,
    "shift": shift.write,
    "sizes": sizes.write,
    "trivial models": shortcuts.write,
}
"""What gives each chapter, by what it is about."""
