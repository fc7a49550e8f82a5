"""Errors and exits become kinds of failure; the kind is not guessed from words."""

import errno
import fcntl
import signal

import pytest

from pneumo_tf.errors import UserError
from pneumo_tf.failures import FAILURES, failure_of, failure_of_exit, kind_of
from pneumo_tf.file_lock import lock_file
from pneumo_tf.report.tables.unfinished import remedy


class ResourceExhaustedError(Exception):
    """Stands for TensorFlow's class of the same name."""


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ResourceExhaustedError("OOM"), "gpu-memory"),
        (caused(UserError("with the smallest batches"), ResourceExhaustedError()), "gpu-memory"),
        (MemoryError(), "host-memory"),
        (OSError(errno.ENOSPC, "No space left"), "disk-full"),
        (caused(UserError("cannot write"), OSError(errno.ENOSPC, "No space left")), "disk-full"),
        (UserError("no memory of such a name"), "user-error"),
        (RuntimeError("memory layout is not supported"), "exception"),
    ],
)
def test_the_kind_comes_from_the_class_of_an_error_or_its_cause(error, kind):
    assert kind_of(error) == failure_of(error).kind == kind


def test_exits_have_kinds():
    kinds = [failure_of_exit(code).kind for code in (-signal.SIGKILL, -signal.SIGSEGV, 3)]
    assert kinds == ["killed", "signal", "status"]
    assert "SIGSEGV" in failure_of_exit(-signal.SIGSEGV).reason


def test_a_failure_without_a_kind_points_to_the_log():
    assert "log.txt" in remedy("failed", "")
    assert remedy("failed", "host-memory").startswith(FAILURES["host-memory"].remedy)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_locks_is_no_error(number, tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(number, "no locks")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with (tmp_path / "lock").open("w") as file:
        assert not lock_file(file)


def test_a_locked_file_is_refused(tmp_path):
    with (tmp_path / "lock").open("w") as file, (tmp_path / "lock").open("w") as other:
        assert lock_file(file, wait=False)
        with pytest.raises(BlockingIOError):
            lock_file(other, wait=False)
