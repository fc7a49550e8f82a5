"""Objects that the stages of a run share: the run, its films, its clock and its notes."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmarks.worker.assignment import Assignment
from benchmarks.worker.events import Clock, Events
from pneumo_tf.data.augment import source_side
from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.pixels import cached_pixels
from pneumo_tf.data.protocols.registry import PROTOCOLS, check_sides, limit
from pneumo_tf.data.protocols.split import Split
from pneumo_tf.run_folder import RunFolder
from pneumo_tf.run_spec import RunSpec
from pneumo_tf.runs import Runs


@dataclass(frozen=True)
class RunContext:
    """A run in progress.

    Args:
        folder: Folder of the run.
        spec: Definition of the run.
        assignment: Task, device and files.
        dataset: Dataset of the run.
        split: Split of its films.
        clock: Stopwatch of the stages.
        send: Sender of events.
        notes: Notes for readers of the board, one line each.
    """

    folder: RunFolder
    spec: RunSpec
    assignment: Assignment
    dataset: Dataset
    split: Split
    clock: Clock
    send: Events
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Add a note for the board and the terminal, once."""
        if text not in self.notes:
            self.notes.append(text)
            self.send("note", text=text)

    @cached_property
    def pixels(self) -> np.ndarray:
        """(n, side, side) uint8: the whole dataset at the size of the network's input."""
        return self.decode(self.spec.recipe.size)

    @cached_property
    def sources(self) -> np.ndarray:
        """(n, source, source) uint8: the whole dataset at the size that augmentation starts from."""
        return self.decode(source_side(self.spec.recipe.augment, self.spec.recipe.size))

    def decode(self, side: int, dataset: Dataset | None = None) -> np.ndarray:
        """Return (n, side, side) uint8: a whole dataset at a size, from the cache if it is there.

        Args:
            side: Height and width in pixels.
            dataset: The films; those of the run by default.
        """
        fit, edge_crop = self.spec.recipe.fit, self.spec.recipe.edge_crop
        cache = Path(self.assignment.cache)
        return cached_pixels(dataset or self.dataset, cache, side=side, fit=fit, edge_crop=edge_crop)


def open_run(folder: RunFolder, assignment: Assignment, send: Events) -> RunContext:
    """Read the spec and the films of a run."""
    clock, spec = Clock(send, since=assignment.sent), folder.spec
    with clock.stage("data"):
        dataset = Runs(folder.path.parent).read_films(spec.dataset, root=Path(assignment.data))
        split = read_split(spec, dataset)
    return RunContext(folder, spec, assignment, dataset, split, clock, send, list(assignment.notes))


def read_split(spec: RunSpec, dataset: Dataset) -> Split:
    """Return the split of a run's protocol, limited to the run's number of training films."""
    protocol = PROTOCOLS[spec.protocol]
    split = protocol.split(dataset.films, spec.fold)
    check_sides(protocol, split)
    return limit(split, dataset.films, spec.train_films) if spec.train_films else split
