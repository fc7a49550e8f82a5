"""Protocols: the division of films, and the films that a run may use while it trains."""
