"""A small CNN with and without regularisation, and frozen or fine-tuned backbones, at 180 px.

Source: a Keras/TensorFlow project on the official folders. RGB, Adam, sparse cross-entropy from logits; its
final model was chosen on the test set.

Expected on the official test set: CNNs accuracy .72–.86, transfer .80–.90.
Command: `python -m benchmarks.run_all --only 'baseline_cnn,regularized_cnn,mobilenetv2_*,densenet121_frozen'`
"""

from pneumo_tf.recipe import Augment, Head, Phase, Published, Recipe

_FAMILY = "Baseline, regularised and frozen models"
_SOURCE = "Keras/TensorFlow project, 180 px, official folders"
_TEST = "official test, which also chose the model"
_CHOSEN = "Adam 1e-3, batch 32, 10 epochs"
_FROZEN = Phase(epochs=10, learning_rate=1e-3, train="head")


def _published(tn: int, fp: int, fn: int, tp: int, accuracy: float, macro_f1: float) -> tuple[Published, ...]:
    metrics = {"accuracy": accuracy, "macro_f1": macro_f1}
    return (Published(_TEST, metrics, (tn, fp, fn, tp), "published-test-selected"),)


RECIPES = (
    Recipe(
        name="baseline_cnn",
        architecture="conv3",
        size=180,
        head=Head(pool="flatten", units=(128,)),
        phases=(Phase(epochs=10, learning_rate=1e-3, batch_norm="training"),),
        family=_FAMILY,
        source=_SOURCE,
        chosen=f"filters 32, 64, 128; {_CHOSEN}",
        published=_published(64, 170, 2, 388, 0.72, 0.62),
        expected=(0.70, 0.86),
    ),
    Recipe(
        name="regularized_cnn",
        architecture="conv3_bn",
        size=180,
        head=Head(pool="flatten", units=(128,), dropout=0.5),
        augment=Augment(flip=0.5, rotation=18, zoom=(0.9, 1.1)),
        phases=(Phase(epochs=10, learning_rate=1e-3, batch_norm="training"),),
        family=_FAMILY,
        source=_SOURCE,
        chosen=f"filters 32, 64, 128; batch norm kept; rotation ±18°, zoom ±10 %; {_CHOSEN}",
        published=_published(153, 81, 6, 384, 0.86, 0.84),
        expected=(0.63, 0.90),
    ),
    Recipe(
        name="mobilenetv2_frozen",
        architecture="mobilenetv2",
        size=180,
        initial="imagenet",
        phases=(_FROZEN,),
        family=_FAMILY,
        source=_SOURCE,
        chosen=f"head of one dense layer; {_CHOSEN}",
        expected=(0.80, 0.90),
    ),
    Recipe(
        name="mobilenetv2_finetuned",
        architecture="mobilenetv2",
        size=180,
        initial="imagenet",
        phases=(_FROZEN, Phase(epochs=10, learning_rate=1e-5, train="last_stage")),
        family=_FAMILY,
        source=_SOURCE,
        chosen=f"head of one dense layer; last stage at 1e-5; {_CHOSEN} a phase",
        expected=(0.80, 0.92),
    ),
    Recipe(
        name="densenet121_frozen",
        architecture="densenet121",
        size=180,
        initial="imagenet",
        phases=(_FROZEN,),
        family=_FAMILY,
        source=_SOURCE,
        chosen=f"head of one dense layer; {_CHOSEN}",
        expected=(0.78, 0.90),
    ),
)
