"""One run in its own process: its assignment, its training, its costs."""
