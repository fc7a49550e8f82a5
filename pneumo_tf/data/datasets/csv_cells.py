"""Reading of CSV files, line by line, with file and line number for error messages."""

import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pneumo_tf.errors import UserError

DELIMITERS = (",", ";", "\t")

MOST_BYTES = 512 * 2**20
"""Bytes of text at most; the largest table of a public set of chest films has 10 million."""


def read_cells(path: Path, needed: Sequence[str] = ()) -> Iterator[tuple[str, dict[str, str]]]:
    """Read the lines of a CSV; empty lines are left out.

    Args:
        path: A CSV with commas, semicolons or tabs between cells; gzipped if its name ends in `.gz`.
        needed: Required columns, in lower case.

    Yields:
        File and number of each line, such as `films.csv, line 7`, and its cells by column name in lower case;
        columns without a name are left out.

    Raises:
        UserError: If the file cannot be read, a column is missing or occurs twice, or a line has too many or
            too few cells.
    """
    text = _read_text(path)
    first = text.split("\n", 1)[0]
    names = column_names(first)
    _check_columns(path, names, needed)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(first), strict=True)
    try:
        next(reader, None)
        for cells in reader:
            place = f"{path}, line {reader.line_num}"
            if not any(cells):
                continue
            if len(cells) != len(names):
                raise UserError(f"{place}: {len(cells)} cells under {len(names)} columns")
            yield place, {name: cell.strip() for name, cell in zip(names, cells, strict=True) if name}
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: {error}") from error


def column_names(first: str) -> list[str]:
    """Return the names of the columns in the first line of a CSV, in lower case."""
    cells = next(csv.reader([first.strip()], delimiter=_delimiter(first)), [])
    return [cell.strip().lower() for cell in cells]


def _read_text(path: Path) -> str:
    try:
        with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path} is not a gzip file, or damaged ({error})") from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    if len(content) > MOST_BYTES:
        raise UserError(
            f"{path} has more than {MOST_BYTES / 1e6:,.0f} MB of text; it is not a table of films"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not CSV text in UTF-8") from error


def _check_columns(path: Path, names: Sequence[str], needed: Sequence[str]) -> None:
    if doubled := [name for name, count in Counter(names).items() if count > 1 and name]:
        raise UserError(f"{path} has two columns {doubled[0]!r}")
    if lacking := [name for name in needed if name not in names]:
        raise UserError(f"{path} has no column {lacking[0]!r} (columns: {', '.join(names)})")


def _delimiter(first: str) -> str:
    return max(DELIMITERS, key=first.count)
