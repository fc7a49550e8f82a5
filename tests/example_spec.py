"""The spec of a run that no test trains."""

from pneumo_tf.recipe import Phase, Recipe
from pneumo_tf.run_spec import RunSpec

SPEC = RunSpec(
    recipe=Recipe("net", "vgg16", (Phase(1, 1e-3),), size=64),
    protocol="official",
    dataset="abc",
    profile="quick",
    seed=0,
    fold=None,
    precision="float32",
    weights="random",
)
