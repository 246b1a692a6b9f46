"""Channels: one module each, behind the protocol in `base`. `registry` knows them by name."""
