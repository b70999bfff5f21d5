"""hybridd watches markets all night, tells a person what changed, and waits for the decision."""
