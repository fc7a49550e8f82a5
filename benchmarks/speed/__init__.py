"""Claims about speed, measured against alternatives: `python -m benchmarks.speed`."""
