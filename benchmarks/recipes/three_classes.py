"""Classification of normal, bacterial and viral films by a frozen backbone and a small CNN.

Source: the recipes of two classes with one more logit, so that both scores of pneumonia can be compared. The
subtypes are those in the names of the Kermany films (Kermany et al. 2018).

Expected on the official test set: accuracy of normal against pneumonia .70–.90.
Command: `python -m benchmarks.run_all --suite three_classes`
"""

from dataclasses import replace

from benchmarks.recipes import keras_180px
from pneumo_tf.recipe import Recipe


def _three_classes(two_classes: Recipe) -> Recipe:
    return replace(
        two_classes,
        name=f"{two_classes.name}_3_classes",
        head=replace(two_classes.head, classes=3),
        family="Three classes",
        source=f"ours: {two_classes.name} with logits of normal, bacteria and virus",
        published=(),
    )


RECIPES = tuple(
    _three_classes(recipe)
    for recipe in keras_180px.RECIPES
    if recipe.name in ("mobilenetv2_frozen", "baseline_cnn")
)
