"""Tables of a board, one per module."""
