"""The datasets that can be read: one entry for each, with how its folder is recognised and read."""
