"""Audit of a dataset: what its films give away before any network is trained, and what to take care of.

A package of its own, after `report`: `evaluation` and `report` are pure functions of run folders, whereas an
audit decodes films and fits trivial models to them, and writes a page with the report's tables and style.

The modules here measure; `chapters` says in plain sentences what was found; `page` puts them together.
"""
