"""Keras Applications backbones trained in two phases: the head alone, then everything.

Source: a Keras/TensorFlow study on one A100 40 GB. 224 px squashed, rotation ±20°, shift ±20 %, flip;
global average pool, one dense layer, dropout 0.5, softmax; class weights N / count; the last epoch's weights.
Its published validation set is the first tenth of `train/` by file name, augmented; the confusion matrices of
the same authors, on test and val together, show far more false positives.

`efficientnet_b0 efficientnet_v2b0 densenet169 convnext_tiny` are backbones that its authors name as future
work, with the same recipe.

Expected on the official test set: accuracy .72–.93, AUC .94–.985.
Command: `python -m benchmarks.run_all --only convnext_base`
"""

from pneumo_tf.recipe import Augment, Head, Phase, Published, Recipe

_VALIDATION = "first tenth of train/ by file name, 521 films, augmented"
_TEST_AND_VAL = "official test + val, 640 films"
_CHOSEN = "15 true passes a phase: the authors' 30 epochs were 15, every second one ending after one step"


def _two_phase(
    name: str,
    units: int,
    batch: int,
    rate: float,
    *,
    accuracy: float | None = None,
    f1: float | None = None,
    loss: float | None = None,
    confusion: tuple[int, int, int, int] | None = None,
    chosen: str = _CHOSEN,
) -> Recipe:
    validation = Published(
        _VALIDATION,
        {"accuracy": accuracy, "f1": f1, "log_loss": loss},
        protocol="published-alphabetical",
    )
    matrix = Published(_TEST_AND_VAL, confusion=confusion, protocol="published-640")
    return Recipe(
        name=name,
        architecture=name,
        head=Head(units=(units,), dropout=0.5),
        augment=Augment(rotation=20, shift=0.2, flip=0.5, fill="nearest"),
        batch=batch,
        class_weights="inverse_frequency",
        initial="imagenet",
        select="last",
        phases=(
            Phase(epochs=15, learning_rate=1e-3, train="head"),
            Phase(epochs=15, learning_rate=rate, train="all", batch_norm="training"),
        ),
        family="Two-phase transfer" if accuracy else "Two-phase transfer, further backbones",
        source="Keras/TensorFlow study on one A100"
        if accuracy
        else "the same recipe; its authors name the backbone as future work",
        chosen=chosen,
        published=(validation, matrix) if accuracy else (),
        expected=(0.72, 0.93),
    )


RECIPES = (
    _two_phase(
        "convnext_base", 1024, 256, 1e-5, accuracy=0.9705, f1=0.9544, loss=0.0747, confusion=(174, 68, 2, 396)
    ),
    _two_phase(
        "densenet121", 512, 512, 1e-4, accuracy=0.9086, f1=0.9285, loss=0.3432, confusion=(64, 178, 0, 398)
    ),
    _two_phase(
        "resnet50v2", 512, 512, 1e-4, accuracy=0.9537, f1=0.9459, loss=0.1723, confusion=(57, 185, 0, 398)
    ),
    _two_phase(
        "resnet101v2",
        512,
        512,
        1e-4,
        accuracy=0.9595,
        f1=0.9356,
        loss=0.1784,
        confusion=(123, 119, 2, 396),
        chosen=f"{_CHOSEN}; phase-2 rate as in ResNet50V2",
    ),
    _two_phase(
        "vgg16", 1024, 512, 1e-5, accuracy=0.9595, f1=0.9192, loss=0.1030, confusion=(170, 72, 5, 393)
    ),
    _two_phase("efficientnet_b0", 512, 512, 1e-4, chosen="width, batch and rate as in DenseNet121"),
    _two_phase("efficientnet_v2b0", 512, 512, 1e-4, chosen="width, batch and rate as in DenseNet121"),
    _two_phase("densenet169", 512, 512, 1e-4, chosen="width, batch and rate as in DenseNet121"),
    _two_phase("convnext_tiny", 1024, 256, 1e-5, chosen="width, batch and rate as in ConvNeXtBase"),
)
