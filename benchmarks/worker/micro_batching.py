"""Training within the memory of a device: batches are split into micro-batches until they fit."""

import hashlib
import json
from pathlib import Path

import keras
import tensorflow as tf

from benchmarks.worker.costs import EnergyMeter, Training, find_own_gpu
from benchmarks.worker.events import TrainingProgress
from benchmarks.worker.run_context import RunContext
from pneumo_tf.atomic import write_atomically
from pneumo_tf.costs.hardware import free_memory_mb
from pneumo_tf.data.batches import TrainingFilms
from pneumo_tf.data.protocols.registry import PROTOCOLS
from pneumo_tf.models.registry import architecture, build
from pneumo_tf.recipe import Recipe
from pneumo_tf.training.checkpoint import Checkpoint
from pneumo_tf.training.device import device_kind
from pneumo_tf.training.harness import CALIBRATION_FILMS, train
from pneumo_tf.training.memory import DoesNotFit, OutOfDeviceMemory, is_out_of_memory
from pneumo_tf.training.setting import Setting, micro_batches_of
from pneumo_tf.training.step import EVALUATION_BATCH

MOST_PARTS = 64
OUT_OF_MEMORY = "the device ran out of memory"


def train_within_memory(run: RunContext, films: TrainingFilms) -> tuple[keras.Model, Training]:
    """Train with whole batches; repeat a phase that runs out of device memory with smaller micro-batches.

    The number of micro-batches that fits is stored for other runs of the recipe on the same device.

    Raises:
        OutOfDeviceMemory: If the smallest micro-batches do not fit a GPU.
        MemoryError: If they do not fit a CPU.
    """
    batching = _MicroBatching(run)
    while True:
        try:
            trained = _train(run, films, batching.parts, batching.free_mb)
        except DoesNotFit as error:
            batching.split(error, error.micro_batches)
        except tf.errors.OpError as error:
            if not is_out_of_memory(error):
                raise
            batching.split(error)
        else:
            batching.store()
            return trained


class _MicroBatching:
    """Number of micro-batches per batch in each phase; the last number applies to later phases."""

    def __init__(self, run: RunContext) -> None:
        self.run, self.checkpoint = run, Checkpoint(run.folder.work)
        self.free_mb, self._noted = _free_mb(run), ""
        stored = self.checkpoint.stored_micro_batches(xla=run.spec.xla, device=device_kind())
        cached = None if stored else _read_parts(_parts_file(run))
        self.parts: tuple[int, ...] = stored or cached or (1,)
        self._note("earlier runs on this device needed it" if cached else OUT_OF_MEMORY)

    def split(self, error: Exception, parts: int | None = None) -> None:
        """Split the batches of the phase that failed further; later phases start with the same number.

        Args:
            error: The failure.
            parts: Number of micro-batches; None for twice as many as before.
        """
        phase = self.checkpoint.phase
        parts = parts or 2 * micro_batches_of(self.parts, phase)
        if parts > min(self.run.spec.recipe.batch, MOST_PARTS):
            kind = OutOfDeviceMemory if self.run.assignment.gpu else MemoryError
            raise kind(f"{type(error).__name__}: {str(error).strip().splitlines()[0]}") from error
        self.parts = (*(micro_batches_of(self.parts, earlier) for earlier in range(phase)), parts)
        self.checkpoint.restart_phase(self.parts)
        if self.run.assignment.gpu:
            tf.config.experimental.reset_memory_stats("GPU:0")
        self._note(str(error) if isinstance(error, DoesNotFit) else self._out_of_memory)

    @property
    def _out_of_memory(self) -> str:
        free = "" if self.free_mb is None else f" ({self.free_mb:,.0f} MB were free before training)"
        return OUT_OF_MEMORY + free

    def store(self) -> None:
        """Store the number of micro-batches for other runs, if batches were split."""
        if max(self.parts) > 1:
            write_atomically(_parts_file(self.run), json.dumps(self.parts) + "\n")

    def _note(self, reason: str) -> None:
        """Replace the note of an earlier attempt, whose training was discarded."""
        if self._noted:
            self.run.notes.remove(self._noted)
        self._noted = _describe_parts(self.run, self.parts, reason) if max(self.parts) > 1 else ""
        if self._noted:
            self.run.note(self._noted)


