"""The harness that trains all recipes."""
