"""Exact and near duplicates of films."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pneumo_tf.audit.chapter import Chapter, Drawing, count_of
from pneumo_tf.audit.decoded import DecodedSet
from pneumo_tf.data.films import Film
from pneumo_tf.data.pixels import read_film
from pneumo_tf.report.figures import style
from pneumo_tf.report.markdown import Table

MAX_BITS = 8
"""Bits of 256 by which the difference hashes of duplicates may differ. Hashes of different films of the
published set differ by more than 12. Of 300 films that were compressed again, shrunk or brightened, 98 to
100 % are found; of films cropped by 2 of 224 pixels 36 %; of films with equalised contrast none."""

MIN_CORRELATION = 0.98
"""Correlation of duplicates. It is needed too, because hashes of different patients can be similar."""

DRAWN, DRAWN_FILMS = 4, 4
"""Groups of duplicates that are drawn, and films per group."""

BLOCK = 256
"""Films that are compared with all others at a time: 12 MB of distances for the published set."""


@dataclass(frozen=True)
class Group:
    """Duplicates of one film.

    Args:
        films: Two or more films, sorted by id.
        exact: Whether the files are the same, byte by byte.
    """

    films: tuple[Film, ...]
    exact: bool

    @property
    def crosses_splits(self) -> bool:
        """Whether the group has films in train and in test."""
        return len({film.split for film in self.films}) > 1

    @property
    def crosses_classes(self) -> bool:
        """Whether the same picture has two labels."""
        return len({film.label for film in self.films}) > 1

    @property
    def crosses_patients(self) -> bool:
        """Whether the same picture is filed under two patients."""
        return len({film.patient for film in self.films if film.patient_known}) > 1


def find_exact_groups(decoded: DecodedSet) -> list[Group]:
    """Find files that are the same, byte by byte."""
    films_of = defaultdict(list)
    for film in decoded.films:
        films_of[film.digest].append(film)
    return [Group(tuple(films), exact=True) for films in films_of.values() if len(films) > 1]


def find_near_groups(decoded: DecodedSet) -> list[Group]:
    """Find near duplicates: different files of the same picture, such as resized or brightened copies.

    Each group of identical files counts as one file, so that groups of `find_exact_groups` are not repeated.
    """
    films = decoded.films.rows
    first = list({film.digest: index for index, film in reversed(list(enumerate(films)))}.values())
    first.sort()
    hashes, grid = compute_difference_hashes(decoded.copies.steps[first]), decoded.copies.grid[first]
    pairs = find_near_pairs(hashes, grid)
    if not len(pairs):
        return []
    graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(first), len(first)))
    _, component = connected_components(graph, directed=False)
    members = defaultdict(list)
    for index in np.unique(pairs):
        members[component[index]].append(films[first[index]])
    return [Group(tuple(group), exact=False) for group in members.values()]


def compute_difference_hashes(steps: np.ndarray) -> np.ndarray:
    """Compute difference hashes, whose bits are 1 if the point to the right is brighter.

    Args:
        steps: (n, rows, columns + 1) uint8.

    Returns:
        (n, rows × columns / 64) uint64.
    """
    bits = steps[:, :, 1:] > steps[:, :, :-1]
    return np.packbits(bits.reshape(len(bits), -1), axis=1).view(np.uint64)


def find_near_pairs(hashes: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Find pairs of near duplicates.

    Args:
        hashes: (n, words) uint64 from `compute_difference_hashes`.
        grid: (n, side, side) uint8, correlated if the hashes are similar.

    Returns:
        (pairs, 2) int64 indices, the lower one first.
    """
    found = [np.empty((0, 2), np.int64)]
    for start in range(0, len(hashes), BLOCK):
        block, rest = hashes[start : start + BLOCK], hashes[start:]
        distance = np.zeros((len(block), len(rest)), np.uint16)
        for word in range(hashes.shape[1]):
            distance += np.bitwise_count(block[:, None, word] ^ rest[None, :, word])
        found.append(np.argwhere(np.triu(distance <= MAX_BITS, 1)) + start)
    pairs = np.concatenate(found)
    return pairs[[correlate(grid[a], grid[b]) >= MIN_CORRELATION for a, b in pairs]]


def correlate(first: np.ndarray, second: np.ndarray) -> float:
    """Return Pearson's correlation of two pictures, 0 if one of them has a single grey level."""
    one, other = (picture.astype(np.float64) - picture.mean() for picture in (first, second))
    scale = np.sqrt((one**2).sum() * (other**2).sum())
    return float((one * other).sum() / scale) if scale else 0.0


SHOWN = 10
"""Groups in the table; those across splits, classes or patients come first."""


