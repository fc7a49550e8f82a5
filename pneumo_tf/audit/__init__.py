"""Audit of a dataset: counts, duplicates, patients, leakage and shortcuts, before any network is trained.

It is separate from `evaluation` and `report`, which only read run folders: an audit decodes films and fits
trivial models to them. Its page has the tables and style of a report.

`decoded` reads the films, `split_strategies` divides them, each module of `chapters` measures and describes
one subject, and `page` writes the chapters.
"""
