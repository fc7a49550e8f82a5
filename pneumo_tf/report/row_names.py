"""Names of the rows of a board: the recipe's, with what tells rows apart that would share it."""

from collections import defaultdict
from collections.abc import Sequence

from pneumo_tf.run import RunSpec

TELLERS = (
    lambda spec: spec.weights.split(":")[0],
    lambda spec: spec.precision,
    lambda spec: f"{spec.weights.split(':')[0]}, {spec.precision}",
    lambda spec: f"{spec.train_films or 'all'} films",
    lambda spec: f"{spec.recipe.views or 'all'} views",
    lambda spec: spec.id.rsplit("-", 1)[1],
)
"""What is added to a recipe's name where rows would share it: the first that tells them apart."""


def name_rows(specs: Sequence[RunSpec]) -> list[str]:
    """Names rows so that no two of one protocol share a name."""
    alike: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, spec in enumerate(specs):
        alike[spec.protocol, spec.recipe.name].append(index)
    names = [spec.recipe.name for spec in specs]
    for indices in (indices for indices in alike.values() if len(indices) > 1):
        choices = ([teller(specs[index]) for index in indices] for teller in TELLERS)
        told = next(labels for labels in choices if len(set(labels)) == len(labels))
        for index, label in zip(indices, told, strict=True):
            names[index] += f" ({label})"
    return names
