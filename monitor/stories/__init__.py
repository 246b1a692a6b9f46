"""Identity: of an entry in its feed, and of a story. Pure; no I/O."""
