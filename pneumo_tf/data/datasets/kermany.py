"""The chest films of Kermany et al. 2018: subtype and patient from file names, counts, series and licence."""

import re
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from pneumo_tf.data.datasets.dataset_source import DatasetSource, MisleadingNumber, SourceSeries
from pneumo_tf.data.datasets.download import Download
from pneumo_tf.data.datasets.film_list import FilmList
from pneumo_tf.data.datasets.kaggle import download_dataset
from pneumo_tf.data.datasets.kermany_folder import SPLITS, find_films, find_root, open_folder
from pneumo_tf.data.datasets.kermany_zip import open_archive
from pneumo_tf.data.datasets.own_films import patient_key
from pneumo_tf.data.datasets.reading_options import NO_OPTIONS, ReadingOptions
from pneumo_tf.data.datasets.scan import count_left_out
from pneumo_tf.data.films import CLASSES, Film, unknown_patient
from pneumo_tf.data.image_files import Header

TITLE = "Chest X-Ray Images (Pneumonia), Kermany et al. 2018"
HANDLE = "paultimothymooney/chest-xray-pneumonia/versions/2"
PAGE = "https://www.kaggle.com/datasets/paultimothymooney/chest-xray-pneumonia"

NOTICE = """\
Chest X-Ray Images (Pneumonia), licence CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/). Please cite:
  Kermany D, Zhang K, Goldbaum M. Labeled Optical Coherence Tomography (OCT) and Chest X-Ray Images for
  Classification. Mendeley Data, V2, 2018. https://doi.org/10.17632/rscbjbr9sj.2
  Kermany DS, Goldbaum M, Cai W, et al. Identifying Medical Diagnoses and Treatable Diseases by Image-Based
  Deep Learning. Cell 172(5):1122-1131, 2018. https://doi.org/10.1016/j.cell.2018.02.010"""

COUNTS = {
    ("train", "normal"): 1349,
    ("train", "bacteria"): 2538,
    ("train", "virus"): 1345,
    ("test", "normal"): 234,
    ("test", "bacteria"): 242,
    ("test", "virus"): 148,
}
"""Films of the published set by split and subtype; the 16 that Kaggle moved to `val/` count as train."""

PROTOCOLS = (
    "official",
    "cv5",
    "published-alphabetical",
    "published-640",
    "published-pooled",
    "published-test-selected",
)
"""Protocols for folders train and test, with or without val."""

_PNEUMONIA = re.compile(r"person(\d+)_(bacteria|virus)(?![a-z])", re.IGNORECASE)
_NORMAL = re.compile(r"((?:NORMAL2-)?IM)-(\d+)", re.IGNORECASE)
_NUMBERED = re.compile(r"(NORMAL|BACTERIA|VIRUS)-(\d+)-", re.IGNORECASE)
_PERSON = re.compile(r"person(\d+)_", re.IGNORECASE)


class FilmName(NamedTuple):
    """Subtype and patient in a file name.

    Args:
        subtype: `"normal"`, `"bacteria"`, `"virus"`, or `""` if the name follows no known pattern.
        patient: Key of the person, `""` if the name follows no known pattern.
        series: Series that the patient's number belongs to, `""` if it is unknown.
    """

    subtype: str
    patient: str
    series: str


def list_films(path: Path, options: ReadingOptions = NO_OPTIONS) -> FilmList:
    """List a folder of the set, as downloaded from Kaggle or Mendeley Data, or with films renamed.

    Args:
        path: The folder with `train` and `test`, or one that contains it up to four levels down.
        options: Options of the user. With an expression for the patient, nothing but the patient is read from
            the names: the films are the user's own.

    Raises:
        UserError: If a folder is missing or empty.

    Example:
        >>> list_films(Path("data/chest_xray")).ids[0]
        'test/NORMAL/IM-0001-0001.jpeg'
    """
    found = find_films(path)
    left_out = count_left_out(found.omissions)
    if options.patient is not None:
        return FilmList(found.root, found.ids, partial(_describe_own, options), left_out=left_out)
    return FilmList(found.root, found.ids, describe_film, named_class=_named_class, left_out=left_out)


