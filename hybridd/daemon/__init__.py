"""The machine around the work: schedule, systemd, journal, health."""
