"""Checks of a machine before a long training."""
