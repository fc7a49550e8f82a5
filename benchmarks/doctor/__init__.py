"""Checks of a machine before hours are spent on it."""
