"""From run folders to boards, tables and pictures."""

from pneumo_tf.report.loading import Boards, load_boards

__all__ = ["Boards", "load_boards"]
