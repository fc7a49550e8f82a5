"""The films of the RSNA Pneumonia Detection Challenge 2018: adults of the NIH, read by radiologists."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from pneumo_tf.data.datasets import rsna_tables
from pneumo_tf.data.datasets.boxes import open_boxes
from pneumo_tf.data.datasets.dataset import Masks
from pneumo_tf.data.datasets.dataset_source import DatasetSource
from pneumo_tf.data.datasets.film_list import FilmList
from pneumo_tf.data.datasets.own_films import PROTOCOLS, choose_test, header_covariates
from pneumo_tf.data.datasets.reading_options import ReadingOptions, choose_task
from pneumo_tf.data.datasets.rsna_download import DOWNLOAD
from pneumo_tf.data.datasets.rsna_tables import NO_OPACITY, NORMAL, NOT_NORMAL, OPACITY, ImageLabel
from pneumo_tf.data.datasets.scan import Omission, count_left_out, other_kind, scan
from pneumo_tf.data.datasets.set_files import find_file
from pneumo_tf.data.films import Film, unknown_patient
from pneumo_tf.data.image_files import Header
from pneumo_tf.errors import UserError

FILMS = "stage_2_train_images"

UNLABELLED = "stage_2_test_images"
"""Folder of the challenge's test films, whose labels were never published."""

EXTENSION = ".dcm"

TASKS = ("opacity-vs-all", "opacity-vs-normal")

NOTICE = """\
RSNA Pneumonia Detection Challenge (2018). RSNA permits use of images and annotations for academic research,
education and other commercial or non-commercial purposes with attribution
(https://www.rsna.org/rsnai/ai-image-challenge/rsna-pneumonia-detection-challenge-2018). Please cite:
  Shih G, Wu CC, Halabi SS, et al. Augmenting the National Institutes of Health Chest Radiograph Dataset with
  Expert Annotations of Possible Pneumonia. Radiology: Artificial Intelligence 1(1):e180041, 2019.
  https://doi.org/10.1148/ryai.2019180041
  Wang X, Peng Y, Lu L, et al. ChestX-ray8: Hospital-scale Chest X-ray Database and Benchmarks. CVPR 2017.
  https://doi.org/10.1109/CVPR.2017.369"""

COUNTS = {("", NO_OPACITY): 20_672, ("", OPACITY): 6_012}
"""Images of the published set with and without an opacity; it has no published split."""

COUNTS_NORMAL = {("", NO_OPACITY): 8_851, ("", OPACITY): 6_012}
"""The same for the task opacity-vs-normal."""

IMAGE_IDS = (
    "patientId identifies an image, not a patient: the published 26,684 films are of 11,439 patients. "
    f"RSNA's file {rsna_tables.MAPPING}.json, put next to the labels, states the patients."
)


@dataclass(frozen=True)
class ChallengeTables:
    """The tables of the challenge, by image.

    Args:
        labels: Label and boxes of each image.
        classes: Subtype of each image; None if there is no table of classes.
        patients: NIH patient of each image; None if there is no table of NIH films.
    """

    labels: Mapping[str, ImageLabel]
    classes: Mapping[str, str] | None
    patients: Mapping[str, str] | None


def find_root(path: Path) -> Path:
    """Find the folder with the table of labels, as `find_file` does.

    Raises:
        UserError: If there is none.
    """
    place, _ = find_file(path, rsna_tables.is_labels, rsna_tables.LABELS)
    return place


def list_films(path: Path, options: ReadingOptions) -> FilmList:
    """List the films of the challenge.

    Args:
        path: The folder with `stage_2_train_labels.csv` and `stage_2_train_images`, or one above it.
        options: `task` and `test` are used.

    Raises:
        UserError: If a table cannot be read, two contradict each other, or there is no film.
    """
    root = find_root(path)
    task = choose_task(options.task, TASKS)
    tables = read_tables(root)
    found, omissions = _find_films(root, tables.labels)
    notes = [*describe_classes(tables, found), *_describe_patients(tables)]
    kept, others = _choose_films(task, tables, found)
    complete, note_of_test = choose_test("", options.test)
    return FilmList(
        root,
        tuple(sorted(kept.values())),
        partial(_describe, tables),
        header_covariates,
        complete=complete,
        notes=(_describe_task(task, tables, kept), *note_of_test, *notes),
        left_out=count_left_out([*omissions, *others]),
    )


def read_tables(root: Path) -> ChallengeTables:
    """Read the tables of a folder.

    Raises:
        UserError: If one cannot be read, or the classes contradict the labels.
    """
    labels = rsna_tables.read_labels(rsna_tables.find_table(root, rsna_tables.LABELS))
    path, mapping = rsna_tables.find_table(root, rsna_tables.CLASSES), rsna_tables.find_mapping(root)
    classes = rsna_tables.read_classes(path) if path else None
    if classes is not None:
        rsna_tables.check_classes(path, labels, classes)
    return ChallengeTables(labels, classes, rsna_tables.read_patients(mapping) if mapping else None)


