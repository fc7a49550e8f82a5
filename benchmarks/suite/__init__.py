"""A suite: its options, films, plan of runs, and the engines that execute it."""
