"""Agreement between devices and modes: the same training step from the same weights in each."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import keras
import numpy as np
import tensorflow as tf

from benchmarks.doctor.step_input import Row, StepInput
from benchmarks.doctor.trial import describe_error, make_trial
from pneumo_tf.models.registry import architecture
from pneumo_tf.recipe import Phase, Recipe
from pneumo_tf.training.device import prepare_tensorflow

NETWORKS = {True: ("conv3_gray", "conv4_gray"), False: ("conv3_gray",)}
"""Architectures with and without a GPU: `conv3_gray` has no batch norm, `conv4_gray` has it."""

SIZE, BATCH, MICRO_BATCHES = 32, 22, 4
"""The last micro-batch is smaller than the others: 6, 6, 6 and 4 films."""

DESCENT = Phase(epochs=1, learning_rate=1.0, batch_norm="training", optimizer="sgd")
"""A step of rate 1 without momentum subtracts the gradient, so the change of the weights is the gradient."""

TOLERANCES = {"float32": 1e-3, "tf32": 2e-2, "mixed_bfloat16": 0.1}
"""Largest relative difference of loss and gradient from the reference, by precision."""


@dataclass(frozen=True)
class Mode:
    """How a step is computed.

    Args:
        device: `"CPU"` or `"GPU"`.
        precision: Keras dtype policy.
        tf32: Multiply float32 matrices in TF32 where the card can.
        xla: Compile with XLA.
        micro_batches: Number of micro-batches.
    """

    device: str = "CPU"
    precision: str = "float32"
    tf32: bool = False
    xla: bool = False
    micro_batches: int = 1

    @property
    def tolerance(self) -> float:
        """Largest difference that counts as rounding."""
        return TOLERANCES["tf32" if self.tf32 else self.precision]


def list_modes(*, gpu: bool) -> list[Mode]:
    """List the modes that are compared with float32 on the CPU and the whole batch."""
    if not gpu:
        return [Mode(micro_batches=MICRO_BATCHES), Mode(xla=True)]
    on_gpu = Mode("GPU"), Mode("GPU", tf32=True), Mode("GPU", "mixed_bfloat16")
    return [
        replace(base, xla=xla, micro_batches=number)
        for base in on_gpu
        for xla in (False, True)
        for number in (1, MICRO_BATCHES)
    ]


def measure(step_input: StepInput) -> Iterator[Row]:
    """Compare every mode with the reference."""
    prepare_tensorflow()
    for network in NETWORKS[step_input.gpu]:
        reference = compute(network, Mode())
        yield _row(network, Mode(), reference, reference)
        for mode in list_modes(gpu=step_input.gpu):
            try:
                yield compare(network, mode, reference)
            except tf.errors.OpError as error:
                found = describe_error(error)
                reason = f"{network}, {mode}: {found['error']}"
                yield {"network": network} | asdict(mode) | found | {"problem": reason}


def compute(network: str, mode: Mode) -> tuple[float, np.ndarray]:
    """Return the loss of one batch, and its gradient as one vector.

    Args:
        network: Architecture.
        mode: How it is computed.
    """
    tf.config.experimental.enable_tensor_float_32_execution(mode.tf32)
    recipe = Recipe(network, network, (DESCENT,), size=SIZE, batch=BATCH)
    with tf.device(f"{mode.device}:0"):
        trial = make_trial(recipe, DESCENT, mode.precision, xla=mode.xla, micro_batches=mode.micro_batches)
        before = _vector(trial.model)
        loss = float(trial.run())
    return loss, before - _vector(trial.model)


def compare(network: str, mode: Mode, reference: tuple[float, np.ndarray]) -> Row:
    """Return the differences of a mode from the reference, and a problem if they are not rounding.

    Args:
        network: Architecture.
        mode: How it is computed.
        reference: Loss and gradient of `Mode()`.
    """
    row = _row(network, mode, compute(network, mode), reference)
    # Batch norm normalises micro-batches, not the batch: the numbers differ, and a run notes it.
    if mode.micro_batches > 1 and architecture(network).batch_norm:
        return row
    largest = max(row["loss_difference"], row["gradient_difference"])
    if not largest <= mode.tolerance:
        xla = "on" if mode.xla else "off"
        how = f"{mode.device}, {mode.precision}, XLA {xla}, micro-batches: {mode.micro_batches}"
        row["problem"] = f"{network}: {how} differs by {largest:.2g} from float32 on the CPU"
    return row


def _row(
    network: str, mode: Mode, found: tuple[float, np.ndarray], reference: tuple[float, np.ndarray]
) -> Row:
    (loss, gradient), (true_loss, true_gradient) = found, reference
    norm = float(np.linalg.norm(true_gradient))
    return {
        "network": network,
        **asdict(mode),
        "loss": loss,
        "gradient_norm": float(np.linalg.norm(gradient)),
        "loss_difference": abs(loss - true_loss) / abs(true_loss),
        "gradient_difference": float(np.linalg.norm(gradient - true_gradient)) / norm,
    }


def _vector(model: keras.Model) -> np.ndarray:
    return np.concatenate([variable.numpy().ravel() for variable in model.trainable_variables])