def describe_classes(tables: ChallengeTables, images: Mapping[str, str]) -> list[str]:
    """Describe images without a class.

    Args:
        tables: Tables of the folder.
        images: Images that have a film, as keys.
    """
    if tables.classes is None:
        return [
            f"There is no {rsna_tables.CLASSES}: which of the films without an opacity are normal is unknown."
        ]
    lacking = rsna_tables.without_class(images, tables.classes)
    if not lacking:
        return []
    positive = sum(tables.labels[image].target for image in lacking)
    return [
        f"{len(lacking):,} of {len(images):,} images have no class in {rsna_tables.CLASSES}, such as "
        f"{lacking[0]}: {positive:,} with an opacity by their label and {len(lacking) - positive:,} without."
    ]


def open_masks(root: Path, kind: str) -> Masks | None:
    """Return the boxes around opacities as masks (see `DatasetSource`)."""
    if kind != "masks":
        return None
    labels = rsna_tables.read_labels(rsna_tables.find_table(root, rsna_tables.LABELS))
    return open_boxes(root, {_film_id(image): label.boxes for image, label in labels.items()})


def kind_of(film: Film) -> tuple[str, str]:
    """Return the key that published counts have: whether a film has an opacity, without its split."""
    return "", OPACITY if film.subtype == OPACITY else NO_OPACITY


def _film_id(image: str) -> str:
    return f"{FILMS}/{image}{EXTENSION}"


def _find_films(root: Path, labels: Mapping[str, ImageLabel]) -> tuple[dict[str, str], list[Omission]]:
    """Return the film id of each image that has a label and a film, and what is left out."""
    if not (root / FILMS).is_dir():
        raise UserError(f"{root} has no folder {FILMS}; fetch the set again")
    scanned = scan(root / FILMS, deepest=0)
    omissions = [one._replace(path=f"{FILMS}/{one.path}") for one in scanned.omissions]
    found: dict[str, str] = {}
    for name in scanned.files:
        film_id, image = f"{FILMS}/{name}", PurePosixPath(name).stem
        if not name.endswith(EXTENSION):
            omissions.append(other_kind(film_id))
        elif image not in labels:
            omissions.append(Omission(film_id, "film", "without a label"))
        else:
            found[image] = film_id
    if not found:
        raise UserError(f"{root / FILMS} has no {EXTENSION} film that {rsna_tables.LABELS} has a label for")
    omissions += [Omission(image, "label", "without a film") for image in labels if image not in found]
    if (root / UNLABELLED).is_dir():
        omissions.append(Omission(UNLABELLED, "folder", "of films without published labels"))
    return found, omissions


def _choose_films(
    task: str, tables: ChallengeTables, found: Mapping[str, str]
) -> tuple[dict[str, str], list[Omission]]:
    """Return the films of a task, by image, and the others."""
    if task == TASKS[0]:
        return dict(found), []
    if tables.classes is None:
        raise UserError(f"--task {task} needs {rsna_tables.CLASSES} next to the labels, which is missing")
    kept, others = {}, []
    for image, film_id in found.items():
        subtype = rsna_tables.subtype_of(tables.labels[image], tables.classes.get(image))
        if subtype in (OPACITY, NORMAL):
            kept[image] = film_id
        else:
            reason = "without an opacity, yet not normal" if subtype == NOT_NORMAL else "without a class"
            others.append(Omission(film_id, "film", reason))
    return kept, others


def _describe_task(task: str, tables: ChallengeTables, kept: Mapping[str, str]) -> str:
    counts = Counter(_subtype(tables, image) for image in kept)
    named = {NORMAL: NORMAL, NOT_NORMAL: NOT_NORMAL, NO_OPACITY: "of unknown class"}
    others = ", ".join(f"{counts[subtype]:,} {name}" for subtype, name in named.items() if counts[subtype])
    question = f"Task {task}: {counts[OPACITY]:,} films with an opacity against others, {others}."
    if task == TASKS[0]:
        return f"{question} --task {TASKS[1]} leaves out those that are not normal: an easier task."
    return f"{question} An easier task than {TASKS[0]}, which keeps films that are not normal."


def _describe_patients(tables: ChallengeTables) -> list[str]:
    return [IMAGE_IDS] if tables.patients is None else []


def _subtype(tables: ChallengeTables, image: str) -> str:
    return rsna_tables.subtype_of(tables.labels[image], (tables.classes or {}).get(image))


def _describe(tables: ChallengeTables, film_id: str, header: Header) -> Film:
    # The DICOM header has the image's id as PatientID, so it is not used.
    image = PurePosixPath(film_id).stem
    patient = (tables.patients or {}).get(image) or unknown_patient(film_id)
    label = tables.labels[image].target
    size = header.width, header.height
    return Film(film_id, label, _subtype(tables, image), patient, "train", *size, header.digest)


RSNA = DatasetSource(
    name="rsna",
    title="RSNA Pneumonia Detection Challenge 2018",
    folder="rsna",
    find=find_root,
    list_films=list_films,
    notice=NOTICE,
    licence="RSNA 2018, any use with attribution (Shih et al. 2019; Wang et al. 2017)",
    protocols=PROTOCOLS,
    options=frozenset({"task", "test"}),
    counts=COUNTS,
    counts_of_tasks=(COUNTS_NORMAL,),
    kind_of=kind_of,
    open_masks=open_masks,
    download=DOWNLOAD,
)
"""The training films of the challenge: the others have no published labels."""
