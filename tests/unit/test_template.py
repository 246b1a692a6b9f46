"""Templates of the user's own: what they can say, what they can not do, and how a fault is told."""

from __future__ import annotations

import json
from contextlib import suppress
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.alerts.facts import facts, names, samples, template
from monitor.alerts.template import FILTERS, OUTPUT_LIMIT, SOURCE_LIMIT, Kind, Template, TemplateError
from monitor.model import Excerpt, Message, Severity
from tests.alerts import hostile_messages, make_alert, make_message, passage

DIGEST = """\
{{ heading }}
{% for rule in rules %}
== {{ rule.title }} ({{ rule.count }})
{% for alert in rule.alerts %}
{{ loop.index }}. {{ alert.headline|upper }}{% if alert.author %} by {{ alert.author }}{% endif %}, {{ alert.time }}
{% endfor %}
{% endfor %}
"""


def test_a_template_says_a_digest_in_its_own_words() -> None:
    """Loops, conditions, filters, and times in the reader's own zone."""
    alerts = [
        make_alert(title=Excerpt(text="One"), story="1"),
        make_alert(title=Excerpt(text="Two"), story="2", author=""),
        make_alert(title=Excerpt(text="Three"), story="3", rule="flood", rule_title="Flood", severity=Severity.HIGH),
    ]
    told = template(DIGEST).render(facts(make_message(*alerts, kind="digest"), ZoneInfo("Europe/Berlin")))
    assert told == (
        "Digest of 3 alerts: Flood (1), Assad leaves power (2)\n"
        "== Flood (1)\n"
        "1. THREE by Ada Reporter, 24 Nov 2026, 11:15 CET\n"
        "== Assad leaves power (2)\n"
        "1. ONE by Ada Reporter, 24 Nov 2026, 11:15 CET\n"
        "2. TWO, 24 Nov 2026, 11:15 CET\n"
    )


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ subject }}", "[HIGH] 'Quoted' & bold"),
        ("{{ label }} {{ severity }} {{ count }} {{ kind }}", "HIGH high 1 alert"),
        ("{{ alert.title.text[:8] }}", "'Quoted'"),
        ("{{ alert.marked }}", "He *said* so."),
        ("{{ alert.local_time }}", "2026-11-24T10:15:00+00:00"),
        ("{{ alerts|map(attribute='headline')|join(', ')|truncate(12, true, '…', 0) }}", "'Quoted' & …"),
        ("{{ alert.author|replace('Ada', 'A.')|default('nobody') }}", "A. Reporter"),
        ("{{ alert.nothing|default('none') }}", "none"),
        ("{% set x = alert.feed ~ '/' ~ alert.rule %}{{ x }}", "bbc/assad"),
        ("{{ 'urgent' if severity in ['high', 'critical'] else 'fine' }}", "urgent"),
    ],
)
def test_what_a_template_can_say(source: str, text: str) -> None:
    """Everything a message has is there under a name."""
    alert = make_alert(
        severity=Severity.HIGH, title=Excerpt(text="'Quoted' & bold"), excerpts=(passage("He said so.", "said"),)
    )
    assert template(source).render(facts(make_message(alert))) == text


def test_html_is_escaped_but_for_what_is_html_already() -> None:
    """Words of a feed are words; the mail and each alert as they look without a template can be put in."""
    alert = make_alert(title=Excerpt(text="<script>alert(1)</script>"))
    made = template("<p>{{ alert.headline }}</p>{{ alert.html }}", "html")
    told = made.render(facts(make_message(alert), kind="html"))
    assert told.startswith("<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>")
    assert "<mark" in told
    assert "<script" not in told
    assert "html" not in names("text")


def test_json_needs_tojson() -> None:
    """A quotation mark in a headline is thought of when the template is read, not when it comes."""
    body = '{"text": {{ alert.headline|tojson }}, "links": {{ alerts|map(attribute="link")|list|tojson }}}'
    alert = make_alert(title=Excerpt(text='He said "no" \\ left'))
    told = json.loads(template(body, "json").render(facts(make_message(alert))))
    assert told == {"text": 'He said "no" \\ left', "links": [alert.link]}
    with pytest.raises(TemplateError, match=r"does not come to JSON.*\|tojson"):
        template('{"text": "{{ alert.headline }}"}', "json")


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("{{ hedline }}", r"line 1: there is no 'hedline'; did you mean \"heading\"\? There is: alert, alerts, count,"),
        ("x\n{% if count > 5 %}\n{{ zzz }}{% endif %}", "line 3: there is no 'zzz'. There is: alert"),
        (
            "x\n{{ alert.titel }}",
            r"line 2: there is no 'titel'; did you mean \"title\"\? There is: about, alert_id, also_in,",
        ),
        ("{{ rules[0].alerts[0].excerpts[0].txt }}", r"there is no 'txt'; did you mean \"text\""),
        ("{{ alerts[7].headline }}", "line 1: there is no item 7"),
        ("{{ text|uper }}", "line 1: No filter named 'uper'; the filters are: capitalize, count"),
        ("{{ text|map('uper')|join }}", "No filter named 'uper'"),
        ("{% if count %}", "line 1: .*end"),
        ("{{ text }", "line 1: "),
        ("{{ text.upper() }}", "calls are not available.*x|upper"),
        ("{% for n in range(9) %}{{ n }}{% endfor %}", "calls are not available"),
        ("{{ 'x' * 9 }}", r"\* is not available"),
        ("{% macro m() %}{% endmacro %}x", "macro is not available"),
        ("{% include 'x' %}", "include is not available"),
        ("{% set x %}{{ text }}{% endset %}", "needs a value"),
        ("{% for a in alerts recursive %}{{ a.rule }}{% endfor %}", "'recursive' is not available"),
        ("{{ self }}", "there is no 'self'"),
        ("{{ alert.__class__ }}", "there is no '__class__'"),
        ("{{ _meter }}", "no name begins with an underscore"),
        ("{{ 1 + text }}", "line 1: TypeError"),
        ("{{ '' }} ", "comes to nothing"),
        ("", "comes to nothing"),
        ("x" * (SOURCE_LIMIT + 1), "is longer than 50,000 characters"),
        ("{{" + "(" * 3000 + "1" + ")" * 3000 + "}}", "is nested too deeply"),
        ("{% if 1 %}" * 200 + "x" + "{% endif %}" * 200, "is nested too deeply"),
    ],
)
def test_a_fault_is_found_when_the_template_is_read(source: str, fault: str) -> None:
    """It names the line, the name that there is not, and what there is; also in a branch that is not taken yet."""
    with pytest.raises(TemplateError, match=fault):
        template(source)


