"""Terminal output of a command: lines and progress bars; no bars if the output is redirected."""

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
    "save": "saving",
    "load": "loading the model",
    "predict": "scoring",
    "explain": "explaining",
}


class Terminal:
    """Output of lines and progress bars."""

    def __init__(self) -> None:
        self.console = Console(stderr=False, highlight=False, soft_wrap=True)
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[doing]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )

    def log(self, line: str) -> None:
        """Print a line."""
        self.console.print(line, markup=False)

    def warn(self, line: str) -> None:
        """Print a line in colour."""
        self.console.print(line, style="bold yellow", markup=False)

    def progress(self, what: str) -> Callable[[int, int], None]:
        """Return a callback that shows the progress of a task, and prints a line when it is finished."""
        tasks: list[TaskID] = []

        def show(done: int, total: int) -> None:
            if not tasks:
                self.bars.start()
                tasks.append(self.bars.add_task(what, total=total, doing=""))
            self.bars.update(tasks[0], completed=done, total=total, doing=f"{done:,} of {total:,}")
            if done >= total:
                self.bars.remove_task(tasks.pop())
                self.bars.stop()
                self.log(f"{what}: {total:,}")

        return show


class RunsShown:
    """Progress of the runs of an engine, as its `Watcher`."""

    def __init__(self, terminal: Terminal, total: int) -> None:
        self._terminal, self._total, self._ended = terminal, total, 0
        self._began: dict[str, float] = {}
        self._tasks: dict[str, TaskID] = {}
        self._bars = terminal.bars

    def __enter__(self) -> "RunsShown":
        self._bars.start()
        self._suite = self._bars.add_task("all runs", total=self._total, doing=f"0 of {self._total}")
        return self

    def __exit__(self, *error: object) -> None:
        for task in (self._suite, *self._tasks.values()):
            self._bars.remove_task(task)
        self._bars.stop()

    def started(self, name: str, folder: RunFolder) -> None:
        """Add a bar for a worker that was started."""
        self._began[name] = time.monotonic()
        self._tasks[name] = self._bars.add_task(_short(name), total=1.0, doing="starting")

    def event(self, name: str, event: dict[str, Any]) -> None:
        """Show an event of a worker."""
        if event["event"] == "stage":
            self._bars.update(self._tasks[name], doing=STAGES.get(event["name"], event["name"]))
        elif event["event"] == "step":
            doing = f"epoch {event['epoch']} of {event['epochs']}"
            self._bars.update(self._tasks[name], completed=event["done"], doing=doing)
        elif event["event"] == "note":
            self._terminal.warn(f"  {_short(name)}: {event['text']}")

    def ended(self, name: str, folder: RunFolder, *, succeeded: bool) -> None:
        """Show how a worker ended. A finished run stays done even if adding results to it failed."""
        self._ended += 1
        self._bars.remove_task(self._tasks.pop(name))
        self._bars.update(self._suite, completed=self._ended, doing=f"{self._ended} of {self._total}")
        status, seconds = folder.status, time.monotonic() - self._began[name]
        state = "done, nothing added" if status["state"] == "done" and not succeeded else status["state"]
        line = f"[{self._ended}/{self._total}] {_short(name)}: {state} in {seconds:.0f} s"
        if status["reason"]:
            line += f": {status['reason']} ({folder.log})"
        (self._terminal.log if succeeded else self._terminal.warn)(line)


def _short(name: str) -> str:
    return name.rsplit("-", 1)[0]
