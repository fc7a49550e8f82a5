"""Protocols: how films are divided, and which of them a run may use while it trains."""
