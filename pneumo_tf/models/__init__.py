"""Architectures: a registry, and the flat Keras graph that each entry is built into."""
