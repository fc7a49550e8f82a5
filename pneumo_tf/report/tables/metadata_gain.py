"""The table of image scores with age, sex and view."""

from pneumo_tf.errors import UserError
from pneumo_tf.report.board import Board
from pneumo_tf.report.image_and_metadata import measure_image_and_metadata
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import difference_with_interval, supported_decimals, with_interval

LEAD = (
    "AUC on the test films. Image score: ensemble of the folds. Metadata: logistic regression on age, sex "
    "and view, without pixels. Both: the same with the image score, fitted on out-of-fold scores of training "
    "films. [95 %]: as in the ranking; of the difference, percentiles of paired replicates of {unit}s. If "
    "the interval of metadata alone is above 0.5, the classes of this set differ in who was imaged and how, "
    "and a network can learn that difference from pixels."
)
HEADER = ("Recipe", "Image score [95 %]", "Metadata [95 %]", "Both [95 %]", "Both − image score [95 %]")


def metadata_gain_table(board: Board) -> Table:
    """Return a table with a line for each network that has all folds; no line without metadata."""
    try:
        found = measure_image_and_metadata(board)
    except UserError as error:
        return Table(HEADER, [], empty=f"There is no table: {error}.")
    decimals = supported_decimals([one.image.half_width for one in found], 2)
    lines = []
    for one in found:
        aucs = (with_interval(estimate, decimals) for estimate in (one.image, one.metadata, one.both))
        gain = difference_with_interval(one.gain.value, (one.gain.low, one.gain.high), decimals)
        lines.append((one.row.name, *aucs, gain))
    return Table(HEADER, lines)
