"""Simulated test sets with a known truth: patients with several films, recipes with several runs."""

import numpy as np
from numpy.typing import ArrayLike

from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions

OWN, SHARED, CHANCE = 0.6, 0.8, 0.4
"""Standard deviations of a score: difficulty for one recipe, difficulty for all recipes, chance of a run.

The first two are the sum of a part shared by all films of a patient and a part of the film, each of variance
1.
"""

SCORE_VARIANCE = 2 * (SHARED**2 + OWN**2) + CHANCE**2
"""Variance of the scores of a class."""


def make_predictions(
    labels: ArrayLike, score: ArrayLike, patients: ArrayLike | None = None, subtypes: ArrayLike | None = None
) -> LabelledPredictions:
    """Return labelled predictions from columns.

    Args:
        labels: (n,) 0 normal, 1 pneumonia.
        score: (n,) logit differences.
        patients: (n,) key of the person on each film; by default every film has a patient of its own.
        subtypes: (n,) by default `"normal"` and `"virus"`.
    """
    labels, score = np.asarray(labels, np.int8), np.asarray(score, np.float64)
    ids = tuple(f"{number}.jpeg" for number in range(len(labels)))
    patients = np.array(ids) if patients is None else np.asarray(patients, str)
    subtypes = np.where(labels == 1, "virus", "normal") if subtypes is None else np.asarray(subtypes)
    return LabelledPredictions(ids, labels, score[:, None].astype(np.float32), score, patients, subtypes)


def replace_score(films: LabelledPredictions, score: np.ndarray) -> LabelledPredictions:
    """Return the same films with the scores, (n,), of another model."""
    return LabelledPredictions(films.ids, films.labels, films.logits, score, films.patients, films.subtypes)


class Study:
    """Test films of patients with one to four films each.

    A score is the sum of effects of label, patient, film and chance.

    Args:
        rng: Generator of the patients and of every model.
        patients: Numbers of normal patients and of patients with pneumonia.
        mixed: Number of further patients, who have films of both classes.
    """

    def __init__(
        self, rng: np.random.Generator, patients: tuple[int, int] = (60, 60), mixed: int = 0
    ) -> None:
        self.rng = rng
        each = rng.integers(1, 5, sum(patients) + mixed)
        person = np.repeat(np.arange(len(each)), each)
        labels = np.repeat(np.repeat([0, 1, 2], [*patients, mixed]), each)
        chance = rng.integers(0, 2, len(labels))
        self.films = make_predictions(np.where(labels == 2, chance, labels), np.zeros(len(labels)), person)
        self.person, self.count = person, len(each)
        self.hard = rng.normal(size=len(each))[person] + rng.normal(size=len(person))

    def model(self, skill: float = 1.5) -> "Model":
        """Return a recipe whose mean score differs by `skill` between the classes."""
        own = self.rng.normal(size=self.count)[self.person] + self.rng.normal(size=len(self.person))
        return Model(self, skill * (self.films.labels - 0.5) + SHARED * self.hard + OWN * own)


class Model:
    """A recipe that can be trained any number of times.

    Args:
        study: The films that it scores.
        mean: (n,) scores without the chance of training.
    """

    def __init__(self, study: Study, mean: np.ndarray) -> None:
        self.study, self.mean = study, mean

    def runs(self, seeds: int = 1, training: float = 0.0, noise: float = CHANCE) -> list[LabelledPredictions]:
        """Return runs of the recipe.

        Args:
            seeds: Number of runs.
            training: Standard deviation of the skill between runs.
            noise: Standard deviation of the errors of single films between runs.
        """
        films, rng = self.study.films, self.study.rng
        return [
            replace_score(
                films,
                self.mean
                + training * rng.normal() * (films.labels - 0.5)
                + noise * rng.normal(size=len(films)),
            )
            for _ in range(seeds)
        ]
