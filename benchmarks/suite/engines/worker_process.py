"""Process of a worker, as seen by its engine: it waits for one run, executes it and ends."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import Any, BinaryIO

from benchmarks.worker.assignment import Assignment
from pneumo_tf.run_folder import RunFolder


class WorkerProcess:
    """A process that imports what its run will need right away, and executes the run once it is assigned."""

    def __init__(self, trained: bool, environment: Mapping[str, str]) -> None:
        """Start the process.

        Args:
            trained: Whether its run trains a network; if not, it starts without TensorFlow.
            environment: Environment variables of the process.
        """
        # The run's log is not known yet: earlier output is collected here and moved there.
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", "trained" if trained else "trivial"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._printed,
            env=dict(environment),
            # Ctrl-C goes to the main process alone, which then stops its workers in order.
            start_new_session=True,
        )
        self._folder: RunFolder | None = None
        self._pending = b""

    @property
    def events(self) -> BinaryIO:
        """The stream that `read` reads."""
        return self._process.stdout

    @property
    def alive(self) -> bool:
        """Whether the process is running."""
        return self._process.poll() is None

    def assign(self, folder: RunFolder, assignment: Assignment) -> None:
        """Assign a run; if the process has already ended, reading its events shows it."""
        self._folder = folder
        line = json.dumps([str(folder.path), assignment.to_json()]) + "\n"
        with contextlib.suppress(BrokenPipeError), self._process.stdin as stdin:
            stdin.write(line.encode())

    def read(self) -> list[dict[str, Any]] | None:
        """Return the events since the last call, None when there will be no more."""
        chunk = os.read(self.events.fileno(), 65536)
        if not chunk:
            return None
        *lines, self._pending = (self._pending + chunk).split(b"\n")
        events = []
        for line in lines:
            with contextlib.suppress(json.JSONDecodeError):
                events.append(json.loads(line))
        return events

    def end(self) -> int:
        """Wait for the process, and return its exit status as `subprocess` does."""
        code = self._process.wait()
        self._printed.seek(0)
        # A worker moves its output to the log itself; this is for one that ended before it could.
        if self._folder and (printed := self._printed.read()):
            with self._folder.log.open("ab") as log:
                log.write(printed)
        self._close()
        return code

    def request_exit(self) -> None:
        """Request that the process ends, without waiting for it."""
        self._process.send_signal(signal.SIGTERM)

    def stop(self, patience: float = 0.0) -> None:
        """End the process, by force if it still runs after some seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=patience)
        self._process.kill()
        self._process.wait()
        self._close()

    def _close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout, self._printed):
            with contextlib.suppress(BrokenPipeError):
                stream.close()
