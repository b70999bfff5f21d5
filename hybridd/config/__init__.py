"""Settings: schema, loading, checking, secrets."""
