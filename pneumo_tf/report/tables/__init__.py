"""The tables of a board, one a file."""
