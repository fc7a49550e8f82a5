"""ResNet-18 from scratch on one channel, and its ablation: augmentation, weighted loss, focal loss, sampling.

Source: a PyTorch project that describes its films as the RSNA Pneumonia Detection Challenge, adults. Its
counts, 57,199 films of pneumonia and 10,664 normal, do not match RSNA with 26,684 films, 6,012 of them
positive, so do not compare its figures with a board, even one of RSNA films. Rows are cumulative up to the
weighted loss; focal loss and class-balanced sampling, which its authors name as future work, replace it.

Expected on the official test set: accuracy .72–.88.
Commands: `python -m benchmarks.run_all --only 'resnet18_scratch*'`, and on RSNA with `--data rsna`
"""

from dataclasses import replace

from pneumo_tf.recipe import Augment, Phase, Published, Recipe

_BASE = Recipe(
    name="resnet18_scratch",
    architecture="resnet18_gray",
    phases=(Phase(epochs=20, learning_rate=1e-4, batch_norm="training", schedule="cosine"),),
    family="ResNet-18 from scratch",
    source="PyTorch project that names RSNA, 224 px, one channel",
    expected=(0.72, 0.88),
)

_AUGMENTED = replace(
    _BASE,
    name="resnet18_scratch_augmented",
    augment=Augment(rotation=10, flip=0.5, gain=0.2, contrast=0.2, fill="black"),
    chosen="rotation ±10°, brightness and contrast ±20 %, flips with these and not before",
)

RECIPES = (
    _BASE,
    _AUGMENTED,
    replace(
        _AUGMENTED,
        name="resnet18_scratch_weighted",
        class_weights="balanced",
        published=(
            Published(
                "the authors' validation, named RSNA: their counts, 57,199 pneumonia and 10,664 normal, "
                "cannot be RSNA's 26,684 films, 6,012 of them positive",
                {"accuracy": 0.839, "ppv": 0.803, "sensitivity": 0.847, "f1": 0.824, "auc": 0.89},
            ),
        ),
    ),
    replace(_AUGMENTED, name="resnet18_scratch_focal", loss="focal"),
    replace(_AUGMENTED, name="resnet18_scratch_balanced", sampling="balanced"),
)
