"""Four ways in which a service and the portal meet, each small enough to be read at once. See `docs/embedding.md`."""
