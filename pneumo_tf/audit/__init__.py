"""Audit of a dataset: counts, duplicates, patients, leakage and shortcuts, before any network is trained.

A package of its own, after `report`: `evaluation` and `report` are pure functions of run folders, whereas an
audit decodes films and fits trivial models to them, and writes a page with the tables and style of a report.

`decoded` reads the films, `split_strategies` divides them, each module of `chapters` measures and describes
one subject, and `page` puts the chapters together.
"""
