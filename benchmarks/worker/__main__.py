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
from benchmarks.worker.attempt import do_task
from benchmarks.worker.events import Events
from pneumo_tf.file_lock import lock_file
from pneumo_tf.run_folder import RunFolder

PARENT_CHECK_SECONDS = 1.0
NEEDED = {"trained": "benchmarks.worker.training_run", "trivial": "pneumo_tf.models.trivial"}
"""Modules that take long to import, by the kind of run."""


def main() -> int:
    """Do the task that standard input names; 0 if it is done or if there is none, 1 if it failed."""
    events = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    _end_with_parent()
    # Imported early to save time; an import that fails here fails again in the run, which records why.
    with contextlib.suppress(Exception):
        importlib.import_module(NEEDED[sys.argv[1]])
    line = sys.stdin.readline()
    if not line:
        return 0
    path, text = json.loads(line)
    folder, assignment = RunFolder(Path(path)), Assignment.from_json(text)
    _print_to(folder.log)
    with (folder.path / "lock").open("w") as lock:
        # A worker whose run_all was killed may run for another second: wait until it has ended.
        lock_file(lock)
        reason = do_task(folder, assignment, Events(events))
    return 1 if reason else 0


def _print_to(log: Path) -> None:
    """Move what was printed so far to the run's log, and send there what follows."""
    printed = os.pread(2, os.fstat(2).st_size, 0)
    os.ftruncate(2, 0)
    with log.open("ab", buffering=0) as file:
        file.write(printed)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


def _end_with_parent() -> None:
    """End this process when its parent has ended: a run whose result nobody reads must not continue."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_CHECK_SECONDS)
        os._exit(3)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
