"""Measurements of speed, compared with alternatives: `python -m benchmarks.speed`."""
