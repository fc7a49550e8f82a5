"""Sections of a board's page: pictures under a heading."""

from itertools import groupby
from typing import NamedTuple


class LinkedPicture(NamedTuple):
    """A picture that a page links to.

    Args:
        path: POSIX path relative to the report's folder.
        caption: How to read it; shown once for pictures of a section that share it.
        note: What only this picture shows.
    """

    path: str
    caption: str
    note: str = ""


class Section(NamedTuple):
    """Pictures under one heading of the report.

    Args:
        title: The heading.
        pictures: Pictures, in order.
    """

    title: str
    pictures: list[LinkedPicture]

    @property
    def by_caption(self) -> list[tuple[str, list[LinkedPicture]]]:
        """Pictures by the caption that they share."""
        groups = groupby(self.pictures, key=lambda picture: picture.caption)
        return [(caption, list(pictures)) for caption, pictures in groups]
