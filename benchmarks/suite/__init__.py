"""A suite: options, the plan of its runs, the films, and the engines that do them."""
