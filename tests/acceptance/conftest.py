"""What most tests of the daemon have around it: feeds to read, and somebody to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.feedserver import FeedServer
from tests.receivers import WebhookReceiver

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def feeds() -> Iterator[FeedServer]:
    with FeedServer() as server:
        yield server


@pytest.fixture
def hook() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as receiver:
        yield receiver