@pytest.mark.parametrize(
    "source",
    [
        "{% set x = text %}" + "{% set x = x ~ x %}" * 60 + "{{ x }}",
        "{% set x = text %}" + "{% set x = x + x %}" * 60 + "{{ x }}",
        "{{ text" + "|replace('', text)" * 5 + " }}",
        "{{ text" + "|list|join(text)" * 5 + " }}",
        "{% set x = text|list %}" + "{% for a in x %}" * 15 + "{% endfor %}x",
        "{% for a in text %}" * 12 + "{{ text }}" + "{% endfor %}" * 12,
        "{% for a in text %}" * 6 + "{{ text|sort|join|upper|list|length }}" + "{% endfor %}" * 6,
    ],
)
def test_a_template_ends_whatever_it_says(source: str) -> None:
    """Loops in loops and texts that double are given up, without taking time or memory first."""
    with pytest.raises(TemplateError):
        template(source)


def test_a_template_of_ordinary_size_is_not_bounded() -> None:
    """Two hundred alerts, each handled by many filters, stay well below what is allowed."""
    alerts = [
        make_alert(excerpts=(Excerpt(text="A sentence of a usual length is this one. " * 15),)) for _ in range(200)
    ]
    source = "{% for a in alerts %}" + "{{ a.text|replace('is', 'was')|upper|trim }}" * 5 + "{% endfor %}"
    told = template(source).render(facts(make_message(*alerts)))
    assert 500_000 < len(told) <= OUTPUT_LIMIT


_WORDS = st.sampled_from(
    [
        *(
            "{{",
            "}}",
            "{%",
            "%}",
            "{#",
            "#}",
            "|",
            ".",
            "(",
            ")",
            "[",
            "]",
            "~",
            "+",
            "-",
            "*",
            "'",
            "\n",
            ",",
            "=",
            ":",
        ),
        *(
            "for",
            "in",
            "if",
            "else",
            "endif",
            "endfor",
            "set",
            "x",
            "y",
            "loop",
            "1",
            "99999999",
            "not",
            "is",
            "defined",
        ),
        *(
            "text",
            "alert",
            "alerts",
            "rules",
            "headline",
            "__class__",
            "self",
            "namespace",
            "cycler",
            "import",
            "block",
        ),
        *FILTERS,
    ]
)


@settings(max_examples=300)
@given(st.lists(_WORDS, max_size=25).map(" ".join))
def test_whatever_is_written_is_a_template_or_a_fault(source: str) -> None:
    """No text makes an error of another kind, at load or at send."""
    with suppress(TemplateError):
        template(source).render(facts(samples()[2]))


@pytest.mark.parametrize("kind", ["text", "html", "json"])
def test_every_name_is_there_for_every_message(kind: Kind) -> None:
    """What the samples have, every message has, so what worked at load works at send."""
    whole = facts(samples()[0], kind=kind)
    for message in samples()[1:]:
        told = facts(message, kind=kind)
        assert told.keys() == whole.keys()
        assert all(alert.keys() == whole["alert"].keys() for alert in told["alerts"])


@settings(max_examples=30)
@given(hostile_messages())
def test_no_feed_can_put_a_tag_into_an_html_template(message: Message) -> None:
    """Whatever the words are, only the template's own tags are in what it makes."""
    made = Template(
        '{% for a in alerts %}<p title="{{ a.author }}">{{ a.headline }}{{ a.text }}{{ a.feed_title }}</p>{% endfor %}',
        names=names("html"), kind="html",
    )  # fmt: skip
    told = made.render(facts(message, kind="html"))
    assert told.count("<") == told.count(">") == 2 * len(message.alerts)
    assert told.count('"') == 2 * len(message.alerts)
