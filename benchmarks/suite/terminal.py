"""What the user sees while runs are done: bars on a terminal, quiet lines elsewhere."""

import time
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from pneumo_tf.run_folder import RunFolder

STAGES = {
    "start": "starting TensorFlow",
    "data": "reading films",
    "decode": "decoding films",
    "build": "building the model",
    "train": "training",
    "predict": "scoring",
    "explain": "explaining",
    "save": "saving",
    "load": "loading the model",
}


class Terminal:
    """Shows lines and progress."""

    def __init__(self) -> None:
        self.console = Console(stderr=False, highlight=False, soft_wrap=True)
        self._live = self.console.is_terminal

    def say(self, line: str, *, loud: bool = False) -> None:
        """Shows a line; a loud one stands out."""
        self.console.print(line, style="bold yellow" if loud else None, markup=False)

    def progress(self, what: str) -> Callable[[int, int], None]:
        """Makes a callback that shows how much of a task is done."""
        shown = {"at": 0.0}

        def show(done: int, total: int) -> None:
            now = time.monotonic()
            if self._live and (now - shown["at"] > 0.2 or done == total):
                shown["at"] = now
                self.console.print(f"{what}: {done:,} of {total:,}", end="\n" if done == total else "\r")
            elif not self._live and done == total:
                self.console.print(f"{what}: {total:,}")

        return show


class RunsShown:
    """Shows a plan being done: a `Watcher` of an engine."""

    def __init__(self, terminal: Terminal, total: int) -> None:
        self._terminal, self._total, self._ended = terminal, total, 0
        self._began: dict[str, float] = {}
        self._tasks: dict[str, TaskID] = {}
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[doing]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=terminal.console,
            transient=True,
            disable=not terminal.console.is_terminal,
        )

    def __enter__(self) -> "RunsShown":
        self._bars.start()
        self._suite = self._bars.add_task("all runs", total=self._total, doing=f"0 of {self._total}")
        return self

    def __exit__(self, *error: object) -> None:
        self._bars.stop()

    def started(self, name: str, folder: RunFolder) -> None:
        """A worker was started."""
        self._began[name] = time.monotonic()
        self._tasks[name] = self._bars.add_task(_short(name), total=1.0, doing="starting")

    def event(self, name: str, event: dict[str, Any]) -> None:
        """A worker said something."""
        if event["event"] == "stage":
            self._bars.update(self._tasks[name], doing=STAGES.get(event["name"], event["name"]))
        elif event["event"] == "step":
            doing = f"epoch {event['epoch']} of {event['epochs']}"
            self._bars.update(self._tasks[name], completed=event["done"], doing=doing)
        elif event["event"] == "note":
            self._terminal.say(f"  {_short(name)}: {event['text']}", loud=True)

    def ended(self, name: str, folder: RunFolder, *, succeeded: bool) -> None:
        """A worker is gone; one that should have scored a finished run may have failed at that."""
        self._ended += 1
        self._bars.remove_task(self._tasks.pop(name))
        self._bars.update(self._suite, completed=self._ended, doing=f"{self._ended} of {self._total}")
        status, seconds = folder.status, time.monotonic() - self._began[name]
        state = "not scored" if status["state"] == "done" and not succeeded else status["state"]
        line = f"[{self._ended}/{self._total}] {_short(name)}: {state} in {seconds:.0f} s"
        reason = f": {status['reason']}" if status["reason"] else ""
        self._terminal.say(f"{line}{reason}", loud=not succeeded)


def _short(name: str) -> str:
    return name.rsplit("-", 1)[0]
