"""Protocols: the division of films, and what a run may look at while it trains."""
