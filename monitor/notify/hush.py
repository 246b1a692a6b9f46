"""Keeps what libraries log of a request out of every log: to them a URL is no secret, to us it is."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_sending: ContextVar[bool] = ContextVar("sending", default=False)


@contextmanager
def hushed() -> Iterator[None]:
    """Within it, in this task or thread, the loggers that were given to `hush` say nothing."""
    token = _sending.set(True)
    try:
        yield
    finally:
        _sending.reset(token)


def hush(*names: str) -> None:
    """Make these loggers, not their children, heed `hushed`; safe to call again."""
    for name in names:
        logging.getLogger(name).addFilter(_is_other_traffic)


def _is_other_traffic(_record: logging.LogRecord) -> bool:
    return not _sending.get()
