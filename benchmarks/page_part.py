"""Parts of pages that commands write: the text between `<!-- NAME: … -->` and `<!-- /NAME -->`."""

import re
from pathlib import Path

from pneumo_tf.atomic import write_atomically
from pneumo_tf.errors import UserError


def replace_part(text: str, part: str, body: str, page: Path) -> str:
    """Return a page's text with the body between the marks of a part replaced.

    Args:
        text: Text of the page.
        part: Name of the part.
        body: Markdown; empty lines are put around it.
        page: Path of the page, for the error message.

    Raises:
        UserError: If the page has no such marks.
    """
    marks = re.compile(rf"(<!-- {part}: [^>]*-->\n).*?(<!-- /{part} -->)", re.DOTALL)
    if not marks.search(text):
        raise UserError(f"{page} lacks the marks of {part}: <!-- {part}: … --> and <!-- /{part} -->")
    return marks.sub(lambda found: f"{found[1]}\n{body.strip()}\n\n{found[2]}", text)


def write_part(page: Path, part: str, body: str) -> None:
    """Replace the body of a part in a page; the page is written whole or not at all.

    Raises:
        UserError: If the page has no such marks.
    """
    write_atomically(page, replace_part(page.read_text("utf-8"), part, body, page))
