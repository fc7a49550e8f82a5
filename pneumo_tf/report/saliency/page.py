"""The page of explanations: tests of the maps of every board, and their results."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pneumo_tf.atomic import write_atomically
from pneumo_tf.evaluation.resampling import REPLICATES
from pneumo_tf.explain.shortcut import BORDER_AREA
from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import Markdown, Table, render
from pneumo_tf.report.number_format import DASH, format_number, with_interval
from pneumo_tf.report.provenance import describe_films
from pneumo_tf.report.saliency import border, robustness, tables
from pneumo_tf.report.saliency.external_findings import (
    describe_findings,
    external_findings,
    verdict_against_blob,
)
from pneumo_tf.report.saliency.measures import GRAD_CAM, Explanations, read_explanations
from pneumo_tf.report.wording import units_of

PAGE = "explanations.md"

NOTHING = "No run has results of explanations yet."
UNKNOWN = "No opacity is outlined in this set, so whether a map points at one is not known."
READING = (
    "Saliency maps are tested here against baselines that do not use the "
    "model. All maps are on the grid of the explained layer, so that they have the same resolution. Grad-CAM "
    "explains the score at the layer that the registry names for each architecture; if a reproduced system "
    "used another layer, its map has a line of its own. [95 %]: percentile bootstrap over {units}, "
    f"{REPLICATES:,} replicates; values of a film are averaged over the runs of a row first. *Beats* means "
    "that the interval of the difference, paired by film, lies above zero, without correction for the other "
    "comparisons. A map without any evidence for pneumonia is empty; it is never rescaled."
)
SUMMARY = (
    "How many of the four baselines (a blob in the middle, the edges of the film, a random map, the input "
    "gradient) Grad-CAM beats by each test; whether the map changes with the weights; the rank correlation "
    "of the maps of two runs on the same film, and on different films; and the share of the map on the outer "
    f"10 % of the film, {BORDER_AREA:.2f} for a uniform map."
)
LEADERBOARD = Markdown(f"{SUMMARY} [Every test]({PAGE}).")
"""Caption of `summary_table` on the leaderboard."""
POINTING = (
    "Pointing game: the largest value lies in the outlined opacity, or near it, within 4 % of the film's "
    "side. The first table shows differences to the baselines, paired by film."
)
CEILING = (
    "*The opacity itself* is its outline on the same grid: an upper bound for maps of that grid. Focal and "
    "diffuse: bacterial and viral pneumonia. Empty: share of maps without evidence."
)
OVERLAP = (
    "Energy: share of the map's sum. IoU: overlap of the opacity with the pixels above half of the map's "
    "largest value, and above the best threshold for each film."
)
NEEDS = (
    "Films predicted positive are changed at the pixels that the map marks. Deletion: mean probability of "
    "pneumonia while the most marked 40 % are blurred; if it stays near 1 for every map, the model takes "
    "blur for pneumonia. Insertion: mean probability while the same pixels are restored first in the "
    "blurred film. ROAD: half the difference of two probabilities, with the least and with the most marked "
    "20 and 40 % imputed from their surroundings. Average Drop: share of the probability that is lost when "
    "the film is multiplied by its map. Increase in Confidence: share of films whose probability increases."
)
WEIGHTS = (
    "Cascading weight randomization (Adebayo et al. 2018): weights are randomized from the logits down, and "
    "the maps are compared with those of the trained model. A map that stays similar shows the film and not "
    "what was learned. *Another film*: similarity of the trained model's maps of different films. Films "
    "whose map is empty before or after are left out. A map changes with the weights if, with all weights "
    "randomized, the interval of its rank correlation is below 0.5 and the map is not significantly more "
    "similar than that of another film."
)
SEEDS = (
    "Similarity of Grad-CAM of the same film in two runs of a recipe that differ in seed or fold; of "
    "different films; and of other recipes with the same crop and fit. Maps have at most 8 × 8 cells."
)
EXTERNAL = (
    "Maps of external films, compared with boxes or outlines that readers drew around pneumonia. A box also "
    "contains lung without an opacity. *The opacity itself* is the box on the same grid: an upper "
    "bound for maps of that grid. The first table shows differences to the baselines in the pointing game, "
    "paired by film. Empty: share of maps without evidence."
)
AGREEMENT = "Similarity of each map to Grad-CAM of the same film; the baselines show what arises by chance."


def write_explanations(boards: Sequence[Board], out: Path) -> Path:
    """Write `explanations.md`.

    Args:
        boards: Boards from `read_boards`.
        out: Folder of the report.

    Returns:
        Path of the page.
    """
    shown = [_BoardMaps(board, parts) for board in boards if (parts := _parts(board))]
    reading = READING.format(units=units_of(board.wording for board in boards))
    page = render("explanations.md", boards=shown, reading=reading, nothing=NOTHING)
    write_atomically(out / PAGE, page)
    return out / PAGE


def render_external_maps(board: Board) -> Markdown:
    """Return the parts of the page about maps on external films, `""` if there are none."""
    return render("external_maps.md", parts=_external_parts(board))


def summary_table(board: Board) -> Table:
    """Return the table about a board's maps for the leaderboard; without rows if nothing was measured."""
    left = read_explanations(board)
    return _summary(left, robustness.compare_runs(left))


