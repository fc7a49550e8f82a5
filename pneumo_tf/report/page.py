"""The leaderboard: one Markdown page of every board, with the same numbers as CSV and JSON beside it."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from pneumo_tf.atomic import write_atomically
from pneumo_tf.evaluation.intervals import REPLICATES
from pneumo_tf.report import export
from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import bullet_list, escape, section
from pneumo_tf.report.number_format import EXTRA, ROUNDING
from pneumo_tf.report.saliency.page import summary, write_explanations
from pneumo_tf.report.standings import (
    INFORMED,
    NOT_ABOVE_TRIVIAL,
    WITHOUT_IMAGENET,
    Standing,
    best_trivial,
    standings,
)
from pneumo_tf.report.tables import (
    calibration,
    costs,
    cross_validation,
    differences,
    metrics,
    operating_points,
    protocols,
    provenance,
    risk_coverage,
    source_series,
)
from pneumo_tf.report.tables.published import families
from pneumo_tf.report.tables.unfinished import unfinished
from pneumo_tf.report.tuned import judged

Sections = Sequence[tuple[str, Sequence[tuple[str, str]]]]
"""Pictures of one board, in order: titles, each with captions and paths relative to the page."""

NOT_A_DEVICE = "Research on methods. Not a medical device: nothing here is fit for the care of patients."
SYNTHETIC = "SYNTHETIC FILMS: these numbers say that the suite works, nothing about medicine."
EMPTY = "No run is done yet. `python -m benchmarks.run_all --profile quick` makes the first ones."
UNRANKED = "No run under the protocol `official` is done, and no other protocol ranks."


def write_leaderboard(
    boards: Sequence[Board],
    out: Path,
    figures: Sequence[Sections] = (),
    detailed: Sequence[str] = (),
) -> Path:
    """Writes `leaderboard.md`, `leaderboard.csv`, `leaderboard.json` and `explanations.md`.

    The files depend on the run folders alone: the same runs give the same bytes.

    Args:
        boards: As `read_boards` gives them.
        out: Folder to write in.
        figures: Pictures of each board, as many as boards; none to link no picture.
        detailed: What `details` gives of each board, where it was made before.

    Returns:
        Path of the page.

    Example:
        >>> from pathlib import Path
        >>> from pneumo_tf.report.page import write_leaderboard
        >>> from pneumo_tf.report.board import read_boards
        >>> from pneumo_tf.run import Runs
        >>> write_leaderboard(read_boards(Runs(Path("outputs/runs"))), Path("outputs/report"))
        PosixPath('outputs/report/leaderboard.md')
    """
    sections = figures or [()] * len(boards)
    ranked = [standings(board) for board in boards]
    below = detailed or [details(board) for board in boards]
    pages = [_board(*board) for board in zip(boards, ranked, sections, below, strict=True)]
    page = "\n".join(["# Leaderboard", "", NOT_A_DEVICE, "", *(pages or [EMPTY + "\n"])])
    write_atomically(out / "leaderboard.md", page)
    write_explanations(boards, out)
    write_atomically(out / "leaderboard.csv", export.to_csv(boards, ranked))
    write_atomically(out / "leaderboard.json", export.to_json(boards, ranked))
    return out / "leaderboard.md"


def _board(board: Board, ranked: Sequence[Standing], figures: Sections, below: str) -> str:
    parts = [f"## {escape(board.title)}, profile {board.profile}"]
    if board.synthetic:
        parts.append(f"> **{SYNTHETIC}**")
    parts.append(bullet_list(provenance.opening(board)))
    parts.append(provenance.films(board).markdown())
    warnings = provenance.warnings(board)
    if warnings:
        parts.append("> [!WARNING]\n" + "\n".join(f"> - {line}" for line in warnings))
    parts += ["### Ranking", ranking(board, ranked)]
    for title, pictures in figures:
        parts.append(f"### {escape(title)}")
        parts += [f"![{escape(title)}]({quote(path)})\n\n{escape(caption)}" for caption, path in pictures]
    return _joined([*parts, below])


def _joined(parts: Sequence[str]) -> str:
    return "\n\n".join(part.rstrip("\n") for part in parts if part) + "\n"


def ranking(board: Board, ranked: Sequence[Standing]) -> str:
    """Gives the main table of a board, with how to read it, as markdown."""
    if not ranked:
        return UNRANKED if any(row.runs for row in board.rows) else EMPTY
    return f"{metrics.ranking(ranked).markdown()}\n\n{bullet_list(_key(board, ranked))}"


def details(board: Board) -> str:
    """Gives what stands below a board's pictures, as markdown: most of its tables."""
    ranked = standings(board)
    spread = f"Mean ± standard deviation over seeds; a row of one seed has no deviation. {EXTRA}"
    several = any(len(standing.row.runs) > 1 for standing in ranked)
    parts = [
        section("Differences to the first row", differences.differences(board).markdown(), differences.LEAD),
        section("Every metric", metrics.every_metric(ranked).markdown(), spread),
        section("Each class", metrics.class_wise(ranked).markdown(), spread),
        section(
            "Counts at probability 0.5",
            metrics.counts(ranked).markdown(),
            "Films of the test set, means over seeds." if several else "Films of the test set.",
        ),
        section("Five folds", cross_validation.five_folds(board).markdown(), cross_validation.LEAD),
        *_trust(board),
        summary(board),
        section("What a run took", costs.time(ranked).markdown(), costs.TIME_LEAD),
        section("What training costs", costs.training(ranked).markdown(), costs.TRAINING_LEAD),
        section("What use costs", costs.use(ranked).markdown(), costs.USE_LEAD),
    ]
    parts.append(section("Protocol matters", protocols.protocol_matters(board).markdown(), protocols.LEAD))
    compared = families(board)
    if compared:
        parts.append(
            "### Published beside ours\n\nWhat authors printed was often computed on other images than the "
            "test folder, so it is shown and never ranked."
        )
    for family in compared:
        parts.append(f"#### {escape(family.title)}")
        parts += [escape(source) for source in family.sources]
        parts.append(family.table.markdown())
    parts.append(section("Not done", unfinished(board).markdown()))
    parts.append(section("Said by the runs", bullet_list(provenance.said_by_runs(board))))
    parts.append(
        section(
            "Chosen here",
            bullet_list(provenance.chosen_here(board)),
            "What authors do not say, and what we took.",
        )
    )
    return _joined(parts)


