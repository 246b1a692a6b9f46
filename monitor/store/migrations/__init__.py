"""Alembic scripts, run by `monitor.store.migrate`; forward only. A change of `tables` needs a script and a new HEAD."""
