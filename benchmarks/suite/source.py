"""Where the films of a run come from: the real set, or the phantom where there is none."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pneumo_tf.data.datasets.kermany import check_counts, read_folder
from pneumo_tf.data.datasets.phantom import PhantomSpec, write_phantom
from pneumo_tf.data.films import Dataset

DATA = Path("data")
REAL = DATA / "chest_xray"

SYNTHETIC = "SYNTHETIC FILMS: the phantom shows that the suite works, and says nothing about medicine."

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Source:
    """A set of films, here or still to be drawn.

    Args:
        path: Its folder.
        phantom: The films are synthetic.
        notes: What the user should know of the choice, one line each.
    """

    path: Path
    phantom: bool
    notes: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether reading it draws nothing."""
        return not self.phantom or (self.path / "phantom.json").exists()


def find_source(wanted: str) -> Source:
    """Decides on the films.

    Args:
        wanted: `"auto"`, `"phantom"`, or a folder.
    """
    if wanted not in ("auto", "phantom"):
        # Synthetic films must not pass for real ones because they are named by their folder.
        drawn = next((p for p in (Path(wanted), Path(wanted).parent) if (p / "phantom.json").exists()), None)
        return Source(drawn or Path(wanted), phantom=drawn is not None, notes=(SYNTHETIC,) if drawn else ())
    if wanted == "auto" and REAL.is_dir():
        return Source(REAL, phantom=False)
    notes = [SYNTHETIC]
    if wanted == "auto":
        notes.append(
            f"There is no {REAL}. For the real films: python -m benchmarks.fetch kermany, or --data FOLDER."
        )
    spec = PhantomSpec()
    return Source(DATA / f"phantom-{spec.fingerprint[:8]}", phantom=True, notes=tuple(notes))


def read_source(
    source: Source, cache: Path | None, sizes: Path | None, progress: Callable[[str], Progress]
) -> tuple[Dataset, list[str]]:
    """Reads the films of a source, drawing the phantom where it is not there yet.

    Args:
        source: From `find_source`.
        cache: Folder for the index of the films; None keeps none.
        sizes: CSV of original pixel sizes.
        progress: Given what is going on, makes a progress callback.

    Returns:
        The dataset, and how it differs from the published set, in words.

    Raises:
        UserError: Where the folder is no such set.
    """
    if source.phantom:
        if not source.ready:
            write_phantom(PhantomSpec(), source.path, progress("drawing synthetic films"))
        title = "Phantom: synthetic films"
        return read_folder(
            source.path / "chest_xray", cache=cache, sizes=sizes, name="phantom", title=title
        ), []
    dataset = read_folder(source.path, cache=cache, sizes=sizes, progress=progress("reading film headers"))
    return dataset, check_counts(dataset.films)
