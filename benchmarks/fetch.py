"""Fetches a data set to where the benchmark finds it: `python -m benchmarks.fetch kermany`."""

import argparse
import contextlib
import os
import shutil
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from pneumo_tf.data.datasets.kermany import check_counts, film_ids, find_root, read_folder
from pneumo_tf.data.datasets.kermany_zip import Sources, open_archive
from pneumo_tf.data.films import Films
from pneumo_tf.errors import UserError

HANDLE = "paultimothymooney/chest-xray-pneumonia/versions/2"
PAGE = "https://www.kaggle.com/datasets/paultimothymooney/chest-xray-pneumonia"

NOTICE = """\
Chest X-Ray Images (Pneumonia), licence CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/). Please cite:
  Kermany D, Zhang K, Goldbaum M. Labeled Optical Coherence Tomography (OCT) and Chest X-Ray Images for
  Classification. Mendeley Data, V2, 2018. https://doi.org/10.17632/rscbjbr9sj.2
  Kermany DS, Goldbaum M, Cai W, et al. Identifying Medical Diagnoses and Treatable Diseases by Image-Based
  Deep Learning. Cell 172(5):1122-1131, 2018. https://doi.org/10.1016/j.cell.2018.02.010"""

NAMED = 3
"""Films that do not decode that an error names before it counts the rest."""

_BY_HAND = f"or download {PAGE} in a browser and give the file with --zip"
_LOGIN = "run `python -c 'import kagglehub; kagglehub.login()'` with a token of your Kaggle account"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Returns:
        The exit status: 0, 2 for what the user can mend, 130 when interrupted.
    """
    options = _parser().parse_args(arguments)
    try:
        films = fetch(options.out, options.zip)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"interrupted; {options.out} was not made", file=sys.stderr)
        return 130
    train, test = (sum(film.split == split for film in films) for split in ("train", "test"))
    print(
        f"{len(films):,} films in {options.out}: {train:,} for training, {test:,} for the test; all decode."
    )
    if differences := check_counts(films):
        print("Warning: this is not the set as published, and results will not compare with others:")
        print("\n".join(f"  {difference}" for difference in differences))
    print(NOTICE)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fetch", description="Fetch a data set, check it, and put it in its folder."
    )
    parser.add_argument("dataset", choices=("kermany",), help="chest films of Kermany et al. 2018, 1.2 GB")
    parser.add_argument(
        "--zip",
        type=Path,
        metavar="FILE",
        help="take it from a zip downloaded from Kaggle or Mendeley Data (default: download with kagglehub)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("data/chest_xray"),
        metavar="FOLDER",
        help="folder to make (default: %(default)s)",
    )
    return parser


def fetch(out: Path, archive: Path | None = None) -> Films:
    """Puts the set in a folder that does not exist yet: whole and checked, or not at all.

    Args:
        out: Folder that will hold train, val and test.
        archive: Zip to take it from; by default kagglehub downloads it.

    Returns:
        The films.

    Raises:
        UserError: Where the folder exists, the source cannot be had or trusted, or a film does not decode.
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
        with open_archive(archive) if archive else _open_download() as films:
            _write(films, unfinished)
        written = read_folder(unfinished).films
        _check_decoding(unfinished, [film.id for film in written])
        unfinished.rename(out)
    except OSError as error:
        raise UserError(
            f"cannot write {out}: {error.strerror or error}; free space, or choose another --out"
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return written


@contextlib.contextmanager
def _open_download() -> Iterator[Sources]:
    root = find_root(_download())
    print(f"Copying from {root}, which may be deleted afterwards.")
    sources = {}
    for film_id in film_ids(root):
        split, label, name = film_id.split("/")
        sources[f"{split.lower()}/{label.upper()}/{name}"] = partial((root / film_id).open, "rb")
    yield sources


def _download() -> Path:
    """A folder in kagglehub's cache; with the version pinned, one that is there needs no network."""
    try:
        import kagglehub
        from kagglehub import exceptions
        from requests import HTTPError, RequestException
    except ImportError as error:
        raise UserError(f"kagglehub is not installed; run `pip install kagglehub`, {_BY_HAND}") from error
    try:
        return Path(kagglehub.dataset_download(HANDLE))
    except (exceptions.UnauthenticatedError, exceptions.CredentialError) as error:
        raise UserError(f"Kaggle asks for a login; {_LOGIN}, {_BY_HAND}") from error
    except HTTPError as error:
        status = error.response.status_code if error.response is not None else "with an error"
        advice = _LOGIN if status in (401, 403) else "try again later"
        raise UserError(f"Kaggle answered {status}; {advice}, {_BY_HAND}") from error
    except RequestException as error:
        raise UserError(f"cannot reach Kaggle; check the network and run again, {_BY_HAND}") from error
    except (exceptions.DataCorruptionError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"the download was damaged; run again, {_BY_HAND}") from error
    except (exceptions.BackendError, exceptions.KaggleEnvironmentError) as error:
        raise UserError(f"Kaggle could not serve the set ({error}); run again, {_BY_HAND}") from error


def _write(films: Sources, folder: Path) -> None:
    with _progress("Unpacking", len(films)) as advance:
        for place, source in sorted(films.items()):
            target = folder / place
            target.parent.mkdir(parents=True, exist_ok=True)
            with source() as content, target.open("xb") as file:
                shutil.copyfileobj(content, file, 1 << 20)
            advance()


def _check_decoding(folder: Path, ids: Sequence[str]) -> None:
    """Decodes every film: a cut-off one has a good header, and would only fail hours into a run."""
    broken = []
    with _progress("Checking", len(ids)) as advance, ThreadPoolExecutor(os.cpu_count()) as pool:
        for film_id, good in zip(ids, pool.map(_decodes, [folder / film_id for film_id in ids]), strict=True):
            if not good:
                broken.append(film_id)
            advance()
    if broken:
        named = ", ".join(broken[:NAMED]) + (
            f" and {len(broken) - NAMED:,} more" if len(broken) > NAMED else ""
        )
        raise UserError(
            f"{len(broken):,} of {len(ids):,} films do not decode: {named}; download the set again"
        )


def _decodes(path: Path) -> bool:
    import cv2
    import numpy as np

    try:
        return cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE) is not None
    except cv2.error:
        return False


@contextlib.contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar on stderr, so that what is printed can be kept in a file."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description:<9}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


if __name__ == "__main__":
    sys.exit(main())
