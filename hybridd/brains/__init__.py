"""The brains that a person brings: a function or a command in place of our own layers."""