def _trust(board: Board) -> list[str]:
    """How far probabilities, thresholds and calls can be trusted."""
    rows, lines = board.ranking, judged(board)
    return [
        section("Calibration", calibration.calibrations(lines).markdown(), calibration.lead(lines)),
        section(
            "Operating points",
            operating_points.operating_points(lines).markdown(),
            operating_points.points_lead(lines),
        ),
        section(
            "Other prevalences",
            operating_points.prevalences(rows).markdown(),
            operating_points.PREVALENCE_LEAD,
        ),
        section(
            "Specificity by series",
            source_series.specificity_by_series(board).markdown(),
            source_series.lead(board),
        ),
        section("Risk and coverage", risk_coverage.risk_coverage(board).markdown(), risk_coverage.LEAD),
    ]


def _key(board: Board, ranked: Sequence[Standing]) -> list[str]:
    """How to read the ranking: only the marks that occur are explained."""
    marks = "".join(standing.marks for standing in ranked)
    trivial = best_trivial(board)
    lines = [
        "Ranked by AUC on the test films. A tier begins where a row's AUC is significantly below that of the "
        "tier's first row; within a tier, ranks are chance. In brackets: the 95 % interval of the rank over "
        "the draws below.",
        "Significant: paired by film, clustered by patient (Obuchowski 1997), with the variance between "
        "seeds (Obuchowski & Rockette 1995), p < 0.05 after Holm's correction over all pairs of this board; "
        "a row of one seed speaks of that one model.",
        f"[95 %]: percentile bootstrap, {REPLICATES:,} draws of patients within each class, and of seeds "
        "where there are several; a row of one seed shows the chance of the films alone.",
        "Accuracy, sensitivity, specificity and F1 at a probability of 0.5, neither calibrated nor tuned.",
        "Validation − test AUC: how much better the validation films made the model look.",
        ROUNDING,
    ]
    if NOT_ABOVE_TRIVIAL in marks and trivial is not None:
        lines.append(
            f"{NOT_ABOVE_TRIVIAL} not shown to beat the best trivial row, {trivial.name}: its AUC is not "
            "significantly above, by the same test."
        )
    if INFORMED in marks:
        lines.append(
            f"{INFORMED} designed with published results on these test films in sight: reads too well."
        )
    if WITHOUT_IMAGENET in marks:
        lines.append(f"{WITHOUT_IMAGENET} the recipe asks for ImageNet weights and was run without.")
    return lines
