"""Pictures of a board: every one a pure function of run folders."""

from pneumo_tf.report.figures.registry import FIGURES, drawings, sections

__all__ = ["FIGURES", "drawings", "sections"]
