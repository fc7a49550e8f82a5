"""Rows without a network: prevalence, image size, border, thumbnail and metadata.

Expected on the official test set: image size accuracy .83, AUC .90; 16×16 thumbnails .80 and .91.
Command: `python -m benchmarks.run_all --suite trivial`
"""

from pneumo_tf.recipe import Recipe

_FAMILY = "Trivial"

RECIPES = (
    Recipe(name="majority", architecture="majority", family=_FAMILY, source="the larger class of training"),
    Recipe(
        name="image_size",
        architecture="image_size",
        family=_FAMILY,
        source="logistic regression on width, height and aspect; no pixels",
    ),
    Recipe(
        name="thumbnail",
        architecture="thumbnail",
        family=_FAMILY,
        source="logistic regression on 16×16 thumbnails",
    ),
    Recipe(
        name="border",
        architecture="border",
        family=_FAMILY,
        source="logistic regression on the outermost two pixels of 32×32",
    ),
    Recipe(
        name="metadata",
        architecture="metadata",
        family=_FAMILY,
        source="logistic regression on age, sex and view; no pixels",
    ),
)
