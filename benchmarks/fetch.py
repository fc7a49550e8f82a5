"""Fetch a dataset, check it, and put it where the benchmark finds it."""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from benchmarks.command_line import CommandLine, ends_with_its_reader, one_of, report_usage_error
from benchmarks.suite.source import DATA
from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.datasets.dataset_source import DatasetSource, Progress
from pneumo_tf.data.datasets.download import Files
from pneumo_tf.data.datasets.registry import DATASETS
from pneumo_tf.data.datasets.scan import LeftOut, describe_left_out
from pneumo_tf.data.image_files import describe_broken
from pneumo_tf.errors import UserError

BLOCK = 2**20
"""Bytes that are copied at a time."""


@ends_with_its_reader
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        Exit status: 0; 2 for an error that the user can correct; 130 after Ctrl-C.
    """
    try:
        options = make_parser().parse_args(arguments)
        source = DATASETS[options.dataset]
        out = options.out or DATA / source.folder
        fetched = fetch(source, out, options.zip)
    except UserError as error:
        return report_usage_error(error)
    except KeyboardInterrupt:
        print(f"interrupted; {out} was not made", file=sys.stderr)
        return 130
    films = fetched.films
    train, test = (sum(film.split == split for film in films) for split in ("train", "test"))
    print(f"{len(films):,} films in {out}: {train:,} for training, {test:,} for the test; all decode.")
    if differences := source.count_differences(films):
        print(
            "Warning: this is not the published set; do not compare results with those on the published set:"
        )
        print("\n".join(f"  {difference}" for difference in differences))
    for note in fetched.notes:
        print(note)
    print(source.notice)
    return 0


def make_parser() -> CommandLine:
    """Return the parser of the command."""
    parser = CommandLine("fetch", __doc__, ["kermany", "rsna --zip ~/Downloads/archive.zip"])
    fetched = {name: source for name, source in DATASETS.items() if source.download}
    parser.add_argument(
        "dataset",
        type=one_of("dataset", fetched),
        metavar="NAME",
        help="; ".join(f"{name}: {source.download.summary}" for name, source in fetched.items()),
    )
    parser.add_argument(
        "--zip",
        type=Path,
        metavar="FILE",
        help="zip downloaded by hand (default: download it)",
    )
    places = ", ".join(f"{DATA / source.folder}" for source in fetched.values())
    parser.add_argument("--out", type=Path, metavar="FOLDER", help=f"folder to make (default: {places})")
    return parser


def fetch(source: DatasetSource, out: Path, archive: Path | None = None) -> Dataset:
    """Create the folder of a dataset, complete and checked, or not at all.

    Args:
        source: The dataset; it must have a `download`.
        out: Folder to create.
        archive: Zip of the dataset; by default it is downloaded.

    Returns:
        The films in their folder.

    Raises:
        UserError: If the folder exists, a file cannot be downloaded or is refused, or a film does not decode.
    """
    if os.path.lexists(out):
        raise UserError(f"{out} exists and is not overwritten; delete it first, or choose another --out")
    unfinished = out.with_name(f".{out.name}.unfinished")
    try:
        unfinished.mkdir(parents=True)
    except FileExistsError as error:
        raise UserError(f"another fetch is running, or one was killed: then delete {unfinished}") from error
    except OSError as error:
        raise UserError(f"cannot write {unfinished}: {error.strerror}; choose another --out") from error
    try:
        _write_files(source, archive, unfinished)
        written = source.read(unfinished)
        _check_decoding(written, _progress("checking films"))
        with _writing(out):
            unfinished.rename(out)
    except OSError as error:
        raise UserError(f"cannot fetch {source.name}: {error}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return replace(written, root=out)


def _write_files(source: DatasetSource, archive: Path | None, folder: Path) -> None:
    if archive:
        with source.download.open_archive(archive) as archived:
            _print_left_out(archived.left_out)
            _copy(archived.files, folder, _progress("unpacking films"))
    else:
        _print_steps(source)
        downloaded = source.download.folder()
        print(f"Copying from {downloaded}, which may be deleted afterwards.")
        _print_left_out(source.find_films(downloaded).left_out)
        _copy(source.download.open_folder(downloaded), folder, _progress("copying films"))


def _print_left_out(left_out: Sequence[LeftOut]) -> None:
    if described := describe_left_out(left_out):
        print(described)


def _print_steps(source: DatasetSource) -> None:
    """Print the steps of a download, before it starts or fails."""
    print(f"{source.title}: {source.download.summary}.")
    for step in source.download.steps:
        print(f"  - {step}")


def _copy(files: Files, folder: Path, progress: Progress) -> None:
    for done, (place, source) in enumerate(sorted(files.items()), start=1):
        target = folder / place
        with source() as content, _writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                for block in _read_blocks(content, place):
                    file.write(block)
        progress(done, len(files))


def _read_blocks(content: BinaryIO, place: str) -> Iterator[bytes]:
    try:
        while block := content.read(BLOCK):
            yield block
    except OSError as error:
        raise UserError(f"cannot read {place}: {error.strerror or error}") from error


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Report that a path cannot be written, with advice."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror or error}; free space, or choose another --out"
        ) from error


def _check_decoding(dataset: Dataset, progress: Progress) -> None:
    """Decode every film: a truncated one has a valid header and would only fail in a run."""

    def reason(film_id: str) -> str:
        faults: list[str] = []
        try:
            dataset.decode(film_id, faults.append)
        except OSError as error:
            return error.strerror or str(error)
        except ValueError as error:
            return str(error)
        return ", ".join(faults)

    ids, broken = [film.id for film in dataset.films], []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, (film_id, found) in enumerate(zip(ids, pool.map(reason, ids), strict=True), start=1):
            if found:
                broken.append((film_id, found))
            progress(done, len(ids))
    if broken:
        raise UserError(describe_broken(dataset.root, broken, len(ids)))


def _progress(what: str) -> Progress:
    # Imported here: --help and errors in options need no TensorFlow.
    from benchmarks.suite.terminal import Terminal

    return Terminal().progress(what)


if __name__ == "__main__":
    sys.exit(main())