class _Part(NamedTuple):
    """A part of the page that answers one question.

    Args:
        title: Heading, usually the question.
        tables: Tables of results, each with its caption.
        verdicts: Answers, one sentence each, above the tables.
    """

    title: str
    tables: list[tuple[str, Table]]
    verdicts: Sequence[str] = ()


class _BoardMaps(NamedTuple):
    """Content of the page for a board."""

    board: Board
    parts: list[_Part]

    @property
    def films(self) -> list[str]:
        return describe_films(self.board)


def _parts(board: Board) -> list[_Part]:
    left = read_explanations(board)
    return [*(_own_parts(left) if left else []), *_external_parts(board)]


def _external_parts(board: Board) -> list[_Part]:
    return [
        _Part(
            f"Does the map point at findings on external films? {dataset.title}",
            [
                (EXTERNAL, tables.lead_over_baselines(measured, "pointing")),
                ("", tables.by_map(measured, tables.POINTING)),
                ("", tables.by_map(measured, tables.OVERLAP)),
            ],
            [
                describe_findings(dataset, measured),
                *(tables.verdict_on_pointing(one) for one in measured),
                *(verdict_against_blob(one) for one in measured),
            ],
        )
        for dataset, measured in external_findings(board)
    ]


def _own_parts(left: Sequence[Explanations]) -> list[_Part]:
    repeats = robustness.compare_runs(left)
    outlined = [one for one in left if one.mean(GRAD_CAM, "pointing").films]
    watched = [one for one in left if one.randomization]
    parts = [
        _Part("Summary", [(SUMMARY, _summary(left, repeats))]),
        _Part(
            "Does the map point at the opacity?",
            [
                (POINTING, tables.lead_over_baselines(left, "pointing")),
                (CEILING, tables.by_map(left, tables.POINTING)),
                (OVERLAP, tables.by_map(left, tables.OVERLAP)),
            ],
            [tables.verdict_on_pointing(one) for one in outlined] or [UNKNOWN],
        ),
        _Part(
            "Does the model need what is marked?",
            [(NEEDS, tables.by_map(left, tables.FAITHFULNESS))],
            [tables.verdict_on_faithfulness(one) for one in left],
        ),
        _Part(
            "Does the map depend on the weights?",
            [(WEIGHTS, robustness.weights_table(watched))],
            [robustness.verdict_on_weights(one) for one in watched],
        ),
        _Part(
            "Does another run give the same map?",
            [(SEEDS, robustness.runs_table(repeats))],
            [robustness.verdict_on_runs(similarity) for similarity in repeats],
        ),
        _Part("Do the methods agree?", [(AGREEMENT, tables.by_map(left, tables.AGREEMENT))]),
        _Part("Shortcut alarm", [(border.LEAD, border.border_table(left))]),
    ]
    return [_with_rows(part) for part in parts if part.verdicts == [UNKNOWN] or _with_rows(part).tables]


def _with_rows(part: _Part) -> _Part:
    return part._replace(tables=[(lead, table) for lead, table in part.tables if table.rows])


def _summary(left: Sequence[Explanations], repeats: Sequence[robustness.RunSimilarity]) -> Table:
    repeated = {similarity.one.row.key: similarity for similarity in repeats}
    lines = []
    for one in left:
        similarity = repeated.get(one.row.key)
        share = one.mean(GRAD_CAM, "border")
        lines.append(
            (
                one.row.label,
                " × ".join(map(str, one.grid)),
                *(
                    tables.count_beaten(one, GRAD_CAM, measure)
                    for measure in ("pointing", "deletion", "road")
                ),
                robustness.changes_with_weights(one),
                robustness.summarize_runs(similarity) if similarity else DASH,
                with_interval(share, 2) if share.films else format_number(None, 0),
            )
        )
    header = (
        "Recipe",
        "Cells",
        "Pointing",
        "Deletion",
        "ROAD",
        "Changes with weights",
        "Two runs",
        "Border share",
    )
    return Table(header, lines)
