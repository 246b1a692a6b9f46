"""The command line: one module a command group, put together in `main`."""
