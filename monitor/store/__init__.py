"""The database: one set of tables and queries for SQLite and PostgreSQL. `base` is the contract, `open` the way in."""
