"""Registry of the tables of a board's page, in reading order; a new table is one entry."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pneumo_tf.report.board import Board
from pneumo_tf.report.markdown import Markdown, Table, render
from pneumo_tf.report.saliency.page import LEADERBOARD, summary_table
from pneumo_tf.report.tables import (
    calibration,
    choices,
    counts,
    cross_validation,
    differences,
    external_subgroups,
    external_validation,
    films,
    inference_cost,
    local_thresholds,
    metadata_gain,
    net_benefit,
    operating_points,
    pairs,
    prevalences,
    protocols,
    published,
    run_time,
    selective_prediction,
    source_series,
    subgroups,
    three_classes,
    training_cost,
)
from pneumo_tf.report.tables.each_class import each_class_table
from pneumo_tf.report.tables.every_metric import every_metric_table
from pneumo_tf.report.tables.metric_columns import SPREAD
from pneumo_tf.report.tables.ranking import ranking_table
from pneumo_tf.report.tables.run_notes import run_notes_table
from pneumo_tf.report.tables.unfinished import unfinished


@dataclass(frozen=True)
class TableEntry:
    """An entry of the registry.

    Args:
        title: Heading on the page.
        make: Function that returns one or several tables of a board; tables without rows are left out.
        lead: How to read the table; shown between heading and table, with the names of `Wording` in
            braces.
        above_pictures: Whether it is shown above the pictures of the board, not below.
    """

    title: str
    make: Callable[[Board], Table | Sequence[Table]]
    lead: str = ""
    above_pictures: bool = False

    def tables(self, board: Board) -> list[Table]:
        """Return the tables of a board that have rows or a text for the case without."""
        made = self.make(board)
        return [table for table in ([made] if isinstance(made, Table) else made) if table.rows or table.empty]

    def markdown(self, board: Board, level: int = 3) -> Markdown:
        """Return heading, lead and tables of a board; `""` if there is nothing to show.

        Args:
            board: The board.
            level: Level of the heading, 1 to 6.
        """
        lead = board.wording.write(self.lead)
        return render("part.md", title=self.title, lead=lead, tables=self.tables(board), level=level)


TABLES: dict[str, TableEntry] = {
    "films": TableEntry("Films", films.films_table, above_pictures=True),
    "ranking": TableEntry("Ranking", ranking_table, above_pictures=True),
    "differences": TableEntry(
        "Differences to the first row", differences.differences_table, differences.LEAD
    ),
    "pairs": TableEntry("Pairs of rows", pairs.pairs_table, pairs.LEAD),
    "every_metric": TableEntry("Every metric", every_metric_table, SPREAD),
    "each_class": TableEntry("Each class", each_class_table, "Read as *Every metric*."),
    "counts": TableEntry("Counts at probability 0.5", counts.counts_table, counts.LEAD),
    "three_classes": TableEntry("Three classes", three_classes.three_classes_tables, three_classes.LEAD),
    "external_validation": TableEntry(
        "External validation", external_validation.external_validation_table, external_validation.LEAD
    ),
    "external_subgroups": TableEntry(
        "External validation by group", external_subgroups.external_subgroups_table, external_subgroups.LEAD
    ),
    "local_thresholds": TableEntry(
        "Thresholds of local films",
        local_thresholds.local_thresholds_table,
        local_thresholds.LEAD,
    ),
    "cross_validation": TableEntry(
        "Five folds", cross_validation.cross_validation_table, cross_validation.LEAD
    ),
    "metadata_gain": TableEntry(
        "Image score with metadata", metadata_gain.metadata_gain_table, metadata_gain.LEAD
    ),
    "calibration": TableEntry("Calibration", calibration.calibration_table, calibration.LEAD),
    "operating_points": TableEntry(
        "Operating points", operating_points.operating_points_table, operating_points.LEAD
    ),
    "prevalences": TableEntry("Other prevalences", prevalences.prevalences_table, prevalences.LEAD),
    "net_benefit": TableEntry("Net benefit", net_benefit.net_benefit_tables, net_benefit.LEAD),
    "source_series": TableEntry("Specificity by series", source_series.source_series_table),
    "subgroups": TableEntry("Groups of films", subgroups.subgroups_tables, subgroups.LEAD),
    "selective_prediction": TableEntry(
        "Risk and coverage", selective_prediction.selective_prediction_table, selective_prediction.LEAD
    ),
    "saliency": TableEntry("Tests of the maps", summary_table, LEADERBOARD),
    "run_time": TableEntry("Run time", run_time.run_time_table, run_time.LEAD),
    "training_cost": TableEntry("Training costs", training_cost.training_cost_table, training_cost.LEAD),
    "inference_cost": TableEntry("Inference costs", inference_cost.inference_cost_table, inference_cost.LEAD),
    "protocols": TableEntry("Protocol matters", protocols.protocols_table, protocols.LEAD),
    "published": TableEntry("Published next to ours", published.published_tables, published.LEAD),
    "unfinished": TableEntry("Not done", unfinished),
    "run_notes": TableEntry("Logged by the runs", run_notes_table),
    "choices": TableEntry("Chosen here", choices.choices_table, choices.LEAD),
}
