"""Functions of batches, compiled once for all lengths; with XLA, once for the usual length."""

import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from pneumo_tf.training.memory import is_out_of_memory


class XlaFailed(RuntimeError):
    """The first call of a function compiled with XLA failed, not for lack of memory."""


class Compiled:
    """A function of batches, compiled once for all batch sizes.

    XLA compiles for a single size, so only batches of the usual size use it; all others, such as a smaller
    last batch, share one trace without XLA.
    """

    def __init__(
        self,
        function: Callable[..., tf.Tensor],
        *,
        xla: bool,
        usual: int | None = None,
        flops: float | None = None,
        inspect: Callable[[tf.Graph, int], None] | None = None,
    ) -> None:
        """Prepare the function; it is traced at its first call.

        Args:
            function: Function of tensors whose first axis is the batch.
            xla: Whether to compile with XLA for batches of the usual length.
            usual: The usual length; None for that of the first batch.
            flops: Operations per film; None if unknown.
            inspect: Called with each traced graph and the length of its first batch, before it runs.
        """
        self._function, self._xla, self._usual, self._film_flops = function, xla, usual, flops
        self._inspect = inspect
        self._compiled: dict[bool, Callable[..., tf.Tensor]] = {}
        self._films = 0
        self.trace_seconds = 0.0
        """Seconds of the first calls with and without XLA, each a trace and one batch; 0 before them."""

    @property
    def plain(self) -> Callable[..., tf.Tensor]:
        """The function before it is traced."""
        return self._function

    @property
    def xla_compilations(self) -> int:
        """Number of compilations by XLA so far."""
        return int(True in self._compiled)

    @property
    def flops(self) -> float | None:
        """Operations of all calls so far; None if unknown."""
        return None if self._film_flops is None else self._films * self._film_flops

    def __call__(self, *batch: Any) -> tf.Tensor:
        """Call the function on arrays or tensors of equal length, with the same other axes in every call.

        Raises:
            XlaFailed: If XLA cannot compile the function.
        """
        length = len(batch[0])
        self._films += length
        self._usual = self._usual or length
        xla = self._xla and length == self._usual
        if xla in self._compiled:
            return self._compiled[xla](*batch)
        started = time.perf_counter()
        # With a fixed length XLA cannot compile for another one unnoticed.
        signature = [tf.TensorSpec((length if xla else None, *part.shape[1:]), part.dtype) for part in batch]
        self._compiled[xla] = tf.function(self._function, input_signature=signature, jit_compile=xla)
        if self._inspect:
            self._inspect(self._compiled[xla].get_concrete_function().graph, length)
        result = self._call_first(xla, batch)
        self.trace_seconds += time.perf_counter() - started
        return result

    def _call_first(self, xla: bool, batch: tuple[Any, ...]) -> tf.Tensor:
        try:
            return self._compiled[xla](*batch)
        except tf.errors.OpError as error:
            if not xla or is_out_of_memory(error):
                raise
            raise XlaFailed(error.message.strip().splitlines()[0]) from error