def describe_duplicates(decoded: DecodedSet) -> Chapter:
    """Find exact and near duplicates."""
    exact, near = find_exact_groups(decoded), find_near_groups(decoded)
    groups = sorted([*exact, *near], key=lambda group: (-_crossings(group), group.exact, group.films))
    findings = [_exact(exact), _near(near)]
    if groups:
        findings.append(_crossing(groups, decoded.films.patients_known))
    care = _care(groups, decoded.films.patients_known)
    return Chapter("Duplicates", findings, [_table(groups)], draw_groups(decoded, groups), care)


def _crossings(group: Group) -> int:
    return 4 * group.crosses_splits + 2 * group.crosses_classes + group.crosses_patients


def _exact(groups: Sequence[Group]) -> str:
    if not groups:
        return "No two files are identical."
    places = Counter(" and ".join(sorted({film.split for film in group.films})) for group in groups)
    where = ", ".join(f"{n} in {place}" for place, n in sorted(places.items(), key=lambda item: -item[1]))
    files = sum(len(group.films) for group in groups)
    return f"{count_of(len(groups), 'group')} of identical files, {files:,} files in all: {where}."


def _near(groups: Sequence[Group]) -> str:
    method = f"256-bit difference hashes ≤ {MAX_BITS} bits apart and correlation ≥ {MIN_CORRELATION}"
    if not groups:
        return f"No other two films are nearly the same ({method}); cropped copies are not found."
    files = sum(len(group.films) for group in groups)
    groups_found = count_of(len(groups), "group")
    return f"{groups_found} of different files with nearly the same picture, {files:,} in all ({method})."


def _crossing(groups: Sequence[Group], patients_known: bool) -> str:
    across = {
        "across train and test": sum(group.crosses_splits for group in groups),
        "across classes": sum(group.crosses_classes for group in groups),
    }
    if patients_known:
        across["filed under two patients or more"] = sum(group.crosses_patients for group in groups)
    return "Of these groups, " + ", ".join(f"{n or 'none'} {where}" for where, n in across.items()) + "."


def _care(groups: Sequence[Group], patients_known: bool) -> list[str]:
    care = []
    if any(group.crosses_splits for group in groups):
        care.append(
            "The same picture is in train and in test: delete it from one before anything is trained."
        )
    if any(group.crosses_classes for group in groups):
        care.append("The same picture has two labels: find out which is right, or delete both.")
    if groups and not care and not patients_known:
        care.append(
            "Duplicates count twice, and can be divided between training and test: delete all but one."
        )
    elif groups and not care:
        two = sum(group.crosses_patients for group in groups)
        exception = f", except {two:,} filed under two patients" if two else ""
        whole = f"each of {count_of(len(groups), 'group')} stays on one side{exception}"
        care.append(f"Duplicates count twice; in a division by patient, {whole}.")
    return care


def _table(groups: Sequence[Group]) -> Table:
    rows = [
        [
            "exact" if group.exact else "near",
            ", ".join(sorted({film.split for film in group.films})),
            ", ".join(sorted({film.subtype for film in group.films})),
            ", ".join(sorted({_patient(film) for film in group.films})),
            ", ".join(film.id.rsplit("/", 1)[-1].rsplit(".", 1)[0] for film in group.films),
        ]
        for group in groups[:SHOWN]
    ]
    rest = groups[SHOWN:]
    alike = "" if any(map(_crossings, rest)) else ", each within one split, class and patient"
    return Table(
        ["kind", "split", "class", "patient", "files"],
        rows,
        [f"And {count_of(len(rest), 'group')} more{alike}."] if rest else [],
        left=5,
    )


def _patient(film: Film) -> str:
    return film.patient if film.patient_known else "unknown"


def draw_groups(decoded: DecodedSet, groups: Sequence[Group]) -> list[Drawing]:
    """Draw films of the first groups side by side, one row per group."""
    if not groups:
        return []
    shown = groups[:DRAWN]
    columns = min(DRAWN_FILMS, max(len(group.films) for group in shown))
    figure, axes = style.page(
        len(shown), columns, (1.9, 1.5), (0.12, 0.3), style.Margins(0.7, 0.1, 0.55, 0.4)
    )
    for row, group in zip(axes, shown, strict=True):
        row[0].set_ylabel("exact" if group.exact else "near", size=style.TEXT)
        for ax, film in zip(row, group.films, strict=False):
            pixels = read_film(decoded.dataset, film.id, 192)
            # The copies are squares, so the aspect is that of the original.
            ax.imshow(pixels, cmap="gray", vmin=0, vmax=255, aspect=film.height / film.width)
            ax.set_xlabel(style.stem(film.id, 30), size=6.5, labelpad=2)
            style.bare(ax)
        style.drop(row[len(group.films) :])
    style.heading(figure, "Duplicates", decoded.dataset.title)
    caption = "One group of duplicates per row; groups across splits or classes come first."
    return [Drawing("duplicates", caption, figure, shows_films=True)]
