"""Scored sets with a known truth, several films to a patient."""

import numpy as np

from pneumo_tf.evaluation.labelled_predictions import Scored


def scored(labels, score, patients=None, subtypes=None) -> Scored:
    """A set from columns; every film of a patient of its own unless told."""
    labels, score = np.asarray(labels, np.int8), np.asarray(score, np.float64)
    ids = tuple(f"{number}.jpeg" for number in range(len(labels)))
    patients = np.array(ids) if patients is None else np.asarray(patients, str)
    subtypes = np.where(labels == 1, "virus", "normal") if subtypes is None else np.asarray(subtypes)
    return Scored(ids, labels, score[:, None].astype(np.float32), score, patients, subtypes)


def with_score(films: Scored, score: np.ndarray) -> Scored:
    """The same films under another model."""
    return Scored(films.ids, films.labels, films.logits, score, films.patients, films.subtypes)


class Study:
    """Films of patients with one to four films each; a score is label, patient, film and chance.

    Args:
        rng: Draws the patients, and every model.
        patients: Normals and sick.
        mixed: Further patients who have films of both classes.
    """

    def __init__(self, rng: np.random.Generator, patients: tuple[int, int] = (60, 60), mixed: int = 0):
        self.rng = rng
        each = rng.integers(1, 5, sum(patients) + mixed)
        person = np.repeat(np.arange(len(each)), each)
        labels = np.repeat(np.repeat([0, 1, 2], [*patients, mixed]), each)
        chance = rng.integers(0, 2, len(labels))
        self.films = scored(np.where(labels == 2, chance, labels), np.zeros(len(labels)), person)
        self.person, self.count = person, len(each)
        self.hard = rng.normal(size=len(each))[person] + rng.normal(size=len(person))

    def model(self, skill: float = 1.5) -> "Model":
        """A recipe: what it finds hard is partly its own."""
        own = self.rng.normal(size=self.count)[self.person] + self.rng.normal(size=len(self.person))
        return Model(self, skill * (self.films.labels - 0.5) + 0.8 * self.hard + 0.6 * own)


class Model:
    """Gives runs of one recipe.

    Args:
        study: Its films.
        mean: (n,) score without the chance of training.
    """

    def __init__(self, study: Study, mean: np.ndarray) -> None:
        self.study, self.mean = study, mean

    def runs(self, seeds: int = 1, training: float = 0.0, noise: float = 0.4) -> list[Scored]:
        """Runs whose skill varies by `training`, and whose errors vary by `noise`."""
        films, rng = self.study.films, self.study.rng
        return [
            with_score(
                films,
                self.mean
                + training * rng.normal() * (films.labels - 0.5)
                + noise * rng.normal(size=len(films)),
            )
            for _ in range(seeds)
        ]
