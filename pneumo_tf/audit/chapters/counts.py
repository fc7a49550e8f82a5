"""Counts of films, compared with the published set, and the files that cannot be read."""

import pandas as pd

from pneumo_tf.audit.chapter import Chapter, Drawing, count_of, list_names
from pneumo_tf.audit.decoded import DecodedSet, board_of_films
from pneumo_tf.data.films import Films
from pneumo_tf.data.subtypes import subtype_groups
from pneumo_tf.report.figures import class_balance
from pneumo_tf.report.markdown import Markdown, Table, code

FOLDERS = ("train", "val", "test")


def describe_counts(decoded: DecodedSet) -> Chapter:
    """Count films by folder and class."""
    films, source = decoded.films, decoded.dataset.source
    differences = source.count_differences(films)
    unreadable = [file.id for file in decoded.unreadable]
    misplaced = decoded.misplaced
    findings, care = [_decoding(decoded), *decoded.dataset.notes], []
    if not source.counts:
        findings.append("There are no published counts to compare with.")
    elif differences:
        findings.append(f"The counts are not those of the published set: {'; '.join(differences)}.")
        care.append("This is not the published set: do not compare results with those on the published set.")
    else:
        findings.append("The counts are those of the published set.")
    if "val" in decoded.folders:
        findings.append("Below, the films of val count as train, as in the authors' original set.")
    if unreadable:
        advice = Markdown("Fetch again or delete the files that cannot be read: {}.")
        care.append(advice.format(list_names(unreadable)))
    if misplaced:
        findings.append(
            f"{count_of(len(misplaced), 'film')} in a class that the name contradicts: "
            f"{list_names(misplaced)}."
        )
        care.append(Markdown("Move films that are in the wrong class: {}.").format(list_names(misplaced)))
    care += _finding_patients(films)
    return Chapter("Films", findings, _tables(decoded), draw_balance(decoded), care)


def _finding_patients(films: Films) -> list[Markdown]:
    """Return advice about films whose patient is unknown; notes of the dataset count these films."""
    unknown = next((film.id for film in films if not film.patient_known), None)
    if unknown is None:
        return []
    advice = (
        "State the patient of {}, such as {}, by `--patient` or in a CSV: films of one patient can be in "
        "training and in test without being noticed."
    )
    return [Markdown(advice).format(count_of(films.unknown_patients, "film"), code(unknown))]


def _decoding(decoded: DecodedSet) -> str:
    total = len(decoded.films) + len(decoded.unreadable)
    if not decoded.unreadable:
        return f"{total:,} films; all of them can be decoded."
    broken = len(decoded.unreadable)
    return f"{total:,} films, of which {broken:,} cannot be read; the rest of this page leaves them out."


def _tables(decoded: DecodedSet) -> list[Table]:
    groups = subtype_groups(decoded.films)
    counts = pd.DataFrame({group.title: group.among(decoded.films) for group in groups})
    counts = counts.groupby(decoded.folders).sum()
    counts = counts.loc[[folder for folder in FOLDERS if folder in counts.index]]
    counts["all"] = counts.sum(axis=1)
    rows = [[folder, *(f"{n:,}" for n in numbers)] for folder, *numbers in counts.itertuples()]
    broken = [[file.id, file.reason] for file in decoded.unreadable]
    return [Table(["split", *counts.columns], rows), Table(["unreadable file", "why"], broken, left=2)]


def draw_balance(decoded: DecodedSet) -> list[Drawing]:
    """Draw films and patients by split and class, as the report does."""
    units = "Films and patients" if decoded.films.patients_known else "Films"
    val = "; val counts as train" if "val" in decoded.folders else ""
    caption = f"{units} by split and class{val}."
    return [
        Drawing("class-balance", caption, page.figure)
        for page in class_balance.draw_class_balance(board_of_films(decoded))
    ]
