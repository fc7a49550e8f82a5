"""Pictures of a board: every one a pure function of run folders.

seaborn draws the theme, heat maps and histograms. Matplotlib draws what seaborn does not: films, intervals
that are computed already, and curves of single runs as one artist.
"""

from pneumo_tf.report.figures.registry import FIGURES, drawings, sections

__all__ = ["FIGURES", "drawings", "sections"]
