"""Architectures: a registry, and a builder of a flat Keras graph for each entry."""
