"""One run in its own process.

`python -m benchmarks.worker trained|trivial` is started by an engine. It imports what such a run needs, then
reads one line from standard input: the run's folder and its assignment. It sends events as JSON lines to
standard output; everything else that is printed goes to the run's log.
"""

import contextlib
import importlib
import json
import os
import sys
import threading
import time
from pathlib import Path

from benchmarks.worker.assignment import Assignment
from benchmarks.worker.attempt import execute_task
from benchmarks.worker.events import Events
from pneumo_tf.file_lock import lock_file
from pneumo_tf.run_folder import RunFolder

PARENT_CHECK_SECONDS = 1.0
NEEDED = {"trained": "benchmarks.worker.training_run", "trivial": "pneumo_tf.models.trivial"}
"""Module that takes long to import, by kind of run."""


def main() -> int:
    """Execute the task on standard input; return 0 if it succeeded or there is none, 1 if it failed."""
    events = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    _end_with_parent()
    # Imported early to save time; if it fails, it fails again in the run, which records the reason.
    with contextlib.suppress(Exception):
        importlib.import_module(NEEDED[sys.argv[1]])
    line = sys.stdin.readline()
    if not line:
        return 0
    path, text = json.loads(line)
    folder, assignment = RunFolder(Path(path)), Assignment.from_json(text)
    _print_to(folder.log)
    with (folder.path / "lock").open("w") as lock:
        # A worker of a killed run_all may run for another second: wait until it has ended.
        lock_file(lock)
        reason = execute_task(folder, assignment, Events(events))
    return 1 if reason else 0


def _print_to(log: Path) -> None:
    """Move the output so far to the run's log, and redirect further output there."""
    printed = os.pread(2, os.fstat(2).st_size, 0)
    os.ftruncate(2, 0)
    with log.open("ab", buffering=0) as file:
        file.write(printed)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


def _end_with_parent() -> None:
    """End this process once its parent has ended, since nobody would read the result."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_CHECK_SECONDS)
        os._exit(3)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
