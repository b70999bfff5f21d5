"""The web process: pages and the answer interface, over the state database alone."""
