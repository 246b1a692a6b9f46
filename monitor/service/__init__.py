"""The flow: `poll` is hops 1 to 6, `deliver` hop 7. Composed through protocols; built by `monitor.app`."""
