"""A small CNN with one logit, trained by SGD at 160 px.

Source: a PyTorch project. BCE with `pos_weight` 0.6, edges cropped, rotation ±15°; scored on a random 15 % of
train and test pooled, where the patients of 38 % of the held-out films are also in training.

Expected on the official test set: accuracy .75–.90.
Command: `python -m benchmarks.run_all --only small_cnn_sgd`
"""

from pneumo_tf.recipe import Augment, Head, Phase, Published, Recipe

RECIPES = (
    Recipe(
        name="small_cnn_sgd",
        architecture="conv4_gray",
        size=160,
        edge_crop=0.05,
        head=Head(units=(64,), classes=1),
        augment=Augment(rotation=15, fill="black"),
        class_weights=(1.0, 0.6),
        phases=(Phase(epochs=20, learning_rate=1e-2, batch_norm="training", optimizer="sgd", momentum=0.9),),
        family="Small CNN with SGD",
        source="PyTorch project, 160 px, random split of train and test pooled",
        chosen="four blocks 16/32/64/128, dense 64; edges cropped by 5 %; SGD 1e-2, momentum .9, 20 passes",
        published=(
            Published(
                "random 15 % of train + test pooled, patients on both sides",
                {
                    "accuracy": 0.88,
                    "auc": 0.956,
                    "sensitivity": 0.87,
                    "specificity": 0.91,
                    "ppv": 0.96,
                    "npv": 0.73,
                },
                protocol="published-pooled",
            ),
        ),
        expected=(0.75, 0.90),
    ),
)
