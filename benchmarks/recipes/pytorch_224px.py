"""A custom CNN on one channel, and ResNet-18 fine-tuned in two phases, at 224 px.

Source: a PyTorch project. Weight decay is added to the gradient, as in torch; crops beyond the film are
black. The test set chose the checkpoint: its accuracy ranged from .808 to .925 over the epochs of phase 2.

Expected on the official test set: custom CNN accuracy .75–.90, ResNet-18 .80–.93.
Command: `python -m benchmarks.run_all --only 'custom_cnn,resnet18_transfer'`
"""

from pneumo_tf.recipe import Augment, Head, Phase, Published, Recipe

_FAMILY = "Custom CNN and two-phase ResNet-18"
_SOURCE = "PyTorch project, 224 px, official folders"
_TEST = "official test, which also chose the checkpoint"
_PROTOCOL = "published-test-selected"
_NOTEBOOK = "the same, as its notebooks print it"

RECIPES = (
    Recipe(
        name="custom_cnn",
        architecture="conv3_gray",
        head=Head(pool="flatten", units=(256,), dropout=0.5),
        augment=Augment(
            rotation=10,
            flip=0.5,
            gain=0.1,
            contrast=0.1,
            crop_area=(0.85, 1.0),
            crop_aspect=(3 / 4, 4 / 3),
            fill="black",
        ),
        phases=(Phase(epochs=10, learning_rate=5e-5, batch_norm="training", l2=1e-4, patience=3),),
        family=_FAMILY,
        source=_SOURCE,
        published=(
            Published(
                _TEST,
                {"accuracy": 0.8958, "sensitivity": 0.941, "specificity": 0.821, "auc": 0.948},
                protocol=_PROTOCOL,
            ),
            Published(_NOTEBOOK, {"auc": 0.9487}, (184, 50, 15, 375), _PROTOCOL),
        ),
        expected=(0.75, 0.90),
    ),
    Recipe(
        name="resnet18_transfer",
        architecture="resnet18",
        initial="imagenet",
        head=Head(units=(256,), batch_norm=True, dropout=0.5),
        augment=Augment(
            rotation=8,
            flip=0.3,
            gain=0.05,
            contrast=0.05,
            crop_area=(0.9, 1.0),
            crop_aspect=(3 / 4, 4 / 3),
            fill="black",
        ),
        phases=(
            Phase(epochs=10, learning_rate=1e-3, train="head", batch_norm="training"),
            Phase(epochs=15, learning_rate=5e-5, train="last_stage", batch_norm="training", l2=1e-4),
        ),
        family=_FAMILY,
        source=_SOURCE,
        chosen="batch 32 and crop aspect 3/4–4/3 as in the custom CNN",
        published=(
            Published(
                _TEST,
                {"accuracy": 0.9247, "sensitivity": 0.979, "specificity": 0.821, "auc": 0.962},
                protocol=_PROTOCOL,
            ),
            Published(_NOTEBOOK, {"auc": 0.9712}, (193, 41, 6, 384), _PROTOCOL),
        ),
        expected=(0.80, 0.93),
    ),
)