def _train(
    run: RunContext, films: TrainingFilms, parts: tuple[int, ...], free_mb: float | None
) -> tuple[keras.Model, Training]:
    spec, assignment = run.spec, run.assignment
    weights = Path(assignment.weights) if assignment.weights else None
    keras.utils.clear_session()
    keras.utils.set_random_seed(spec.seed)
    with run.clock.stage("build"):
        model = build(spec.recipe.architecture, head=spec.recipe.head, size=spec.recipe.size, weights=weights)
    setting = Setting(
        seed=spec.seed,
        precision=spec.precision,
        pretrained=weights is not None,
        micro_batches=parts,
        xla=spec.xla,
        work=run.folder.work,
        rank_by="accuracy" if PROTOCOLS[spec.protocol].chooses_on_test else "auc",
        features=Path(assignment.cache) / "features",
        free_mb=free_mb,
    )
    progress = TrainingProgress(run.send, spec.recipe)
    resumed, meter = any(run.folder.work.glob("*")), EnergyMeter(assignment)
    with run.clock.stage("train"):
        trained = train(
            model,
            spec.recipe,
            films,
            setting,
            on_epoch=progress.epoch,
            on_step=progress.step,
            on_note=run.note,
        )
    # A resumed run has trained in an earlier process as well.
    seconds = trained.training_seconds + trained.validation_seconds
    run.clock.seconds["train"] = max(run.clock.seconds["train"], seconds)
    return model, Training(trained, max(parts), None if resumed else meter.joules())


def _describe_parts(run: RunContext, parts: tuple[int, ...], reason: str) -> str:
    """Return the note of a run whose batches were split."""
    spec, pretrained = run.spec, bool(run.assignment.weights)
    changed = []
    for phase in range(len(spec.recipe.phases)):
        of_phase, before = micro_batches_of(parts, phase), micro_batches_of(parts, phase - 1) if phase else 1
        if of_phase > before:
            since = f"from phase {phase + 1} on " if phase else ""
            changed.append(f"{since}batch of {spec.recipe.batch} in {of_phase} parts")
    changed.append(f"evaluation in batches of {EVALUATION_BATCH // max(parts)}")
    norm = spec.recipe.head.batch_norm or architecture(spec.recipe.architecture).batch_norm
    if norm and not pretrained and parts[0] > 1:
        changed.append(f"batch norm statistics initialised on {CALIBRATION_FILMS // parts[0]} films")
    if normalises_parts(run.spec.recipe, parts):
        changed.append("batch norm normalises each part by itself")
    return f"{', '.join(changed)}: {reason}"


def normalises_parts(recipe: Recipe, parts: tuple[int, ...]) -> bool:
    """Return whether batch norm uses the statistics of split batches in any phase."""
    backbone = architecture(recipe.architecture).batch_norm
    return any(
        (recipe.head.batch_norm or (backbone and phase.batch_norm == "training"))
        and micro_batches_of(parts, number) > 1
        for number, phase in enumerate(recipe.phases)
    )


def _free_mb(run: RunContext) -> float | None:
    """Return the GPU memory that was free before training; None on a CPU, or if NVML does not report it."""
    gpu = find_own_gpu() if run.assignment.gpu else None
    return free_memory_mb(gpu) if gpu else None


def _parts_file(run: RunContext) -> Path:
    """Return the file that stores the number of micro-batches of a recipe on a device."""
    spec = run.spec
    key = [spec.recipe.distinctive(), spec.precision, spec.xla, run.assignment.device]
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    return Path(run.assignment.cache) / "parts" / f"{digest}.json"


def _read_parts(file: Path) -> tuple[int, ...] | None:
    """Read stored numbers of micro-batches; None if there are none, or if the file is damaged."""
    try:
        parts = tuple(json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    whole = all(isinstance(number, int) and 1 <= number <= MOST_PARTS for number in parts)
    return parts if parts and whole else None
