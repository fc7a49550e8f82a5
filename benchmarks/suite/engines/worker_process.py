"""A worker seen from outside: a process that waits for its one run, does it and ends."""

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
    """Starts at once what its run will need, and the run when it is told which."""

    def __init__(self, trained: bool, environment: Mapping[str, str]) -> None:
        """Starts the process.

        Args:
            trained: Whether its run trains a network; another is done too, but starts later.
            environment: Its environment variables.
        """
        # The run's log is not known yet: what is printed before goes there when it is.
        self._said = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", "trained" if trained else "trivial"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
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
        """Whether the process is still there."""
        return self._process.poll() is None

    def assign(self, folder: RunFolder, assignment: Assignment) -> None:
        """Gives the process its run; one that has died meanwhile is noticed where events are read."""
        self._folder = folder
        line = json.dumps([str(folder.path), assignment.to_json()]) + "\n"
        with contextlib.suppress(BrokenPipeError), self._process.stdin as stdin:
            stdin.write(line.encode())

    def read(self) -> list[dict[str, Any]] | None:
        """Events told since the last call, None when there will be no more."""
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
        """Waits for the process, and gives its exit status as `subprocess` does."""
        code = self._process.wait()
        self._said.seek(0)
        # A process that lived took this over itself: here is what one said that died too soon.
        if self._folder and (said := self._said.read()):
            with self._folder.log.open("ab") as log:
                log.write(said)
        self._close()
        return code

    def ask_to_end(self) -> None:
        """Asks the process to end, and does not wait until it has."""
        self._process.send_signal(signal.SIGTERM)

    def stop(self, patience: float = 0.0) -> None:
        """Ends the process, by force when it still lives after some seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=patience)
        self._process.kill()
        self._process.wait()
        self._close()

    def _close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout, self._said):
            with contextlib.suppress(BrokenPipeError):
                stream.close()
