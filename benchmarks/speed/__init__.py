"""What the project claims about its speed, measured side by side: `python -m benchmarks.speed`."""