def describe_film(film_id: str, header: Header) -> Film:
    """Return the row of a film; `val` counts as train, and an unknown subtype is replaced by the class."""
    name = read_name(film_id)
    return _film(film_id, header, name.subtype, name.patient or unknown_patient(film_id))


def _describe_own(options: ReadingOptions, film_id: str, header: Header) -> Film:
    return _film(film_id, header, "", patient_key(film_id, header, options))


def _film(film_id: str, header: Header, subtype: str, patient: str) -> Film:
    folder, class_folder, _ = film_id.lower().split("/", 2)
    label, split = CLASSES.index(class_folder), SPLITS[folder]
    size = header.width, header.height
    return Film(film_id, label, subtype or class_folder, patient, split, *size, header.digest)


def _named_class(film_id: str) -> int | None:
    subtype = read_name(film_id).subtype
    return int(subtype != "normal") if subtype else None


def read_name(film_id: str) -> FilmName:
    """Read subtype and patient of a film from its file name.

    Bacteria and virus are each numbered from 1, and so are `IM` and `NORMAL2-IM`: `person3_bacteria_10` and
    `person3_virus_15` are two children. So the key consists of the series and the number.

    Example:
        >>> read_name("train/PNEUMONIA/person447_virus_921_1.jpeg").patient
        'virus-447'
    """
    stem = PurePosixPath(film_id).stem
    if match := _PNEUMONIA.match(stem):
        number, subtype = match[1], match[2].lower()
        return FilmName(subtype, f"{subtype}-{number}", subtype)
    if match := _NORMAL.match(stem):
        series = match[1].upper()
        return FilmName("normal", f"{series}-{match[2]}", series)
    if match := _NUMBERED.match(stem):
        subtype = match[1].lower()
        return FilmName(subtype, f"{subtype}-{match[2]}", "NORMAL" if subtype == "normal" else subtype)
    return FilmName("", "", "")


def source_series(film_id: str) -> str:
    """Return the series of a film: `"IM"`, `"NORMAL2-IM"`, `"bacteria"`, `"virus"`, `""` if unknown.

    Mendeley v3 renames both normal series to `"NORMAL"`.
    """
    return read_name(film_id).series


def person_number(film_id: str) -> str | None:
    """Return N of `person<N>`; a bacterial and a viral patient can have the same number."""
    found = _PERSON.match(PurePosixPath(film_id).name)
    return found and found[1]


def is_set_apart(film_id: str) -> bool:
    """Whether a film is one of the 16 that Kaggle moved from train to `val`."""
    return film_id.lower().startswith("val/")


KERMANY = DatasetSource(
    name="kermany",
    title=TITLE,
    folder="chest_xray",
    find=find_root,
    list_films=list_films,
    notice=NOTICE,
    licence="CC BY 4.0",
    sides=("train folder", "test folder"),
    protocols=PROTOCOLS,
    options=frozenset({"patient"}),
    counts=COUNTS,
    plausible_accuracy=0.97,
    series=SourceSeries(
        source_series,
        "Normal test films come from two numbered series, perhaps two archives. A model that recognises a "
        "series instead of lungs is right on one of them only.",
    ),
    misleading_number=MisleadingNumber(
        person_number,
        "person<N>",
        "Bacterial and viral patients are numbered separately: the key here is kind and number, and for "
        "normals the whole prefix (`IM-0115`, `NORMAL2-IM-0115`).",
        "Identify patients by kind and number (`bacteria-78`): different patients share a number in "
        "`person<N>`.",
    ),
    set_apart=is_set_apart,
    download=Download(
        "chest films of Kermany et al. 2018, 1.2 GB",
        partial(download_dataset, HANDLE, PAGE),
        open_folder,
        open_archive,
        steps=("no Kaggle account is needed; kagglehub keeps a copy of the same size in its cache",),
    ),
)
"""The set as published on Mendeley Data and Kaggle."""
