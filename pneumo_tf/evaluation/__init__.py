"""Metrics of predictions, their intervals, and tests of differences between models."""
