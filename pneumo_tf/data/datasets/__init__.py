"""Sources of films, one entry each: how a folder is recognised and read, and what is known of the set."""
