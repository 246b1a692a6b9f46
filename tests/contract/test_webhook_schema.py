"""The published schema of webhook bodies, held to what is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from monitor.alerts.render import DOCUMENT_VERSION
from monitor.model import Alert, Excerpt, MessageKind, Severity
from monitor.notify.webhook import LIMIT, body
from tests.alerts import hostile_alerts, make_alert, make_message, passage
from tests.contract.channels import objects_in, send, webhook_options
from tests.receivers import WebhookReceiver

PUBLISHED = json.loads((Path(__file__).parents[2] / "docs" / "webhook.schema.json").read_text(encoding="utf-8"))


def strict() -> Draft202012Validator:
    """The published schema, under which a field that it does not describe is an error too."""
    schema = json.loads(json.dumps(PUBLISHED))
    for item in objects_in(schema):
        if item.get("type") == "object":
            item["additionalProperties"] = False
    return Draft202012Validator(schema, format_checker=FormatChecker())


def told(*alerts: Alert, **changes: Any) -> Any:
    """The body, checked."""
    content = body(make_message(*alerts, **changes))
    found = json.loads(content)
    strict().validate(found)
    return found


def test_the_schema_is_one_and_of_this_version() -> None:
    """It names the version of the documents, every severity and every kind."""
    Draft202012Validator.check_schema(PUBLISHED)
    definitions = PUBLISHED["$defs"]
    assert definitions["version"]["const"] == DOCUMENT_VERSION
    assert definitions["alert"]["properties"]["severity"]["enum"] == [severity.value for severity in Severity]
    assert {*definitions["alerts"]["properties"]["kind"]["enum"], "alert"} == set(get_args(MessageKind))


async def test_what_arrives_fits_the_schema() -> None:
    """One alert and several, as a receiver gets them."""
    with WebhookReceiver() as receiver:
        await send(webhook_options(receiver.url()))
        await send(webhook_options(receiver.url()), make_alert(), make_alert(published_at=None), kind="digest")
    one, several = (request.json() for request in receiver.requests)
    strict().validate(one)
    strict().validate(several)
    assert (one["type"], several["type"]) == ("alert", "alerts")
    assert (several["data"]["count"], several["data"]["omitted"]) == (2, 0)


@given(st.lists(hostile_alerts(), min_size=1, max_size=5))
def test_no_words_of_a_feed_make_a_body_that_does_not_fit(alerts: list[Alert]) -> None:
    """Whatever a feed says is text in its field."""
    told(*alerts)


def test_a_group_gives_up_excerpts_from_its_end_before_alerts() -> None:
    """Under 20 kB the first ones are whole, the next ones lack their excerpts, and none is missing while that helps."""
    alerts = [make_alert(excerpts=(passage("word " * 200),)) for _ in range(30)]
    found = told(*alerts)["data"]
    assert len(body(make_message(*alerts))) <= LIMIT
    whole = [bool(alert["excerpts"]) for alert in found["alerts"]]
    assert whole == sorted(whole, reverse=True)
    assert 0 < sum(whole) < 30
    assert [alert.get("shortened", False) for alert in found["alerts"]] == [not each for each in whole]
    assert (found["count"], found["omitted"], len(found["alerts"])) == (30, 0, 30)


@pytest.mark.parametrize("count", [100, 500])
def test_a_burst_says_how_many_alerts_are_left_out(count: int) -> None:
    """Nobody takes a part for the whole."""
    alerts = [make_alert(excerpts=(passage("word " * 200),)) for _ in range(count)]
    found = told(*alerts)["data"]
    assert len(body(make_message(*alerts))) <= LIMIT
    assert found["count"] == count == found["omitted"] + len(found["alerts"])
    assert len(found["alerts"]) > 25


def test_an_endless_alert_is_sent_without_its_excerpts() -> None:
    """The headline and the link are what counts."""
    found = told(make_alert(excerpts=(Excerpt(text="x" * 30_000),)))["data"]
    assert found["excerpts"] == []
    assert found["shortened"] is True
