"""External sets of films, on which finished runs are scored."""

from benchmarks.suite.options import Options
from benchmarks.suite.source import find_source
from benchmarks.suite.terminal import Terminal
from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.datasets.own_films import ALL_FILMS
from pneumo_tf.data.datasets.reading_options import NO_OPTIONS, ReadingOptions
from pneumo_tf.errors import UserError


def read_external_sets(options: Options, source: Dataset | None, terminal: Terminal) -> tuple[Dataset, ...]:
    """Read the sets that `--also` names.

    Args:
        options: Options of the command.
        source: The films that runs are trained on, None if a dry run has none yet.
        terminal: Terminal that shows progress and notes.

    Raises:
        UserError: If a set cannot be read, is named twice, or shares films with the source.
    """
    found: dict[str, Dataset] = {}
    for wanted in options.also:
        place = find_source(wanted)
        options_taken = ReadingOptions(test=ALL_FILMS) if "test" in place.dataset.options else NO_OPTIONS
        cache = None if options.dry_run else options.cache
        progress = terminal.progress(f"reading film headers of {place.path}")
        dataset = place.dataset.read(place.path, options=options_taken, cache=cache, progress=progress)
        if source is not None:
            _refuse_shared(wanted, dataset, source)
        if found.setdefault(dataset.films.fingerprint, dataset) is not dataset:
            raise UserError(f"--also {wanted} names the same films as another --also; leave one out")
        for note in dataset.notes:
            terminal.warn(f"{dataset.title}: {note}")
    return tuple(found.values())


def _refuse_shared(wanted: str, dataset: Dataset, source: Dataset) -> None:
    """Refuse a set with films of the source, which runs may have been trained on."""
    known = {film.digest for film in source.films}
    shared = [film.id for film in dataset.films if film.digest in known]
    if shared:
        raise UserError(
            f"--also {wanted}: {len(shared):,} of {len(dataset.films):,} films are also among the films of "
            f"--data, such as {shared[0]}; external validation needs other films"
        )
