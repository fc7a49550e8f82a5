"""Engines, which start workers: `local` on this machine."""
