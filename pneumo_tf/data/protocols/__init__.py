"""How films are divided, and what a run may look at while it trains."""
