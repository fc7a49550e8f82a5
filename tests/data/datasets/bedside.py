"""A dataset in one file, unlike the two that are registered: a CSV, films in a format of its own, boxes."""

import csv
import io

import numpy as np

from pneumo_tf.data.datasets.dataset_source import DatasetSource
from pneumo_tf.data.datasets.film_list import FilmList
from pneumo_tf.data.films import Film
from pneumo_tf.data.formats.image_format import ImageFormat, ImageHeader
from pneumo_tf.errors import UserError

MAGIC = b"RAWGRAY:"
TABLE = "films.csv"


def find(path):
    if not (path / TABLE).is_file():
        raise UserError(f"there is no {TABLE}")


def list_films(path, options):
    rows = {row["file"]: row for row in csv.DictReader(io.StringIO((path / TABLE).read_text()))}

    def describe(film_id, header):
        row = rows[film_id]
        label = int(row["finding"] != "normal")
        side, size = row["side"], (header.width, header.height)
        return Film(film_id, label, row["finding"], row["person"], side, *size, header.digest)

    return FilmList(path, tuple(sorted(rows)), describe)


def read_size(content):
    if not content.startswith(MAGIC):
        raise ValueError("no raw film")
    return tuple(int(side) for side in np.frombuffer(content[8:12], ">u2"))


def read_header(content):
    return ImageHeader(*read_size(content))


def decode(content, bits, warn):
    width, height = read_size(content)
    if len(content) != 12 + width * height:
        raise ValueError("cut off")
    # White is 0 in this format.
    return 255 - np.frombuffer(content[12:], np.uint8).reshape(height, width)


def open_masks(root, kind):
    if kind != "masks":
        return None
    rows = {row["file"]: row for row in csv.DictReader(io.StringIO((root / TABLE).read_text()))}

    def draw_box(film_id):
        if not rows[film_id]["box"]:
            return None
        left, top, right, bottom = map(int, rows[film_id]["box"].split())
        width, height = read_size((root / film_id).read_bytes())
        mask = np.zeros((height, width), np.uint8)
        mask[top:bottom, left:right] = 255
        return mask

    return draw_box


RAW = ImageFormat("raw gray", (".gray",), lambda content: content.startswith(MAGIC), read_header, decode)

BEDSIDE = DatasetSource(
    name="bedside",
    title="Bedside films",
    folder="bedside",
    find=find,
    list_films=list_films,
    notice="Made for a test.",
    licence="CC0",
    protocols=("official", "published-pooled"),
    counts={
        ("train", "normal"): 30,
        ("train", "pneumonia"): 30,
        ("test", "normal"): 15,
        ("test", "pneumonia"): 15,
    },
    open_masks=open_masks,
)


def write_bedside(root):
    """90 films: normal ones dark, those of pneumonia with a bright square of 10 × 10 at (4, 6)."""
    rng = np.random.default_rng(0)
    (root / "raw").mkdir(parents=True)
    lines = ["file,finding,person,side,box"]
    for number in range(90):
        finding, side = ("normal", "pneumonia")[number % 2], "test" if number < 30 else "train"
        image = rng.integers(20, 60, (36, 28 + number % 3), np.uint8)
        if finding == "pneumonia":
            image[6:16, 4:14] = 230
        size = np.array(image.shape[::-1], ">u2").tobytes()
        (root / f"raw/{number:02}.gray").write_bytes(MAGIC + size + (255 - image).tobytes())
        box = "4 6 14 16" if finding == "pneumonia" else ""
        lines.append(f"raw/{number:02}.gray,{finding},P{number},{side},{box}")
    (root / TABLE).write_text("\n".join(lines) + "\n")
    return root
