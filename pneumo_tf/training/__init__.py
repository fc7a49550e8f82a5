"""The one harness that trains every recipe."""
