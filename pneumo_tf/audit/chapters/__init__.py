"""The chapters of the page, in their order. To add one, add an entry."""

from collections.abc import Callable

from pneumo_tf.audit.chapter import Chapter
from pneumo_tf.audit.chapters import counts, duplicates, leakage, patients, pixels, shift, shortcuts, sizes
from pneumo_tf.audit.decoded import DecodedSet

CHAPTERS: dict[str, Callable[[DecodedSet], Chapter]] = {
    "counts": counts.describe_counts,
    "duplicates": duplicates.describe_duplicates,
    "patients": patients.describe_patients,
    "leakage": leakage.describe_leakage,
    "shift": shift.describe_shift,
    "pixels": pixels.describe_pixels,
    "sizes": sizes.describe_sizes,
    "trivial models": shortcuts.describe_trivial_models,
}
"""Functions that create a chapter, by subject."""
