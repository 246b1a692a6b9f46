"""From matches to messages: what is said, when it is tried again, and how it reads. Pure; no I/O."""
