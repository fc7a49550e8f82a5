"""Source of a dataset: how its films are found and read, and what is published of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pneumo_tf.data.datasets.dataset import Dataset, Masks
from pneumo_tf.data.datasets.download import Download
from pneumo_tf.data.datasets.film_list import FilmList
from pneumo_tf.data.datasets.reading_options import NO_OPTIONS, ReadingOptions
from pneumo_tf.data.datasets.scan import describe_left_out
from pneumo_tf.data.films import CLASSES, Film, Films
from pneumo_tf.data.formats.summary import choose_bits, describe_reading
from pneumo_tf.data.image_files import Header, join_sizes, read_headers
from pneumo_tf.errors import UserError
from pneumo_tf.printable import make_printable

Progress = Callable[[int, int], None]
"""Called with the number of items done and the number of all items."""


@dataclass(frozen=True)
class SourceSeries:
    """Series in which films are numbered, perhaps one per archive or machine; a model may recognise them.

    Args:
        of: Function from a film id to the name of its series, `""` if it is unknown.
        note: One or two sentences for readers of results by series.
    """

    of: Callable[[str], str]
    note: str


@dataclass(frozen=True)
class MisleadingNumber:
    """A number in file names that seems to identify patients but does not.

    Args:
        of: Function from a film id to the number, None if the name has none.
        shown: Pattern of the name around the number, such as `person<N>`.
        explanation: Sentences on what identifies a patient instead.
        advice: Sentence that begins with what to do.
    """

    of: Callable[[str], str | None]
    shown: str
    explanation: str
    advice: str


def _no_film(film_id: str) -> bool:
    return False


def split_and_subtype(film: Film) -> tuple[str, str]:
    """Return the key that published counts have by default."""
    return film.split, film.subtype


def _no_masks(root: Path, kind: str) -> Masks | None:
    return None


@dataclass(frozen=True)
class DatasetSource:
    """A dataset that the suite can read. To add one, write a module with an entry and list it in `DATASETS`.

    Args:
        name: Its key in `DATASETS`, options and stored runs.
        title: Title on the board if the films are the published ones.
        find: Function from a path, a folder or a file, to what identifies the dataset there. Raises
            `UserError` with what is missing if the path is not this dataset.
        list_films: Function from such a path and the user's options to its films. Raises `UserError` if it
            cannot be used.
        notice: Licence and citation, as lines of text.
        licence: Licence in a few words, for the board.
        protocols: Names of the protocols that can divide it.
        folder: Name of its folder under `data/`, `""` if it may be anywhere.
        options: Names of the `ReadingOptions` that it uses.
        sides: Names of the training and the test set, such as "train folder" and "test folder".
        counts: Films of the published set by split and subtype; empty if there is no such set. The split is
            `""` if the set has no published split.
        counts_of_tasks: The same for values of `--task` that use other films of the set.
        kind_of: Function from a film to the key that it is counted under.
        plausible_accuracy: Highest accuracy on the published test films that was published without leakage;
            None if it is unknown.
        series: The series of its films, None if they are unknown.
        misleading_number: A number in its file names that seems to identify patients but does not, None if
            there is none.
        set_apart: Function from a film id to whether the source keeps it out of its training folder (Kaggle's
            `val`), although its split is train.
        open_masks: Function from the root of the films and a kind, `"masks"` for opacities or `"lungs"`, to
            the masks; None if the dataset has none of that kind.
        download: Download of the dataset, None if it cannot be downloaded.
        draw: Function that draws synthetic films into a new folder and reports progress; None for real films.
    """

    name: str
    title: str
    find: Callable[[Path], object]
    list_films: Callable[[Path, ReadingOptions], FilmList]
    notice: str
    licence: str
    protocols: tuple[str, ...]
    folder: str = ""
    options: frozenset[str] = frozenset()
    sides: tuple[str, str] = ("training set", "test set")
    counts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    counts_of_tasks: tuple[Mapping[tuple[str, str], int], ...] = ()
    kind_of: Callable[[Film], tuple[str, str]] = split_and_subtype
    plausible_accuracy: float | None = None
    series: SourceSeries | None = None
    misleading_number: MisleadingNumber | None = None
    set_apart: Callable[[str], bool] = _no_film
    open_masks: Callable[[Path, str], Masks | None] = _no_masks
    download: Download | None = None
    draw: Callable[[Path, Progress | None], Path] | None = None

    def lacks(self, path: Path) -> str:
        """Return why a path is not this dataset, `""` if it is."""
        try:
            self.find(path)
        except UserError as error:
            return str(error)
        return ""

    @property
    def synthetic(self) -> bool:
        """Whether its films are drawn by a program."""
        return self.draw is not None

    @property
    def test_counts(self) -> tuple[int, int] | None:
        """Normal and pneumonia films of the published test set, None if there is none."""
        tested = {subtype: n for (split, subtype), n in self.counts.items() if split == "test"}
        normals = tested.pop(CLASSES[0], 0)
        return (normals, sum(tested.values())) if normals or tested else None

    def read(
        self,
        path: Path,
        *,
        options: ReadingOptions = NO_OPTIONS,
        cache: Path | None = None,
        sizes: Path | None = None,
        progress: Progress | None = None,
    ) -> Dataset:
        """Read a folder of the dataset.

        Args:
            path: The folder or file, in any form that `list_films` accepts.
            options: Options of the user about the films.
            cache: Folder that stores sizes and digests, so that the next start does not read the films.
            sizes: CSV of `path,width,height` in pixels, for films that were resized after publication.
            progress: Called with the films read so far and the films that have to be read.

        Returns:
            The films, sorted by id.

        Raises:
            UserError: If a folder is missing or empty, a film cannot be read, its name contradicts its class,
                or the CSV does not match the films.
        """
        listed = self.find_films(path, options)
        headers = read_headers(listed.root, listed.ids, cache=cache, progress=progress)
        if sizes is not None:
            headers = [
                header._replace(width=width, height=height)
                for header, (width, height) in zip(headers, join_sizes(sizes, listed.ids), strict=True)
            ]
        dataset = self.tabulate(path, listed, zip(listed.ids, headers, strict=True))
        if wrong := listed.misplaced(dataset.films):
            raise UserError(
                f"{len(wrong):,} of {len(dataset.films):,} films in {listed.root} lie in a class that their "
                f"name contradicts, such as {wrong[0]}; move them, or, if their names mean something else, "
                "add --patient with a regular expression for the patient: names are then not read"
            )
        return dataset

    def find_films(self, path: Path, options: ReadingOptions = NO_OPTIONS) -> FilmList:
        """List the films of a folder without opening one.

        Raises:
            UserError: If the folder cannot be used, or an option is given that the source does not have.
        """
        if refused := [name for name in options.given if name not in self.options]:
            taken = ", ".join(f"--{name}" for name in sorted(self.options)) or "none"
            raise UserError(
                f"--{refused[0]} is not for {path}, which is read as {self.name} (options: {taken})"
            )
        return self.list_films(path, options)

    def tabulate(self, path: Path, listed: FilmList, headers: Iterable[tuple[str, Header]]) -> Dataset:
        """Create the dataset from films whose headers were read.

        Args:
            path: The folder as the user named it.
            listed: The films of the folder.
            headers: Film ids with headers, sorted by id; films that cannot be read are left out.

        Returns:
            The films, including those whose name contradicts their class.
        """
        headers = dict(headers)
        rows = tuple(listed.describe(film_id, header) for film_id, header in headers.items())
        covariates: dict[str, dict[str, str]] = {}
        for film_id, header in headers.items():
            for column, value in listed.describe_covariates(film_id, header).items():
                covariates.setdefault(column, {})[film_id] = value
        films = listed.complete(self.mark_set_apart(Films(rows, covariates=covariates)))
        bits, read = choose_bits(headers.values()), describe_reading(tuple(headers), tuple(headers.values()))
        notes = (*listed.notes, *_describe_patients(films), *read, describe_left_out(listed.left_out))
        title = self.title_of(films, path)
        return Dataset(self, title, listed.root, films, bits, tuple(filter(None, notes)))

    def mark_set_apart(self, films: Films) -> Films:
        """Return a table with the films that the source sets apart."""
        return replace(films, set_apart=frozenset(film.id for film in films if self.set_apart(film.id)))

    def count_differences(self, films: Iterable[Film]) -> list[str]:
        """Compare the number of films with the published set, one phrase per split and subtype that differs.

        Returns:
            Nothing if the counts are the same, or if there is no published set.
        """
        if not self.counts:
            return []
        found = Counter(map(self.kind_of, films))
        return min((_differences(found, counts) for counts in (self.counts, *self.counts_of_tasks)), key=len)

    def title_of(self, films: Films, path: Path) -> str:
        """Return the title for the board: the published one only if the films are the published ones.

        Args:
            films: Every film.
            path: The folder as the user named it; other films are named after it.
        """
        if self.synthetic:
            return self.title
        if self.is_published(films):
            return f"{self.title}, {len(films):,} films"
        return f"{make_printable(path.resolve().name)}: {len(films):,} films"

    def is_published(self, films: Films) -> bool:
        """Return whether films have the counts of the published set."""
        return bool(self.counts) and not self.count_differences(films)

    def describe_licence(self, films: Films) -> str:
        """Return source and licence of films in a few words, for the board."""
        if self.synthetic or not self.counts or self.is_published(films):
            return self.licence
        published = sum(self.counts.values())
        return f"not stated; films in the layout of {self.name}, not its {published:,} published ones"

    def check_protocol(self, name: str) -> None:
        """Refuse a protocol that cannot divide this dataset.

        Raises:
            UserError: If it is not among `protocols`.
        """
        if name not in self.protocols:
            raise UserError(
                f"{self.name} cannot be divided by the protocol {name}; choose {', '.join(self.protocols)}"
            )


def _differences(found: Mapping[tuple[str, str], int], counts: Mapping[tuple[str, str], int]) -> list[str]:
    """Describe each kind of film whose number is not the published one."""
    lines = []
    for kind in [*counts, *sorted(set(found) - set(counts))]:
        split, subtype = kind
        number, published = found.get(kind, 0), counts.get(kind, 0)
        if number != published:
            side = f"{split}: " if split else ""
            lines.append(f"{side}{number:,} instead of {published:,} {subtype} films")
    return lines


def _describe_patients(films: Films) -> tuple[str, ...]:
    """Describe films whose patient is not known."""
    unknown = films.unknown_patients
    if not unknown:
        return ()
    if unknown == len(films):
        return ("Patients unknown: every film counts as one patient; films of one person may be divided.",)
    return (
        f"The patients of {unknown:,} of {len(films):,} films are unknown: each of these films counts as a "
        "patient of its own.",
    )
