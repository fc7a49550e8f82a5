"""Engines start workers: here on this machine."""
