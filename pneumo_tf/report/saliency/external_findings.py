"""Maps of a board's rows on external films with marked findings, and verdicts on these maps."""

from collections.abc import Iterator, Sequence

from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.explain.measures import CEILING
from pneumo_tf.report.board import Board
from pneumo_tf.report.number_format import format_number
from pneumo_tf.report.saliency.measures import BASELINES, Explanations, read_external_explanations

BLOB = "centre"
"""The most important baseline, because lungs are in the middle."""

MEASURES = {
    "pointing": "in the pointing game",
    "energy": "by energy",
    "iou": "by IoU at half the peak",
}
"""Measures of the verdict, in words."""


def external_findings(board: Board) -> Iterator[tuple[Dataset, list[Explanations]]]:
    """Yield the external sets on which maps were measured, with the explanations of the rows."""
    for dataset in board.external:
        if measured := read_external_explanations(board, dataset):
            yield dataset, measured


def describe_findings(dataset: Dataset, measured: Sequence[Explanations]) -> str:
    """Describe the films with marks, and runs whose maps were not measured on them."""
    films = dataset.films
    ids = dict.fromkeys(film_id for one in measured for film_id in one.ids)
    people = len({films.rows[at].patient for at in films.indices(ids)})
    sentences = [f"{len(ids):,} films of pneumonia with a mark, of {people:,} patients."]
    for one in measured:
        count, runs = len(one.row.external_explanations(films)), len(one.row.runs)
        if count < runs:
            sentences.append(f"{one.row.label}: {count} of {runs} runs were measured on this set.")
    return " ".join(sentences)


def verdict_against_blob(one: Explanations) -> str:
    """Describe which methods of a row beat the blob in the middle, by each measure."""
    if not any(_better(one, measure) for measure in MEASURES):
        start = f"no method beats the {one.titles[BLOB]}, by any of three measures"
    else:
        start = f"methods compared with the {one.titles[BLOB]}"
    parts = [f"{how} {_against_blob(one, measure)}" for measure, how in MEASURES.items()]
    return f"{one.row.label}: {start}: {'; '.join(parts)}."


def _against_blob(one: Explanations, measure: str) -> str:
    methods, better = _methods(one), _better(one, measure)
    worse = [name for name in methods if one.gain(name, BLOB, measure).high < 0]
    best = max(methods, key=lambda name: one.mean(name, measure).value)
    highest, blob = (format_number(one.mean(name, measure).value, 2) for name in (best, BLOB))
    winners = ", ".join(one.titles[name] for name in better)
    beat = f"better: {winners}" if better else "none is better"
    beaten = f", {len(worse)} of {len(methods)} worse" if worse else ""
    return f"{beat}{beaten} (highest: {one.titles[best]} {highest}, blob {blob})"


def _better(one: Explanations, measure: str) -> list[str]:
    return [name for name in _methods(one) if one.gain(name, BLOB, measure).above_zero]


def _methods(one: Explanations) -> list[str]:
    return [name for name in one.titles if name not in (*BASELINES, CEILING)]
