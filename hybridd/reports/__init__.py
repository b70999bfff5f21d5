"""Pictures and sums for people to read."""
