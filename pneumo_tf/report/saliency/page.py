"""The page of explanations: tests of the maps of every board, with their results."""

from collections.abc import Sequence
from pathlib import Path

from pneumo_tf.atomic import write_atomically
from pneumo_tf.evaluation.intervals import REPLICATES
from pneumo_tf.explain.shortcut import BORDER_AREA
from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import Table, bullet_list, escape, section
from pneumo_tf.report.number_format import DASH, format_number, with_interval
from pneumo_tf.report.saliency import border, robustness, tables
from pneumo_tf.report.saliency.measures import GRAD_CAM, Explanations, read_explanations

PAGE = "explanations.md"

NOTHING = "No run has measured its maps yet."
UNKNOWN = "No opacity is outlined in this set, so whether a map points at one is not known."
READING = (
    "A map of where a model looked is a claim, which is tested here against baselines that do not use the "
    "model. All maps are on the grid of the explained layer, so that they have the same resolution. Grad-CAM "
    "explains the score at the layer that the registry names for each architecture; if a reproduced system "
    "used another layer, its map has a line of its own. [95 %]: percentile bootstrap over patients, "
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
LEADERBOARD = f"{SUMMARY} [Every test]({PAGE})."
"""How to read `summary_table` on the leaderboard."""
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
    "Films predicted positive are changed where the map says. Deletion: mean probability of pneumonia while "
    "the most marked 40 % are blurred; if it stays near 1 for every map, the model takes blur for pneumonia. "
    "Insertion: mean probability while they are put first into the blurred film. ROAD: half the difference "
    "of two probabilities, with the least and with the most marked 20 and 40 % imputed from around. "
    "Average Drop: share of the probability that is lost when the film is multiplied by its map. Increase in "
    "Confidence: share of films whose probability increases."
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
AGREEMENT = "Similarity of each map to Grad-CAM of the same film; the baselines show what arises by chance."


def write_explanations(boards: Sequence[Board], out: Path) -> Path:
    """Write `explanations.md`.

    Args:
        boards: Boards of `read_boards`.
        out: Folder of the report.

    Returns:
        Path of the page.
    """
    parts = [part for board in boards for part in _board(board)]
    page = "\n\n".join(
        part.rstrip("\n") for part in ["# Explanations", READING, *(parts or [NOTHING])] if part
    )
    write_atomically(out / PAGE, page + "\n")
    return out / PAGE


def summary_table(board: Board) -> Table:
    """The table of a board's maps on the leaderboard; without rows if nothing was measured."""
    left = read_explanations(board)
    return _summary(left, robustness.compare_runs(left))


def _board(board: Board) -> list[str]:
    left = read_explanations(board)
    if not left:
        return []
    repeats = robustness.compare_runs(left)
    synthetic = "> **Synthetic films**: these results test the methods and say nothing about medicine."
    return [
        f"## {escape(board.title)}, profile {board.profile}",
        synthetic if board.synthetic else "",
        section("In one look", _summary(left, repeats).markdown(), SUMMARY),
        *_truth(left),
        *_dependence(left, repeats),
        section("Shortcut alarm", border.border_table(left).markdown(), border.LEAD),
    ]


def _truth(left: Sequence[Explanations]) -> list[str]:
    outlined = [one for one in left if one.mean(GRAD_CAM, "pointing").films]
    verdicts = bullet_list([tables.verdict_on_pointing(one) for one in outlined]) or UNKNOWN
    needed = bullet_list([tables.verdict_on_faithfulness(one) for one in left])
    title = "Does the map point at the opacity?"
    return [
        f"### {title}\n\n{verdicts}",
        _detail(POINTING, tables.lead_over_baselines(left, "pointing")),
        _detail(CEILING, tables.by_map(left, tables.POINTING)),
        _detail(OVERLAP, tables.by_map(left, tables.OVERLAP)),
        section(
            "Does the model need what is marked?",
            tables.by_map(left, tables.FAITHFULNESS).markdown(),
            f"{needed}\n\n{NEEDS}",
        ),
    ]


def _dependence(left: Sequence[Explanations], repeats: Sequence[robustness.RunSimilarity]) -> list[str]:
    watched = [one for one in left if one.randomization]
    changes = bullet_list([robustness.verdict_on_weights(one) for one in watched])
    repeated = bullet_list([robustness.verdict_on_runs(of) for of in repeats])
    return [
        section(
            "Does the map depend on the weights?",
            robustness.weights_table(watched).markdown(),
            f"{changes}\n\n{WEIGHTS}",
        ),
        section(
            "Does another run give the same map?",
            robustness.runs_table(repeats).markdown(),
            f"{repeated}\n\n{SEEDS}",
        ),
        section("Do the methods agree?", tables.by_map(left, tables.AGREEMENT).markdown(), AGREEMENT),
    ]


def _detail(lead: str, table: Table) -> str:
    return f"{lead}\n\n{table.markdown()}" if table.rows else ""


def _summary(left: Sequence[Explanations], repeats: Sequence[robustness.RunSimilarity]) -> Table:
    repeated = {of.one.row.name: of for of in repeats}
    lines = []
    for one in left:
        of = repeated.get(one.row.name)
        share = one.mean(GRAD_CAM, "border")
        lines.append(
            (
                one.row.name,
                " × ".join(map(str, one.grid)),
                *(
                    tables.count_beaten(one, GRAD_CAM, measure)
                    for measure in ("pointing", "deletion", "road")
                ),
                robustness.changes_with_weights(one),
                robustness.summarize_runs(of) if of else DASH,
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
