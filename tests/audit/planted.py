"""A set of phantom films in a folder of its own, with faults planted by hand."""

import shutil

import cv2

from pneumo_tf.data.datasets.registry import recognise


class Planted:
    """A copy of a set in which a test may plant faults.

    Args:
        source: The set.
        root: Folder to make.
    """

    def __init__(self, source, root):
        shutil.copytree(source.root, root)
        self.root = root

    def ids(self, place):
        return sorted(f"{place}/{path.name}" for path in (self.root / place).iterdir())

    def copy(self, film_id, to):
        shutil.copy(self.root / film_id, self.root / to)
        return to

    def recompress(self, film_id, to, *, quality=60, scale=0.8, gain=0.9):
        """The same picture as another hospital's viewer would export it."""
        image = cv2.imread(str(self.root / film_id), cv2.IMREAD_GRAYSCALE)
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        image = cv2.convertScaleAbs(image, alpha=gain, beta=8)
        cv2.imwrite(str(self.root / to), image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return to

    def sizes_csv(self, path):
        films = recognise(self.root).read(self.root).films
        path.write_text(
            "path,width,height\n" + "".join(f"{film.id},{film.width},{film.height}\n" for film in films)
        )
        return path
