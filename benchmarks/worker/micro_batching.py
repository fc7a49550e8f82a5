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

MOST_MICRO_BATCHES = 64
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
            trained = _train(run, films, batching.micro_batches, batching.free_mb)
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
        self.free_mb, self._before = _free_mb(run), list(run.notes)
        stored = self.checkpoint.stored_micro_batches(xla=run.spec.xla, device=device_kind())
        cached = None if stored else _read_micro_batches(_micro_batches_file(run))
        self.micro_batches: tuple[int, ...] = stored or cached or (1,)
        self._note("earlier runs on this device needed it" if cached else "an earlier attempt needed it")

    def split(self, error: Exception, number: int | None = None) -> None:
        """Split the batches of the phase that failed further; later phases start with the same number.

        Args:
            error: The failure.
            number: Number of micro-batches; None for twice as many as before.
        """
        phase = self.checkpoint.phase
        number = number or 2 * micro_batches_of(self.micro_batches, phase)
        if number > min(self.run.spec.recipe.batch, MOST_MICRO_BATCHES):
            kind = OutOfDeviceMemory if self.run.assignment.gpu else MemoryError
            raise kind(_reason(error)) from error
        earlier = (micro_batches_of(self.micro_batches, before) for before in range(phase))
        self.micro_batches = (*earlier, number)
        self.checkpoint.restart_phase(self.micro_batches)
        if self.run.assignment.gpu:
            tf.config.experimental.reset_memory_stats("GPU:0")
        self._note(str(error) if isinstance(error, DoesNotFit) else self._out_of_memory)

    @property
    def _out_of_memory(self) -> str:
        free = "" if self.free_mb is None else f" ({self.free_mb:,.0f} MB were free before training)"
        return OUT_OF_MEMORY + free

    def store(self) -> None:
        """Store the number of micro-batches for other runs, if batches were split."""
        if max(self.micro_batches) > 1:
            write_atomically(_micro_batches_file(self.run), json.dumps(self.micro_batches) + "\n")

    def _note(self, reason: str) -> None:
        """Replace the notes of earlier attempts; a continued training repeats those of its checkpoint."""
        self.run.notes[:] = self._before
        if max(self.micro_batches) > 1:
            self.run.note(_describe_split(self.run, self.micro_batches, reason))


def _reason(error: Exception) -> str:
    """Return the first line of an error, after the name of a class of TensorFlow."""
    if isinstance(error, DoesNotFit):
        return str(error)
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"


def _train(
    run: RunContext, films: TrainingFilms, micro_batches: tuple[int, ...], free_mb: float | None
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
        micro_batches=micro_batches,
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
    return model, Training(trained, max(micro_batches), None if resumed else meter.joules())


def _describe_split(run: RunContext, micro_batches: tuple[int, ...], reason: str) -> str:
    """Return the note of a run whose batches were split."""
    spec, pretrained = run.spec, bool(run.assignment.weights)
    changed = []
    for phase in range(len(spec.recipe.phases)):
        of_phase = micro_batches_of(micro_batches, phase)
        before = micro_batches_of(micro_batches, phase - 1) if phase else 1
        if of_phase > before:
            since = f"from phase {phase + 1} on " if phase else ""
            changed.append(f"{since}batch of {spec.recipe.batch} in {of_phase} micro-batches")
    changed.append(f"evaluation in batches of {EVALUATION_BATCH // max(micro_batches)}")
    norm = spec.recipe.head.batch_norm or architecture(spec.recipe.architecture).batch_norm
    if norm and not pretrained and micro_batches[0] > 1:
        changed.append(f"batch norm statistics initialised on {CALIBRATION_FILMS // micro_batches[0]} films")
    if normalises_micro_batches(run.spec.recipe, micro_batches):
        changed.append("batch norm normalises each micro-batch separately")
    return f"{', '.join(changed)}: {reason}"


def normalises_micro_batches(recipe: Recipe, micro_batches: tuple[int, ...]) -> bool:
    """Return whether batch norm uses the statistics of split batches in any phase."""
    backbone = architecture(recipe.architecture).batch_norm
    return any(
        (recipe.head.batch_norm or (backbone and phase.batch_norm == "training"))
        and micro_batches_of(micro_batches, number) > 1
        for number, phase in enumerate(recipe.phases)
    )


def _free_mb(run: RunContext) -> float | None:
    """Return the GPU memory that was free before training; None on a CPU, or if NVML does not report it."""
    gpu = find_own_gpu() if run.assignment.gpu else None
    return free_memory_mb(gpu) if gpu else None


def _micro_batches_file(run: RunContext) -> Path:
    """Return the file that stores the number of micro-batches of a recipe on a device."""
    spec = run.spec
    key = [spec.recipe.distinctive(), spec.precision, spec.xla, run.assignment.device]
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    return Path(run.assignment.cache) / "micro_batches" / f"{digest}.json"


def _read_micro_batches(file: Path) -> tuple[int, ...] | None:
    """Read stored numbers of micro-batches; None if there are none, or if the file is damaged."""
    try:
        micro_batches = tuple(json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    whole = all(isinstance(number, int) and 1 <= number <= MOST_MICRO_BATCHES for number in micro_batches)
    return micro_batches if micro_batches and whole else None
