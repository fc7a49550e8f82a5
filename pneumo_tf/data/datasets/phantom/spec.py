"""Plan of a phantom: patients, films and film sizes, computed before a film is drawn."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np

from pneumo_tf.errors import UserError

PHANTOM_VERSION = 1
"""Version of the phantom; increase it with every change to the bytes of a film or mask, or to a file name."""

RECORD = "phantom.json"
"""File in the root of a phantom that marks the films as synthetic."""

SPLITS = ("train", "val", "test")
SUBTYPES = ("normal", "bacteria", "virus")


class FilmCounts(NamedTuple):
    """Number of films of each subtype in one split."""

    normal: int
    bacteria: int
    virus: int


@dataclass(frozen=True)
class PhantomSpec:
    """Specification of a phantom; it determines every byte.

    Args:
        seed: Seed of every random choice, 0 or more.
        train: Films per subtype in the training split.
        val: Films per subtype in the validation split.
        test: Films per subtype in the test split.
        side: Median height of a film in pixels, 64 or more; films are wider than high.

    Raises:
        UserError: If a count or the seed is negative, or the side is too small to draw a chest in.

    Example:
        >>> PhantomSpec(seed=1).test.normal
        120
    """

    seed: int = 0
    train: FilmCounts = FilmCounts(330, 330, 220)
    val: FilmCounts = FilmCounts(8, 8, 0)
    test: FilmCounts = FilmCounts(120, 110, 70)
    side: int = 256

    def __post_init__(self) -> None:
        for split in SPLITS:
            counts = FilmCounts(*getattr(self, split))
            if min(counts) < 0:
                raise UserError(f"{split}: film counts must be 0 or more, got {tuple(counts)}")
            object.__setattr__(self, split, counts)
        if self.seed < 0:
            raise UserError(f"seed must be 0 or more, got {self.seed}")
        if self.side < 64:
            raise UserError(f"side must be 64 pixels or more, got {self.side}")

    @property
    def fingerprint(self) -> str:
        """Hash of the specification and of PHANTOM_VERSION, 16 hexadecimal digits."""
        content = json.dumps({"version": PHANTOM_VERSION, **asdict(self)}, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class PhantomFilm:
    """One film of the plan.

    Args:
        split: "train", "val" or "test".
        subtype: "normal", "bacteria" or "virus".
        patient: Number of the patient, from 1, counted per subtype over all splits.
        repeat: Index of the film among those of its patient, from 0.
        number: Number of the film, from 1, counted per subtype over all splits.
    """

    split: str
    subtype: str
    patient: int
    repeat: int
    number: int

    @property
    def stem(self) -> str:
        """Path under the root without extension, in the naming scheme of the Kermany set."""
        if self.subtype != "normal":
            return f"{self.split}/PNEUMONIA/person{self.patient}_{self.subtype}_{self.number}"
        prefix = "IM" if self.patient % 2 else "NORMAL2-IM"
        suffix = f"-{self.repeat:04d}" if self.repeat else ""
        return f"{self.split}/NORMAL/{prefix}-{self.patient:04d}-0001{suffix}"


def stream(spec: PhantomSpec, film: PhantomFilm, use: int, of_patient: bool = False) -> np.random.Generator:
    """Return the random stream for one use, of a film or, shared by all his films, of a patient.

    One stream per use keeps uses independent: a film with its opacity left out has no other difference.
    """
    repeat = 0 if of_patient else 1 + film.repeat
    return np.random.default_rng([spec.seed, use, SUBTYPES.index(film.subtype), film.patient, repeat])


def plan_films(spec: PhantomSpec) -> list[PhantomFilm]:
    """List every film, split by split; about a quarter of the patients have 2 to 4 films."""
    return [
        film
        for index, subtype in enumerate(SUBTYPES)
        for film in _films_of(subtype, [getattr(spec, split)[index] for split in SPLITS], spec.seed)
    ]


def _films_of(subtype: str, counts: list[int], seed: int) -> Iterator[PhantomFilm]:
    rng = np.random.default_rng([seed, SUBTYPES.index(subtype)])
    patient = number = 0
    for split, count in zip(SPLITS, counts, strict=True):
        left = count
        while left:
            patient += 1
            repeats = min(left, rng.choice(4, p=(0.75, 0.15, 0.07, 0.03)) + 1)
            left -= repeats
            for repeat in range(repeats):
                number += 1
                yield PhantomFilm(split, subtype, patient, repeat, number)


def film_size(spec: PhantomSpec, film: PhantomFilm) -> tuple[int, int]:
    """Return height and width of a film in pixels, sampled alike for every subtype and split.

    The height lies within 8 % of the side of the specification, the aspect between 1.1 and 1.5.
    """
    rng = stream(spec, film, use=0)
    height = round(spec.side * rng.uniform(0.92, 1.08))
    return height, round(height * rng.uniform(1.1, 1.5))
