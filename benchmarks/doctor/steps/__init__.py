"""Steps of `python -m benchmarks.doctor`: each measures one thing in a process of its own."""
