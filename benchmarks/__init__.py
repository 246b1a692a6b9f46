"""How fast and how large the daemon is, beside others, on one machine in one run. See README.md in this folder."""
