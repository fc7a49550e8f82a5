"""The page of an audit: a box with advice, then the chapters."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from pneumo_tf.atomic import write_atomically
from pneumo_tf.audit.chapter import Chapter
from pneumo_tf.audit.chapters import CHAPTERS
from pneumo_tf.audit.decoded import DecodedSet
from pneumo_tf.report.figures import style
from pneumo_tf.report.figures.picture import encode_png
from pneumo_tf.report.markdown import Markdown, render

PAGE, PICTURES = "audit.md", "audit"
"""Names of the page and of the folder of its pictures, in the output folder."""


def write_audit(decoded: DecodedSet, out: Path, command: str, with_films: bool = True) -> Path:
    """Audit films and write the page.

    Args:
        decoded: The films.
        out: Folder for the page and its pictures; those of an earlier audit are replaced.
        command: Command that made the page, shown on it.
        with_films: Whether pictures may show films; a page without them can be published under any licence.

    Returns:
        The page's path.

    Raises:
        UserError: If the folder cannot be written.
    """
    with style.applied():
        chapters = [describe(decoded) for describe in CHAPTERS.values()]
        pictures = _write_pictures(decoded, chapters, out, with_films)
    page = render(
        "audit.md",
        opening=_opening(decoded, command),
        care=[line for chapter in chapters for line in chapter.care],
        chapters=chapters,
        pictures=pictures,
    )
    write_atomically(out / PAGE, page)
    return out / PAGE


def _opening(decoded: DecodedSet, command: str) -> Markdown:
    sentences = [Markdown("{}.").format(decoded.dataset.title)]
    if decoded.synthetic:
        sentences.append("The films are drawn by a program: nothing here is about patients.")
    if decoded.stored is not None:
        width, height = decoded.stored
        origin = "come from a CSV" if decoded.sizes_given else "are not known"
        sentences.append(f"The files are {width} × {height} pixels; original sizes {origin}.")
    sentences.append(Markdown(f"Made with {_span(command)}."))
    return Markdown(" ").join(sentences)


def _span(command: str) -> str:
    """Return a command in code type, with nothing of it changed: it is there to be copied."""
    return f"`` {command} ``" if "`" in command else f"`{command}`"


def _write_pictures(
    decoded: DecodedSet, chapters: Sequence[Chapter], out: Path, with_films: bool
) -> dict[str, str]:
    written = {}
    for chapter in chapters:
        for drawing in chapter.drawings:
            if drawing.shows_films and not with_films:
                continue
            if decoded.synthetic:
                _mark(drawing.figure, "synthetic films")
            place = f"{PICTURES}/{drawing.name}.png"
            write_atomically(out / place, encode_png(drawing.figure))
            written[drawing.name] = place
    return written


def _mark(figure: Figure, text: str) -> None:
    """Write a text into the bottom right corner."""
    width, height = figure.get_size_inches()
    figure.text(1 - 0.08 / width, 0.06 / height, text, size=6.5, color=style.QUIET, ha="right")
