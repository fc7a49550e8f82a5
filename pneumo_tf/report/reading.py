"""Reading of a folder of runs as boards; a damaged run counts as unfinished, with the reason."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.films import Films
from pneumo_tf.data.protocols.registry import PROTOCOLS, Protocol, limit
from pneumo_tf.errors import UserError
from pneumo_tf.evaluation.intervals import PatientBootstrap
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions, check_complete, join_labels
from pneumo_tf.external_sets import fingerprint_of
from pneumo_tf.report.board import OFFICIAL, Board, Row, UnfinishedRun, name_rows
from pneumo_tf.run_folder import RunFolder
from pneumo_tf.run_spec import RunSpec
from pneumo_tf.runs import Runs
from pneumo_tf.stored_files import DamagedFile

WAITING = {"planned": "not started yet", "running": "not ended yet"}


@dataclass
class _Found:
    """A run while it is read; `sets` has its predictions if it is done and complete."""

    folder: RunFolder
    spec: RunSpec
    state: str
    kind: str
    reason: str
    at: float
    sets: dict[str, LabelledPredictions] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        return self.state == "done"

    @property
    def lacked_weights(self) -> bool:
        """Whether it did not start because its initial weights were not available."""
        return self.kind == "weights-missing"

    @property
    def place(self) -> tuple[int, int, str]:
        return self.spec.seed, self.spec.fold or 0, self.folder.path.name

    def set_aside(self, error: DamagedFile) -> None:
        """Mark the run as damaged instead of done."""
        self.state, self.kind, self.reason, self.sets = "damaged", "damaged", self.folder.fault(error), {}

    def unfinished(self) -> UnfinishedRun:
        return UnfinishedRun(self.folder.path.name, self.spec, self.state, self.kind, self.reason)


def read_boards(runs: Runs) -> list[Board]:
    """Group a folder of runs into boards, newest first; the result depends only on the folder's content.

    Raises:
        UserError: If there are runs but none can be read.
    """
    groups: dict[tuple[str, str, int], list[_Found]] = defaultdict(list)
    boards: list[Board] = []
    unread: list[tuple[str, str]] = []
    for folder in runs:
        try:
            found = _found(folder)
        except DamagedFile as error:
            unread.append((folder.path.name, folder.fault(error)))
        else:
            groups[found.spec.dataset, found.spec.profile, found.spec.harness].append(found)
    for key, group in groups.items():
        try:
            boards.append(_board(runs, *key, group))
        except DamagedFile as error:
            reason = f"{error.path.relative_to(runs.root)}: {error.fault}; {error.remedy}"
            unread += [(found.folder.path.name, reason) for found in group]
    if unread and not boards:
        raise UserError(f"none of the {len(unread)} runs in {runs.root} can be read: {': '.join(unread[0])}")
    boards = [replace(board, unread=tuple(sorted(unread))) for board in boards]
    return sorted(
        boards, key=lambda board: (-board.newest, board.title, board.dataset, board.profile, board.harness)
    )


def _found(folder: RunFolder) -> _Found:
    spec, status = folder.spec, folder.status
    if not status:
        raise DamagedFile(folder.path / "status.json", "is missing")
    state, kind = status["state"], status.get("kind", "")
    reason = status.get("reason") or WAITING.get(state, "")
    if kind == "damaged":
        state = "damaged"
    elif state == "done" and folder.path.name != spec.id:
        state, reason = "set aside", f"its folder, {folder.path.name}, is not named after its id"
    return _Found(folder, spec, state, kind, reason, float(status.get("at", 0.0)))


def _row_key(spec: RunSpec) -> str:
    """Return the key that all runs of a row share: every part of the id except seed and fold."""
    recipe = spec.recipe.distinctive()
    settings = [spec.protocol, spec.precision, spec.weights, spec.train_films, spec.xla]
    return json.dumps([recipe, *settings], sort_keys=True)


def _board(runs: Runs, dataset: str, profile: str, harness: int, group: list[_Found]) -> Board:
    stored = runs.read_films(dataset)
    films = stored.films
    group = _without_replaced(group)
    external, lost = _read_external_films(runs, group)
    _read_predictions(group, films, external)
    alike: dict[str, list[_Found]] = defaultdict(list)
    for found in group:
        alike[_row_key(found.spec)].append(found)
    members = [sorted(row, key=lambda found: found.place) for row in alike.values()]
    names = name_rows([row[0].spec for row in members])
    bootstrap = PatientBootstrap()
    rows = [_row(name, row, films, bootstrap) for name, row in zip(names, members, strict=True)]
    rows.sort(key=lambda row: (row.protocol != OFFICIAL, row.protocol, row.name))
    newest = max((found.at for found in group if found.done), default=0.0)
    return Board(
        dataset,
        stored.source,
        stored.title,
        profile,
        films,
        tuple(rows),
        newest,
        harness,
        notes=(*stored.notes, *lost),
        external=tuple(external.values()),
    )


def _without_replaced(group: list[_Found]) -> list[_Found]:
    """Leave out runs that failed for lack of weights if the same run exists with other weights."""
    if not any(found.lacked_weights for found in group):
        return group
    others = {replace(found.spec, weights="imagenet").id for found in group if not found.lacked_weights}
    return [found for found in group if not found.lacked_weights or found.spec.id not in others]


def _row(name: str, members: list[_Found], films: Films, bootstrap: PatientBootstrap) -> Row:
    done = [found for found in members if found.done]
    rest = [found for found in members if not found.done]
    spec = (done or members)[0].spec
    return Row(
        name,
        spec.recipe,
        spec.protocol,
        tuple(found.folder for found in done),
        tuple(found.unfinished() for found in rest),
        films,
        tuple(found.spec for found in done),
        tuple(found.sets for found in done),
        bootstrap,
    )


def _read_external_films(runs: Runs, group: Sequence[_Found]) -> tuple[dict[str, Dataset], tuple[str, ...]]:
    """Read the film tables of external sets on which runs were scored.

    Returns:
        Datasets by fingerprint, and a sentence on each table that cannot be read.
    """
    sets = {name for found in group if found.done for name in found.folder.prediction_sets()}
    external, lost = {}, []
    for fingerprint in sorted(filter(None, map(fingerprint_of, sets))):
        try:
            external[fingerprint] = runs.read_films(fingerprint)
        except DamagedFile as error:
            place = error.path.relative_to(runs.root)
            lost.append(f"Scores of external films are left out: {place} {error.fault}; {error.remedy}.")
    return external, tuple(lost)


def _read_predictions(group: Sequence[_Found], films: Films, external: Mapping[str, Dataset]) -> None:
    """Read all predictions of finished runs, joined with labels; a run with a damaged file is set aside.

    Args:
        group: Runs of one board.
        films: The film table of the board.
        external: External sets by fingerprint; predictions of other external sets are left out.
    """
    templates: dict[str, LabelledPredictions] = {}
    for found in group:
        if found.done:
            try:
                for name in sorted(_needed(found.spec) | set(found.folder.prediction_sets())):
                    table = _table_of(name, films, external)
                    if table is not None:
                        found.sets[name] = templates[name] = _joined(
                            found.folder, name, table, templates.get(name)
                        )
            except DamagedFile as error:
                found.set_aside(error)
    expected = _expected_films(group, films, external)
    for found in group:
        try:
            for name, joined in found.sets.items():
                _check_films(found, name, joined, expected)
            _check_validation(found)
        except DamagedFile as error:
            found.set_aside(error)


def _table_of(name: str, films: Films, external: Mapping[str, Dataset]) -> Films | None:
    """Return the film table of a prediction set, None if it is an external table that cannot be read."""
    fingerprint = fingerprint_of(name)
    if not fingerprint:
        return films
    return external[fingerprint].films if fingerprint in external else None


def _needed(spec: RunSpec) -> set[str]:
    """Return the sets that a finished run must have."""
    protocol = PROTOCOLS.get(spec.protocol)
    reported = protocol.reported if protocol and spec.recipe.phases else "test"
    return {reported, "validation"} | ({"held_out"} if protocol and protocol.folds else set())


def _joined(
    folder: RunFolder, name: str, films: Films, template: LabelledPredictions | None
) -> LabelledPredictions:
    predictions = folder.read_predictions(name)
    try:
        return join_labels(predictions, films, template)
    except UserError as error:
        raise DamagedFile(folder.predictions_file(name), str(error)) from error


def _check_films(
    found: _Found,
    name: str,
    joined: LabelledPredictions,
    expected: Mapping[tuple[object, ...], tuple[str, ...]],
) -> None:
    try:
        check_complete(joined.ids, expected[_same_films(found.spec, name)])
    except UserError as error:
        raise DamagedFile(found.folder.predictions_file(name), str(error)) from error


def _check_validation(found: _Found) -> None:
    """Check that no validation film is reported on, unless the protocol chooses on the test set."""
    protocol = PROTOCOLS.get(found.spec.protocol)
    if not found.done or protocol is None or protocol.chooses_on_test:
        return
    validation = set(found.sets["validation"].ids)
    for name in _needed(found.spec) - {"validation"}:
        shared = validation.intersection(found.sets[name].ids)
        if shared:
            fault = f"{len(shared)} films are also in {name!r}, such as {min(shared)!r}"
            raise DamagedFile(found.folder.predictions_file("validation"), fault)


def _same_films(spec: RunSpec, name: str) -> tuple[object, ...]:
    """Return the key of a set's films: sets with the same key have the same films."""
    tested = name.partition("@")[0] == "test"
    return spec.protocol, None if tested else spec.fold, spec.train_films, name


