"""Run folders, grouped: a row is one recipe under one protocol, a board is one dataset and one profile."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Any, Literal

import numpy as np

from pneumo_tf.data.datasets.dataset_source import DatasetSource
from pneumo_tf.data.films import Films
from pneumo_tf.data.protocols.registry import PROTOCOLS, Protocol
from pneumo_tf.errors import UserError
from pneumo_tf.evaluation.auc_comparison import compare_auc
from pneumo_tf.evaluation.comparison import Comparison
from pneumo_tf.evaluation.intervals import Estimate, PatientBootstrap
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions, check_complete, join_labels
from pneumo_tf.evaluation.metrics import compute_metrics
from pneumo_tf.recipe import Recipe
from pneumo_tf.run import RunFolder, Runs, RunSpec

OFFICIAL = "official"
"""The only protocol whose rows are ranked."""


@dataclass(frozen=True)
class RowScores:
    """Predictions of a row's runs, and their metrics.

    Args:
        test: Predictions of the films reported on, one set per run.
        validation: Predictions of the validation films, one set per run.
        estimates: Every metric on the test films, with its interval; `{}` without a finished run.
        validation_auc: Mean over runs of the AUC on the validation films, nan if it is not defined.
    """

    test: tuple[LabelledPredictions, ...]
    validation: tuple[LabelledPredictions, ...]
    estimates: dict[str, Estimate]
    validation_auc: float


@dataclass(frozen=True)
class Row:
    """One recipe under one protocol on one board: its runs over seeds and folds.

    Args:
        name: The recipe's name, with an addition if several rows of the protocol would share it.
        recipe: As it was run.
        protocol: How the films were divided.
        runs: Runs that are done, by seed and fold.
        unfinished: Runs that failed, were interrupted, wait or still run, and runs of another harness.
        films: The dataset's film table.
        specs: What each of `runs` is.
        unfinished_specs: What each of `unfinished` is.
        bootstrap: Resamples of patients that all rows of a board share.
        joined: Predictions that were last joined with their labels, by the name of their set: rows of a board
            on the same films share their columns.
        known_scores: Result of `read_scores`, if it was called before.
    """

    name: str
    recipe: Recipe
    protocol: str
    runs: tuple[RunFolder, ...]
    unfinished: tuple[RunFolder, ...]
    films: Films
    specs: tuple[RunSpec, ...]
    unfinished_specs: tuple[RunSpec, ...]
    bootstrap: PatientBootstrap = field(default_factory=PatientBootstrap, repr=False, compare=False)
    joined: dict[str, LabelledPredictions] = field(default_factory=dict, repr=False, compare=False)
    known_scores: RowScores | None = field(default=None, repr=False, compare=False)

    @property
    def key(self) -> tuple[str, str]:
        """Protocol and name: no two rows of a board share both."""
        return self.protocol, self.name

    @property
    def trivial(self) -> bool:
        """Whether the row is fitted by scikit-learn, without training by gradient."""
        return self.recipe.phases == ()

    @property
    def cross_validated(self) -> bool:
        """Whether its runs are folds, each with held-out films of its own."""
        return bool(self._protocol and self._protocol.folds)

    @property
    def ranked(self) -> bool:
        """Whether the row is in the ranking: of the official protocol, with a run that is done."""
        return self.protocol == OFFICIAL and bool(self.runs)

    @cached_property
    def scores(self) -> RowScores:
        """Predictions of the runs and their metrics, read once."""
        return self.known_scores or self.read_scores()

    def read_scores(self) -> RowScores:
        """Reads and measures the predictions of the runs.

        Raises:
            UserError: If a file cannot be read or does not fit the films.
        """
        # A trivial row has no augmentation to leave on.
        test = self._scored(self._protocol.reported if self._protocol and not self.trivial else "test")
        validation = self._scored("validation")
        aucs = [compute_metrics(s.labels, s.score, names=["auc"])["auc"][0] for s in validation]
        return RowScores(
            test,
            validation,
            self.bootstrap.estimate(test) if test else {},
            float(np.mean(aucs)) if aucs else np.nan,
        )

    @property
    def test(self) -> tuple[LabelledPredictions, ...]:
        """Predictions of the films reported on, one set per run in `runs`."""
        return self.scores.test

    @property
    def validation(self) -> tuple[LabelledPredictions, ...]:
        """Validation predictions, one set per run in `runs`."""
        return self.scores.validation

    @property
    def estimates(self) -> dict[str, Estimate]:
        """Every metric on the test films, with its interval; `{}` without a finished run."""
        return self.scores.estimates

    @property
    def validation_auc(self) -> float:
        """Mean over runs of the AUC on the validation films, nan if it is not defined."""
        return self.scores.validation_auc

    @cached_property
    def held_out(self) -> tuple[LabelledPredictions, ...]:
        """Predictions of the films that each run in `runs` held out, for a row of folds."""
        return self._scored("held_out")

    def test_under(self, kind: str) -> dict[int, tuple[LabelledPredictions, ...]]:
        """Test predictions under the conditions `<kind>-1`, `<kind>-2` …, by their run's place in `runs`.

        Runs without any are left out; of each other run there are as many sets as all of them have.
        """
        names = [set(run.prediction_sets()) for run in self.runs]
        counts = [next(n for n in count() if f"test@{kind}-{n + 1}" not in known) for known in names]
        places = [place for place, found in enumerate(counts) if found]
        fewest = min((counts[place] for place in places), default=0)
        sets = [self._scored(f"test@{kind}-{number + 1}", places) for number in range(fewest)]
        return dict(zip(places, zip(*sets, strict=True), strict=True))

    @property
    def initial(self) -> Literal["imagenet", "random", "none"]:
        """The weights that training began from, which may not be those that the recipe asks for."""
        if self.trivial:
            return "none"
        specs = self.specs or self.unfinished_specs
        return "imagenet" if specs[0].weights.startswith("imagenet") else "random"

    @cached_property
    def costs(self) -> tuple[dict[str, Any], ...]:
        """`costs.json` of each run in `runs`."""
        return tuple(run.read_json("costs.json") for run in self.runs)

    @cached_property
    def environments(self) -> tuple[dict[str, Any], ...]:
        """`environment.json` of each run in `runs`."""
        return tuple(run.read_json("environment.json") for run in self.runs)

    @property
    def devices(self) -> list[str]:
        """Devices that the runs ran on, each once."""
        return sorted({known["device"] for known in self.environments if "device" in known})

    @cached_property
    def history(self) -> list[dict[str, float]]:
        """Rows of `history.csv` of the first run, one per epoch; `[]` if no run is done."""
        return self.runs[0].read_history() if self.runs else []

    @property
    def reproduces(self) -> bool:
        """Whether its protocol reproduces a published one."""
        return self._protocol is not None and self._protocol.reproduces

    @property
    def _protocol(self) -> Protocol | None:
        return PROTOCOLS.get(self.protocol)

    def _scored(self, name: str, places: Sequence[int] | None = None) -> tuple[LabelledPredictions, ...]:
        """Joins predictions of runs; the test films are the same for all of them, other films for a fold."""
        scored: list[LabelledPredictions] = []
        whole: dict[int | None, tuple[str, ...]] = {}
        tested = name.partition("@")[0] == "test"
        if tested and (self.protocol == OFFICIAL or self.cross_validated):
            whole[None] = tuple(film.id for film in self.films if film.split == "test")
        for place in range(len(self.runs)) if places is None else places:
            run, fold = self.runs[place], self.specs[place].fold
            predictions = run.read_predictions(name)
            try:
                joined = join_labels(predictions, self.films, self.joined.get(name))
                check_complete(joined.ids, whole.setdefault(None if tested else fold, joined.ids))
            except UserError as error:
                raise UserError(f"{run.predictions_file(name)}: {error}") from error
            self.joined[name] = joined
            scored.append(joined)
        return tuple(scored)


@dataclass(frozen=True)
class Board:
    """The rows of one dataset, one profile and one version of the harness; two of either are never mixed.

    Args:
        dataset: Fingerprint of the films.
        source: The dataset that the films are of.
        title: Name of the dataset as shown.
        profile: `"full"`, `"quick"` or `"custom"`.
        films: The film table.
        rows: By protocol, official first, then by name.
        newest: When the last of its runs was done, seconds since 1970 (0 if none is).
        harness: Version of the harness that made the runs.
    """

    dataset: str
    source: DatasetSource
    title: str
    profile: str
    films: Films
    rows: tuple[Row, ...]
    newest: float
    harness: int

    @property
    def synthetic(self) -> bool:
        """Whether the films are drawn by a program."""
        return self.source.synthetic

    @cached_property
    def ranking(self) -> tuple[Row, ...]:
        """The ranked rows by AUC on the test films, best first; without an AUC by name."""
        rows = (row for row in self.rows if row.ranked)
        return tuple(sorted(rows, key=lambda row: (-np.nan_to_num(row.estimates["auc"].value), row.name)))

    @cached_property
    def comparison(self) -> Comparison:
        """The AUCs of every pair of rows in `ranking`, in its order."""
        return compare_auc([row.test for row in self.ranking])


@dataclass(frozen=True)
class _Found:
    folder: RunFolder
    spec: RunSpec
    done: bool
    at: float
    row: str


def read_boards(runs: Runs) -> list[Board]:
    """Groups a folder of runs into boards, newest first; depends on the folder's content alone.

    Raises:
        UserError: If a film table is missing, or a folder cannot be read.
    """
    groups: dict[tuple[str, str, int], list[_Found]] = defaultdict(list)
    for folder in runs:
        found = _found(folder)
        groups[found.spec.dataset, found.spec.profile, found.spec.harness].append(found)
    boards = [_board(runs, *key, group) for key, group in groups.items()]
    return sorted(
        boards, key=lambda board: (-board.newest, board.title, board.dataset, board.profile, board.harness)
    )


def _found(folder: RunFolder) -> _Found:
    status = folder.status
    try:
        spec = folder.spec
        done = status["state"] == "done" and folder.path.name == spec.id
        return _Found(folder, spec, done, float(status.get("at", 0.0)), _row_key(spec))
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"cannot read {folder.path}: {error}; move the folder elsewhere") from error


def _row_key(spec: RunSpec) -> str:
    """What runs of one row have in common: all that the id is made of but seed and fold."""
    recipe = spec.recipe.distinctive()
    settings = [spec.protocol, spec.precision, spec.weights, spec.train_films, spec.xla]
    return json.dumps([recipe, *settings], sort_keys=True)


def _board(runs: Runs, dataset: str, profile: str, harness: int, group: list[_Found]) -> Board:
    stored = runs.read_films(dataset)
    films = stored.films
    alike: dict[str, list[_Found]] = defaultdict(list)
    for found in group:
        alike[found.row].append(found)
    members = [
        sorted(row, key=lambda f: (f.spec.seed, f.spec.fold or 0, f.folder.path.name))
        for row in alike.values()
    ]
    names = name_rows([row[0].spec for row in members])
    bootstrap, joined = PatientBootstrap(), {}
    rows = [_row(name, row, films, bootstrap, joined) for name, row in zip(names, members, strict=True)]
    rows.sort(key=lambda row: (row.protocol != OFFICIAL, row.protocol, row.name))
    newest = max((found.at for found in group if found.done), default=0.0)
    return Board(dataset, stored.source, stored.title, profile, films, tuple(rows), newest, harness)


def _row(
    name: str,
    members: list[_Found],
    films: Films,
    bootstrap: PatientBootstrap,
    joined: dict[str, LabelledPredictions],
) -> Row:
    done = [found for found in members if found.done]
    replaced = {(found.spec.seed, found.spec.fold) for found in done}
    rest = [f for f in members if not f.done and (f.spec.seed, f.spec.fold) not in replaced]
    spec = (done or members)[0].spec
    return Row(
        name,
        spec.recipe,
        spec.protocol,
        tuple(found.folder for found in done),
        tuple(found.folder for found in rest),
        films,
        tuple(found.spec for found in done),
        tuple(found.spec for found in rest),
        bootstrap,
        joined,
    )


DISTINCTIONS = (
    lambda spec: spec.weights.split(":")[0],
    lambda spec: spec.precision,
    lambda spec: f"{spec.weights.split(':')[0]}, {spec.precision}",
    lambda spec: f"{spec.train_films or 'all'} films",
    lambda spec: f"{spec.recipe.views or 'all'} views",
    lambda spec: "with XLA" if spec.xla else "without XLA",
    lambda spec: spec.id.rsplit("-", 1)[1],
)
"""Additions to the name of a recipe that several rows share: the first that differs between them is used."""


def name_rows(specs: Sequence[RunSpec]) -> list[str]:
    """Names rows so that no two of one protocol share a name."""
    alike: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, spec in enumerate(specs):
        alike[spec.protocol, spec.recipe.name].append(index)
    names = [spec.recipe.name for spec in specs]
    for indices in (indices for indices in alike.values() if len(indices) > 1):
        choices = ([distinguish(specs[index]) for index in indices] for distinguish in DISTINCTIONS)
        labels = next(labels for labels in choices if len(set(labels)) == len(labels))
        for index, label in zip(indices, labels, strict=True):
            names[index] += f" ({label})"
    return names
