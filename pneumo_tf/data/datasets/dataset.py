"""A dataset that was read: the table of its films, and the folder of their pixels."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pneumo_tf.data.films import Films
from pneumo_tf.data.formats.image_format import Warn
from pneumo_tf.data.formats.registry import decode
from pneumo_tf.data.image_files import read_content

if TYPE_CHECKING:
    from pneumo_tf.data.datasets.dataset_source import DatasetSource

Masks = Callable[[str], np.ndarray | None]
"""Function from a film id to (height, width) uint8, 255 inside and 0 outside; None if nothing is marked."""


@dataclass(frozen=True)
class Dataset:
    """Films, with the folder of their image files.

    Args:
        source: The dataset that the films belong to.
        title: Title on the board.
        root: Folder that film ids are relative to; None if only the table is available.
        films: Every film.
        bits: Assumed bits of gray of films that have more than 8 bits but do not state how many.
        notes: Sentences about these films and how they were read that a reader of results needs.
    """

    source: "DatasetSource"
    title: str
    root: Path | None
    films: Films
    bits: int = 16
    notes: tuple[str, ...] = ()

    @cached_property
    def has_masks(self) -> bool:
        """Whether an outline or a box marks an opacity on any film of pneumonia."""
        return any(film.label == 1 and self.is_marked(film.id) for film in self.films)

    def is_marked(self, film_id: str) -> bool:
        """Return whether an opacity is marked on a film."""
        mask_of = self.masks("masks")
        mask = mask_of(film_id) if mask_of else None
        return mask is not None and bool(mask.any())

    def masks(self, kind: str) -> Masks | None:
        """Return the masks of a kind, opened once; None if there are none, or no root.

        Args:
            kind: `"masks"` for opacities or `"lungs"`.
        """
        if self.root is None:
            return None
        if kind not in self._opened_masks:
            self._opened_masks[kind] = self.source.open_masks(self.root, kind)
        return self._opened_masks[kind]

    @cached_property
    def _opened_masks(self) -> dict[str, Masks | None]:
        return {}

    def decode(self, film_id: str, warn: Warn | None = None) -> np.ndarray:
        """Decode a film to gray.

        Args:
            film_id: Its id.
            warn: Called with a warning for each defect of the file that does not stop its decoder.

        Returns:
            (height, width) uint8, 0 black to 255 white.

        Raises:
            OSError: If the file cannot be read.
            ValueError: With the reason if it cannot be decoded.
        """
        return decode(read_content(self.root / film_id), self.bits, warn)
