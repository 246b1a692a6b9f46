"""Bytes in, `Document` out. `document` is the pure part; `pool` runs it in killable worker processes."""
