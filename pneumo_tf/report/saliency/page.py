"""The page of explanations: what the maps of every board were asked, and what they answered."""

from collections.abc import Sequence
from pathlib import Path

from pneumo_tf.atomic import write_atomically
from pneumo_tf.evaluation.intervals import REPLICATES
from pneumo_tf.explain.shortcut import BORDER_AREA
from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import Table, bullet_list, escape, section
from pneumo_tf.report.number_format import DASH, format_number, with_interval
from pneumo_tf.report.saliency import border as alarm
from pneumo_tf.report.saliency import robustness as dependence
from pneumo_tf.report.saliency import tables
from pneumo_tf.report.saliency.measures import GRAD_CAM, Explanations, read_explanations

PAGE = "explanations.md"

NOTHING = "No run has measured its maps yet."
UNKNOWN = "No opacity is outlined in this set, so whether a map points at one is not known."
READING = (
    "A picture of where a model looked is a claim. Here it is put to the test, beside maps that know "
    "nothing of the model; all stand on the grid of the explained layer, so that they differ in what they "
    "show and not in how finely. Grad-CAM explains the score at the registry's layer of each architecture; "
    "where a reproduced system drew its maps from another layer, that is a line of its own. [95 %]: "
    f"percentile bootstrap, {REPLICATES:,} draws of patients; values of a film are averaged over the runs of "
    "a row first. *Beats* means that the interval of the difference, paired by film, lies above zero, each "
    "comparison by itself. A map without any evidence for pneumonia is empty: it points nowhere, and it is "
    "never stretched."
)
SUMMARY = (
    "Of the baselines, a blob in the middle, the edges of the film, a random map and the input gradient, "
    "how many Grad-CAM beats by each test; whether the map changes when the weights do; how alike the maps "
    "of two runs are on the same film and on different films; and the share of the map on the outer 10 % of "
    f"the film, {BORDER_AREA:.2f} where it has no preference."
)
LEADERBOARD = f"{SUMMARY} [Every test]({PAGE})."
"""How to read `summary_table` on the leaderboard."""
POINTING = (
    "Pointing game: the largest value lies in the outlined opacity, or near it, within 4 % of the film's "
    "side. First the differences that decide, on the films of that row."
)
CEILING = (
    "*The opacity itself* is its outline drawn on the same grid: what a map of these cells can reach that "
    "knows the answer. Focal and diffuse: bacterial and viral pneumonia. Empty: share of maps without "
    "evidence."
)
OVERLAP = (
    "Energy: share of the map's sum. IoU: overlap of the opacity with what lies above half of the map's "
    "largest value, and above the value that is best for each film."
)
NEEDS = (
    "Films called pneumonia are changed where the map says. Deletion: mean probability of pneumonia while "
    "the most marked 40 % are blurred away; where it stays near 1 whatever leads, blur itself reads as "
    "pneumonia. Insertion: while they come first into the blurred film. ROAD: half of what the probability "
    "keeps when the least marked 20 and 40 % are filled in from their surroundings, less that for the most "
    "marked. Drop: share of the probability that is lost when the film is darkened to its map; rise: films "
    "where it grows."
)
WEIGHTS = (
    "Weights are drawn anew from the logits down, and the maps compared with those of the trained model. A "
    "map that stays like itself shows the film and not what was learned. *Another film*: the trained "
    "model's maps of different films, what its maps share whatever they explain. Films whose map is empty "
    "before or after are left out. A map is said to change where, with all weights drawn anew, the interval "
    "of its rank correlation is below 0.5 and it is not shown to be more alike than another film's."
)
SEEDS = (
    "Grad-CAM of the same film in two runs of a recipe that differ in seed or fold, beside maps of "
    "different films, and beside other recipes that see the same part of the film. Maps are brought to 8 × "
    "8 cells at most."
)
AGREEMENT = (
    "How alike each map is to Grad-CAM of the same film; of baselines, what agreement by chance looks like."
)


def write_explanations(boards: Sequence[Board], out: Path) -> Path:
    """Writes `explanations.md`.

    Args:
        boards: As `read_boards` gives them.
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
    return _summary(left, dependence.repeats(left))


def _board(board: Board) -> list[str]:
    left = read_explanations(board)
    if not left:
        return []
    repeats = dependence.repeats(left)
    synthetic = ["> **Synthetic films**: whether the tests work, nothing about medicine."] * board.synthetic
    return [
        f"## {escape(board.title)}, profile {board.profile}",
        *synthetic,
        section("In one look", _summary(left, repeats).markdown(), SUMMARY),
        *_truth(left),
        *_dependence(left, repeats),
        section("Shortcut alarm", alarm.alarm(left).markdown(), alarm.LEAD),
    ]


def _truth(left: Sequence[Explanations]) -> list[str]:
    outlined = [one for one in left if one.mean(GRAD_CAM, "pointing").films]
    said = bullet_list([tables.points(one) for one in outlined]) or UNKNOWN
    needed = bullet_list([tables.needs(one) for one in left])
    title = "Does the map point at the opacity?"
    return [
        f"### {title}\n\n{said}",
        _detail(POINTING, tables.lead_over_baselines(left, "pointing")),
        _detail(CEILING, tables.by_map(left, tables.POINTING)),
        _detail(OVERLAP, tables.by_map(left, tables.OVERLAP)),
        section(
            "Does the model need what is marked?",
            tables.by_map(left, tables.FAITHFULNESS).markdown(),
            f"{needed}\n\n{NEEDS}",
        ),
    ]


def _dependence(left: Sequence[Explanations], repeats: Sequence[dependence.Repeats]) -> list[str]:
    watched = [one for one in left if one.sanity]
    changes = bullet_list([dependence.on_weights(one) for one in watched])
    repeated = bullet_list([dependence.on_seed(of) for of in repeats])
    return [
        section(
            "Does the map depend on the weights?",
            dependence.weights(watched).markdown(),
            f"{changes}\n\n{WEIGHTS}",
        ),
        section(
            "Does another run give the same map?",
            dependence.seeds(repeats).markdown(),
            f"{repeated}\n\n{SEEDS}",
        ),
        section("Do the methods agree?", tables.by_map(left, tables.AGREEMENT).markdown(), AGREEMENT),
    ]


def _detail(lead: str, table: Table) -> str:
    return f"{lead}\n\n{table.markdown()}" if table.rows else ""


def _summary(left: Sequence[Explanations], repeats: Sequence[dependence.Repeats]) -> Table:
    repeated = {of.one.row.name: of for of in repeats}
    lines = []
    for one in left:
        of = repeated.get(one.row.name)
        border = one.mean(GRAD_CAM, "border")
        lines.append(
            (
                one.row.name,
                " × ".join(map(str, one.grid)),
                *(tables.counted(one, GRAD_CAM, measure) for measure in ("pointing", "deletion", "road")),
                dependence.changes_with_weights(one),
                dependence.in_two_runs(of) if of else DASH,
                with_interval(border, 2) if border.films else format_number(None, 0),
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
