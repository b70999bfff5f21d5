"""The state database, the only bus between processes."""
