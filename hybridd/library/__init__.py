"""The public library: thin façades over the rooms, for programs that use hybridd without its daemon."""
