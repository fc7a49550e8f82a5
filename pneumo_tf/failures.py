"""Kinds of failure of runs, each with a sentence and a remedy.

A kind is one entry of `FAILURES`; the kind of a failed run is recorded in its `status.json`.
"""

import errno
import signal
from collections.abc import Iterator
from dataclasses import dataclass

from pneumo_tf.errors import UserError


@dataclass(frozen=True)
class Failure:
    """One kind of failure.

    Args:
        sentence: What happened.
        remedy: What to do before the run is started again.
        keeps_work: Whether a retry continues from the checkpoint and the model of the failed run.
    """

    sentence: str
    remedy: str
    keeps_work: bool = True


FAILURES = {
    "gpu-memory": Failure(
        "out of GPU memory", "use a GPU with more memory, a smaller --size or --profile quick"
    ),
    "host-memory": Failure("out of memory", "use fewer --workers or a smaller --size"),
    "killed": Failure(
        "killed by the system, most likely out of memory", "use fewer --workers or a smaller --size"
    ),
    "signal": Failure("ended by a signal", "see the run's `log.txt`"),
    "status": Failure("ended before it was done", "see the run's `log.txt`"),
    "xla": Failure("XLA could not compile the network", "add --xla off"),
    "not-finite": Failure(
        "the loss is not finite", "use a lower learning rate or --precision float32", keeps_work=False
    ),
    "disk-full": Failure("the disk is full", "free space or choose another --out"),
    "weights-missing": Failure(
        "the initial weights are not available",
        "put the file into `~/.keras/models` or name its folder with --weights FOLDER; "
        "--weights random starts from random ones",
    ),
    "user-error": Failure("wrong input or environment", "follow the advice in the reason"),
    "damaged": Failure("a stored file is damaged", "add --retry-failed, or --fresh", keeps_work=False),
    "interrupted": Failure("stopped before its end", "start the same command again"),
    "exception": Failure("an unexpected error", "fix what the run's `log.txt` shows"),
}

CLASSES = {
    "ResourceExhaustedError": "gpu-memory",
    "OutOfDeviceMemory": "gpu-memory",
    "MemoryError": "host-memory",
    "XlaFailed": "xla",
    "NotFinite": "not-finite",
    "DamagedFile": "damaged",
}
"""Kinds by class name, so that classes of TensorFlow are recognised without importing it."""


@dataclass(frozen=True)
class RunFailure:
    """How a run failed.

    Args:
        kind: Key of `FAILURES`.
        reason: Reason in one line, with a remedy if there is one.
    """

    kind: str
    reason: str


def kind_of(error: BaseException) -> str:
    """Return the kind of an error: that of its class or, if unknown, of the first known cause."""
    for known in _with_causes(error):
        if type(known).__name__ in CLASSES:
            return CLASSES[type(known).__name__]
        if isinstance(known, OSError) and known.errno in (errno.ENOSPC, errno.EDQUOT):
            return "disk-full"
    return "user-error" if isinstance(error, UserError) else "exception"


def failure_of(error: BaseException) -> RunFailure:
    """Return the kind of an error and one line about it."""
    kind = kind_of(error)
    first = (str(error).strip().splitlines() or [""])[0][:200]
    if isinstance(error, UserError):
        return RunFailure(kind, str(error))
    if kind == "exception":
        return RunFailure(kind, f"{type(error).__name__}: {first}")
    return RunFailure(kind, describe(kind, first))


def failure_of_exit(code: int) -> RunFailure:
    """Return the failure of a process that ended before its run was done.

    Args:
        code: Exit status as in `subprocess`, negative for a signal.
    """
    if code == -signal.SIGKILL:
        return RunFailure("killed", describe("killed"))
    if code < 0:
        return RunFailure("signal", f"ended by signal {signal.Signals(-code).name}; see log.txt")
    return RunFailure("status", f"ended with status {code} before it was done; see log.txt")


def describe(kind: str, detail: str = "") -> str:
    """Return sentence and remedy of a kind in one line, with details of the error if given."""
    known = f" ({detail})" if detail else ""
    return f"{FAILURES[kind].sentence}{known}; {FAILURES[kind].remedy}"


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
