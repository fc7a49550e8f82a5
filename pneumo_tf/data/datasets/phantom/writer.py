"""Writing of a phantom, in the folders and with the file names of the Kermany set."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from pneumo_tf.data.datasets.phantom.film import render_film
from pneumo_tf.data.datasets.phantom.spec import PHANTOM_VERSION, RECORD, PhantomFilm, PhantomSpec, plan_films
from pneumo_tf.errors import UserError

JPEG_QUALITY = 92


def write_phantom(spec: PhantomSpec, root: Path, progress: Callable[[int, int], None] | None = None) -> Path:
    """Write a phantom; a root that already contains it is not changed.

    The root has `chest_xray/{train,val,test}/{NORMAL,PNEUMONIA}/*.jpeg`, `lungs/` with a lung-field mask for
    each film, `masks/` with an opacity mask for each film of pneumonia (PNG, 0 and 255, same path otherwise),
    and `phantom.json`. It is complete as soon as it exists. The same versions of OpenCV and NumPy write the
    same bytes.

    Args:
        spec: Specification of the phantom.
        root: Folder to create; it may exist if it is empty.
        progress: Called after each film with the number of films written and the number of all films.

    Returns:
        The root.

    Raises:
        UserError: If the root contains something other than this phantom.

    Example:
        >>> write_phantom(PhantomSpec(), Path("data/phantom"))
        PosixPath('data/phantom')
    """
    root = Path(root)
    if _is_complete(spec, root):
        return root
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise UserError(f"{root} contains something other than phantom {spec.fingerprint}; remove it first")
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{root.name}-", dir=root.parent) as scratch:
        built = Path(scratch) / root.name
        _write_films(spec, built, progress)
        _write_record(spec, built)
        _publish(spec, built, root)
    return root


def _is_complete(spec: PhantomSpec, root: Path) -> bool:
    record = root / RECORD
    return record.is_file() and json.loads(record.read_text("utf-8")).get("fingerprint") == spec.fingerprint


def _publish(spec: PhantomSpec, built: Path, root: Path) -> None:
    if root.is_dir() and not any(root.iterdir()):
        root.rmdir()
    try:
        built.rename(root)
    except OSError:
        # Another process may have finished the same phantom meanwhile, with the same bytes.
        if not _is_complete(spec, root):
            raise


def _write_films(spec: PhantomSpec, root: Path, progress: Callable[[int, int], None] | None) -> None:
    films = plan_films(spec)
    for folder in sorted({Path(film.stem).parent for film in films}):
        for kind in ("chest_xray", "lungs", "masks"):
            if kind != "masks" or folder.name == "PNEUMONIA":
                (root / kind / folder).mkdir(parents=True)
    for done, film in enumerate(films, start=1):
        _write_film(spec, film, root)
        if progress:
            progress(done, len(films))


def _write_film(spec: PhantomSpec, film: PhantomFilm, root: Path) -> None:
    image, opacity, lungs = render_film(spec, film)
    _write_image(root / "chest_xray" / f"{film.stem}.jpeg", image)
    _write_image(root / "lungs" / f"{film.stem}.png", lungs * np.uint8(255))
    if film.subtype != "normal":
        _write_image(root / "masks" / f"{film.stem}.png", opacity * np.uint8(255))


def _write_image(path: Path, pixels: np.ndarray) -> None:
    import cv2

    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if path.suffix == ".jpeg" else []
    path.write_bytes(cv2.imencode(path.suffix, pixels, options)[1].tobytes())


def _write_record(spec: PhantomSpec, root: Path) -> None:
    record = {
        "note": "Synthetic films, drawn by a program: no patient was examined, none is fit for diagnosis.",
        "fingerprint": spec.fingerprint,
        "version": PHANTOM_VERSION,
        "spec": asdict(spec),
    }
    (root / RECORD).write_text(json.dumps(record, indent=2) + "\n", "utf-8")
