"""Rows and boards: a row is one recipe under one protocol, a board is one dataset and one profile."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.datasets.dataset_source import DatasetSource
from pneumo_tf.data.films import Films
from pneumo_tf.data.protocols.registry import PROTOCOLS, Protocol
from pneumo_tf.evaluation.auc_comparison import compare_auc
from pneumo_tf.evaluation.brier_comparison import compare_brier
from pneumo_tf.evaluation.comparison import Comparison
from pneumo_tf.evaluation.equivalence import MARGIN
from pneumo_tf.evaluation.intervals import Estimate, PatientBootstrap
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.metrics import compute_metrics
from pneumo_tf.evaluation.proportion_comparison import compare_proportion
from pneumo_tf.external_sets import external_explanations, external_set
from pneumo_tf.recipe import Recipe
from pneumo_tf.report.run_results import (
    damaged_extras,
    read_augmented,
    read_costs,
    read_environment,
    read_explained,
    read_explanations,
    read_extra,
    read_history,
)
from pneumo_tf.report.trivial_rows import best_trivial, models_above_trivial
from pneumo_tf.report.wording import Wording
from pneumo_tf.run_folder import RunFolder
from pneumo_tf.run_spec import RunSpec

if TYPE_CHECKING:
    import pandas as pd

    from pneumo_tf.report.external import ExternalValidation

OFFICIAL = "official"
"""The only protocol whose rows are ranked."""


COMPARE: Mapping[str, Callable[[Sequence[Sequence[LabelledPredictions]]], Comparison]] = {
    "auc": compare_auc,
    "accuracy": partial(compare_proportion, metric="accuracy"),
    "brier": compare_brier,
}
"""Comparisons by metric of models with the best trivial row: ranking, decisions and probabilities."""


@dataclass(frozen=True)
class RowMetrics:
    """Metrics of a row's runs, without predictions, so that processes can send them to one another.

    Args:
        estimates: Every metric on the test films, with its interval; `{}` without a finished run.
        validation_auc: Mean over runs of the AUC on the validation films, nan if it is not defined.
    """

    estimates: dict[str, Estimate]
    validation_auc: float


@dataclass(frozen=True)
class UnfinishedRun:
    """A run without results.

    Args:
        name: Name of its folder.
        spec: Definition of the run.
        state: `"planned"`, `"running"`, `"failed"`, `"interrupted"`, `"damaged"` or `"set aside"`.
        kind: Kind of failure, "" if it did not fail or none was recorded.
        reason: Reason in one line; may be "".
    """

    name: str
    spec: RunSpec
    state: str
    kind: str
    reason: str


@dataclass(frozen=True)
class Row:
    """One recipe under one protocol on one board: its runs over seeds and folds.

    Args:
        name: The recipe's name, with an addition if several rows of the protocol would share it.
        recipe: The recipe as it was run.
        protocol: Name of the protocol.
        runs: Runs that are done, by seed and fold.
        unfinished: Runs that failed, were interrupted, wait, still run, are damaged or set aside.
        films: The dataset's film table.
        specs: Definition of each of `runs`.
        sets: Predictions of each of `runs`, by the name of their set.
        bootstrap: Bootstrap that all rows of a board share.
        known_metrics: Result of `measure_metrics`, if it was called before.
    """

    name: str
    recipe: Recipe
    protocol: str
    runs: tuple[RunFolder, ...]
    unfinished: tuple[UnfinishedRun, ...]
    films: Films
    specs: tuple[RunSpec, ...]
    sets: tuple[Mapping[str, LabelledPredictions], ...] = field(repr=False, compare=False)
    bootstrap: PatientBootstrap = field(default_factory=PatientBootstrap, repr=False, compare=False)
    known_metrics: RowMetrics | None = field(default=None, repr=False, compare=False)

    @property
    def key(self) -> tuple[str, str]:
        """Protocol and name, unique on a board."""
        return self.protocol, self.name

    @property
    def label(self) -> str:
        """Name that is unique on a board: with the protocol, unless that is the official one."""
        return self.name if self.protocol == OFFICIAL else f"{self.name}, {self.protocol}"

    @property
    def trivial(self) -> bool:
        """Whether the row is fitted by scikit-learn instead of trained by gradient descent."""
        return self.recipe.phases == ()

    @property
    def cross_validated(self) -> bool:
        """Whether its runs are folds, each with its own held-out films."""
        return bool(self._protocol and self._protocol.folds)

    @property
    def ranked(self) -> bool:
        """Whether the row is ranked: it has a finished run under the official protocol."""
        return self.protocol == OFFICIAL and bool(self.runs)

    @property
    def reported_set(self) -> str:
        """Name of the set that the results of the row are computed on."""
        # Trivial rows have no augmentation, so they have no augmented test films.
        return self._protocol.reported if self._protocol and not self.trivial else "test"

    @cached_property
    def metrics(self) -> RowMetrics:
        """Metrics of the runs, computed once."""
        return self.known_metrics or self.measure_metrics()

    def measure_metrics(self) -> RowMetrics:
        """Compute the metrics of the runs."""
        estimates = self.bootstrap.estimate(self.test) if self.test else {}
        aucs = [compute_metrics(s.labels, s.score, names=["auc"])["auc"][0] for s in self.validation]
        return RowMetrics(estimates, float(np.mean(aucs)) if aucs else np.nan)

    @cached_property
    def test(self) -> tuple[LabelledPredictions, ...]:
        """Predictions of the films reported on, one set per run in `runs`."""
        return self._scored(self.reported_set)

    @cached_property
    def validation(self) -> tuple[LabelledPredictions, ...]:
        """Validation predictions, one set per run in `runs`."""
        return self._scored("validation")

    @property
    def estimates(self) -> dict[str, Estimate]:
        """Every metric on the test films, with its interval; `{}` without a finished run."""
        return self.metrics.estimates

    @property
    def validation_auc(self) -> float:
        """Mean over runs of the AUC on the validation films, nan if it is not defined."""
        return self.metrics.validation_auc

    @cached_property
    def held_out(self) -> tuple[LabelledPredictions, ...]:
        """Predictions of the held-out films, one set per run in `runs`, for a row of folds."""
        return self._scored("held_out")

    def test_under(self, kind: str) -> dict[int, tuple[LabelledPredictions, ...]]:
        """Return test predictions of the variants `<kind>-1`, `<kind>-2` …, by index in `runs`.

        Runs without any are left out. All others have the same number of sets, the smallest of any.
        """
        names = list(self.sets)
        counts = [next(n for n in count() if f"test@{kind}-{n + 1}" not in known) for known in names]
        places = [place for place, found in enumerate(counts) if found]
        fewest = min((counts[place] for place in places), default=0)
        sets = [self._scored(f"test@{kind}-{number + 1}", places) for number in range(fewest)]
        return dict(zip(places, zip(*sets, strict=True), strict=True))

    def scored_on(self, name: str) -> "tuple[list[int], tuple[LabelledPredictions, ...]]":
        """Return the indices in `runs` of the runs with predictions of a set, and these predictions."""
        places = [place for place, known in enumerate(self.sets) if name in known]
        return places, self._scored(name, places)

    @property
    def initial(self) -> Literal["imagenet", "random", "none"]:
        """Kind of initial weights that training used, which may differ from the recipe."""
        if self.trivial:
            return "none"
        specs = self.specs or [run.spec for run in self.unfinished]
        return "imagenet" if specs[0].weights.startswith("imagenet") else "random"

    @property
    def lacks_imagenet(self) -> bool:
        """Whether the recipe uses ImageNet weights but was trained from random ones."""
        return self.recipe.initial == "imagenet" and self.initial == "random"

    @cached_property
    def costs(self) -> tuple[dict[str, Any], ...]:
        """`costs.json` of each run in `runs`, `{}` if it is damaged."""
        return tuple(read_extra(read_costs, run, {}) for run in self.runs)

    @cached_property
    def environments(self) -> tuple[dict[str, Any], ...]:
        """`environment.json` of each run in `runs`, `{}` if it is damaged."""
        return tuple(read_extra(read_environment, run, {}) for run in self.runs)

    @property
    def explanations(self) -> list[dict[str, Any]]:
        """`explanations.json` of each run that has one with the same grid as the first."""
        read = partial(read_explanations, films=self.films)
        left = [found for run in self.runs if (found := read_extra(read, run, {}))]
        return [found for found in left if found["grid"] == left[0]["grid"]]

    def external_explanations(self, films: Films) -> list[dict[str, Any]]:
        """Return the explanations of external films, of the same runs as `explanations`."""
        name = external_explanations(films.fingerprint)
        read = partial(read_explanations, films=films, name=name)
        stored = [found for run in self.runs if (found := read_extra(read, run, {}))]
        return [found for found in stored if found["grid"] == stored[0]["grid"]]

    def external_aucs(self, films: Films) -> list[float]:
        """Return the AUC on external films of each run that was scored on them."""
        _, scored = self.scored_on(external_set(films.fingerprint))
        return [compute_metrics(run.labels, run.score, names=["auc"])["auc"][0] for run in scored]

    @property
    def explained(self) -> dict[str, np.ndarray]:
        """Films that the first run explains, with their maps; `{}` if it stored none."""
        return read_extra(read_explained, self.runs[0], {}) if self.runs else {}

    @property
    def augmented(self) -> dict[str, np.ndarray]:
        """Training films of the first run with augmented views; `{}` if it stored none."""
        return read_extra(read_augmented, self.runs[0], {}) if self.runs else {}

    @cached_property
    def damaged_extras(self) -> list[str]:
        """Damaged files that affect no number of the row, each with its run and its fault."""
        return [f"{run.path.name}/{fault}" for run in self.runs for fault in damaged_extras(run, self.films)]

    @property
    def devices(self) -> list[str]:
        """Devices of the runs, without repetition."""
        return sorted({known["device"] for known in self.environments if "device" in known})

    @cached_property
    def history(self) -> list[dict[str, float]]:
        """Rows of `history.csv` of the first run, one per epoch; `[]` if no run is done."""
        return read_extra(read_history, self.runs[0], []) if self.runs else []

    @property
    def reproduces(self) -> bool:
        """Whether its protocol reproduces a published one."""
        return self._protocol is not None and self._protocol.reproduces

    @property
    def chooses_on_test(self) -> bool:
        """Whether the epoch is chosen on the films reported on, which are then its validation films."""
        return self._protocol is not None and self._protocol.chooses_on_test

    @property
    def _protocol(self) -> Protocol | None:
        return PROTOCOLS.get(self.protocol)

    def _scored(self, name: str, places: Sequence[int] | None = None) -> tuple[LabelledPredictions, ...]:
        chosen = range(len(self.runs)) if places is None else places
        return tuple(self.sets[place][name] for place in chosen)


@dataclass(frozen=True)
class Board:
    """The rows of one dataset, one profile and one version of the harness, which are never mixed.

    Args:
        dataset: Fingerprint of the films.
        source: Description of the dataset.
        title: Name of the dataset as shown.
        profile: `"full"`, `"quick"` or `"custom"`.
        films: The film table.
        rows: Rows, ordered by protocol, official first, then by name.
        newest: Time at which its last run finished, seconds since 1970 (0 if none has).
        harness: Version of the harness that made the runs.
        unread: Runs of the same folder that are on no board because their definition or film table cannot be
            read: names and reasons.
        notes: Sentences about the films that a reader of results needs.
        external: External sets on which runs were scored.
        margin: Smallest difference in AUC that matters.
    """

    dataset: str
    source: DatasetSource
    title: str
    profile: str
    films: Films
    rows: tuple[Row, ...]
    newest: float
    harness: int
    unread: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    external: tuple[Dataset, ...] = ()
    margin: float = MARGIN

    @property
    def synthetic(self) -> bool:
        """Whether the films are synthetic."""
        return self.source.synthetic

    @cached_property
    def wording(self) -> Wording:
        """Words of sentences that depend on the films."""
        return Wording(self.source, self.films)

    @cached_property
    def ranking(self) -> tuple[Row, ...]:
        """The ranked rows by AUC on the test films, best first; without an AUC by name."""
        return best_first(row for row in self.rows if row.ranked)

    @cached_property
    def comparison(self) -> Comparison:
        """The AUCs of every pair of rows in `ranking`, in its order."""
        return compare_auc([row.test for row in self.ranking])

    @cached_property
    def external_validations(self) -> "tuple[ExternalValidation, ...]":
        """The external sets on which a ranked row was scored; several tables use their results."""
        # Imported here: `report.external` imports this module.
        from pneumo_tf.report.external import ExternalValidation

        found = (ExternalValidation(self, dataset) for dataset in self.external)
        return tuple(validation for validation in found if validation.rows)

    def compare(self, metric: str) -> Comparison:
        """Compare every pair of rows in `ranking`, in its order, on a metric of `COMPARE`."""
        if metric == "auc":
            return self.comparison
        return COMPARE[metric]([row.test for row in self.ranking])

    @cached_property
    def above_trivial(self) -> Mapping[str, frozenset[tuple[str, str]]]:
        """Keys of the ranked models that were shown to beat the best trivial row, by metric."""
        if not self.ranking:
            return dict.fromkeys(COMPARE, frozenset())
        return {
            metric: models_above_trivial(self.ranking, metric, partial(self._compare_pair, metric))
            for metric in COMPARE
        }

    def _compare_pair(self, metric: str, row: Row, other: Row) -> Comparison:
        """Compare two ranked rows, in this order."""
        if metric != "auc":
            return COMPARE[metric]([row.test, other.test])
        whole, places = self.comparison, [self._place[row.key], self._place[other.key]]
        pair = np.ix_(places, places)
        return Comparison(whole.difference[pair], whole.variance[pair], whole.degrees_of_freedom[pair])

    @cached_property
    def _place(self) -> dict[tuple[str, str], int]:
        return {row.key: place for place, row in enumerate(self.ranking)}

    @cached_property
    def best_trivial(self) -> Row | None:
        """The ranked trivial row with the highest AUC, None if there is none."""
        return best_trivial(self.ranking)

    def to_frame(self) -> "pd.DataFrame":
        """Return the results, a line per row, set of films and metric; see `tabulate_board`."""
        # Imported here: `frame` imports this module, and pandas takes half a second.
        from pneumo_tf.report.frame import tabulate_board

        return tabulate_board(self)


def best_first(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Return rows with a run by AUC on the test films, best first; without an AUC by name."""
    return tuple(sorted(rows, key=lambda row: (-np.nan_to_num(row.estimates["auc"].value), row.name)))


DISTINCTIONS = (
    lambda spec: spec.weights.split(":")[0],
    lambda spec: spec.precision,
    lambda spec: f"{spec.weights.split(':')[0]}, {spec.precision}",
    lambda spec: f"{spec.train_films or 'all'} films",
    lambda spec: f"{spec.recipe.views or 'all'} views",
    lambda spec: "with XLA" if spec.xla else "without XLA",
    lambda spec: spec.id.rsplit("-", 1)[1],
)
"""Additions to the name of a recipe with several rows; the first that distinguishes them is used."""


def name_rows(specs: Sequence[RunSpec]) -> list[str]:
    """Return names of rows that are unique within a protocol."""
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
