"""The work that is run with `pneumo_tf`: recipes, suites, and the commands that run them."""
