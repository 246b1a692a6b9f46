"""Ids that are made from what they mean: to write the same thing twice is to write it once. Pure."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from monitor.model import DeliveryId, NewDelivery, Placing

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.model import Alert

# Any fixed value would do; ids must never change once they are out.
_NAMESPACE = uuid.UUID("6f8f3a52-1c0b-5a53-9f0e-6e6577736d6f")


def made_id(*parts: str) -> str:
    """The UUID of `parts`, always the same (version 5, RFC 9562 section 5.5); the first says what it is the id of."""
    return str(uuid.uuid5(_NAMESPACE, "\0".join(parts)))


def new_delivery(alert: Alert, channel: str, *, due_at: datetime, placing: Placing | None = None) -> NewDelivery:
    """The delivery of an alert to a channel, whose id they make."""
    made = DeliveryId(made_id("delivery", alert.id, channel))
    placing = placing or Placing(group=f"alert {alert.id}")
    return NewDelivery(id=made, alert_id=alert.id, channel=channel, due_at=due_at, placing=placing)
