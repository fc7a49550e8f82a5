"""Figures of a board, each a pure function of run folders.

seaborn provides the theme, heat maps and histograms. Matplotlib draws what seaborn cannot: films, intervals
computed by `evaluation`, and the curves of many runs as one artist.
"""

from pneumo_tf.report.figures.registry import FIGURES, list_drawings, sections

__all__ = ["FIGURES", "list_drawings", "sections"]