def _scored_films(
    protocol: Protocol, films: Films, fold: int, train_films: int | None
) -> dict[str, tuple[str, ...]]:
    split = protocol.split(films, fold)
    return (limit(split, films, train_films) if train_films else split).scored


def _expected_films(
    group: Sequence[_Found], films: Films, external: Mapping[str, Dataset]
) -> dict[tuple[object, ...], tuple[str, ...]]:
    """Return the films that each set must have: those of the protocol, or those of most runs."""
    official_test = tuple(film.id for film in films if film.split == "test")
    counts: dict[tuple[object, ...], Counter[frozenset[str]]] = defaultdict(Counter)
    first: dict[frozenset[str], tuple[str, ...]] = {}
    for found in group:
        for name, joined in found.sets.items():
            ids = frozenset(joined.ids)
            first.setdefault(ids, joined.ids)
            counts[_same_films(found.spec, name)][ids] += 1
    expected = {}
    for key, count in counts.items():
        protocol = PROTOCOLS.get(key[0])
        tested = key[-1].partition("@")[0] == "test"
        if fingerprint := fingerprint_of(key[-1]):
            expected[key] = tuple(film.id for film in external[fingerprint].films)
        elif tested and (key[0] == OFFICIAL or (protocol and protocol.folds)):
            expected[key] = official_test
        elif key[-1] in ("validation", "held_out") and protocol and protocol.folds:
            expected[key] = _scored_films(protocol, films, *key[1:3])[key[-1]]
        else:
            expected[key] = first[max(count, key=lambda ids: (count[ids], len(ids)))]
    return expected
