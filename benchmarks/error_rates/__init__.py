"""Error rates of intervals and tests, measured on simulated test sets with a known truth."""
