"""Writes the mails and Slack messages of the pictures in the README as HTML pages, to be opened or photographed.

    python docs/images/render.py FOLDER

The alerts are what the shipped rules find in the bundled feeds. The mails are those that are sent. A Slack page is made
from the payload that is sent and from nothing else, in the manner of Slack's own client.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))

from monitor.alerts.excerpt import excerpts, mark_title  # noqa: E402
from monitor.alerts.html import html  # noqa: E402
from monitor.alerts.ops import ops_alert  # noqa: E402
from monitor.fetch.sample import SAMPLE_NAMES, sample_feed  # noqa: E402
from monitor.model import Alert, AlertId, Document, Excerpt, Message, MessageId, Severity  # noqa: E402
from monitor.notify.blocks import payload  # noqa: E402
from monitor.parse.document import parse_document  # noqa: E402
from monitor.rules.book import load_folder  # noqa: E402
from monitor.rules.engine import RuleSet  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.model import Match

START = datetime(2026, 11, 23, 10, 15, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")


def sample_alerts() -> tuple[Alert, ...]:
    """What the shipped rules find in the bundled feeds, oldest first."""
    rules = RuleSet.build(load_folder(REPOSITORY / "rules")[0])
    found = [
        _alert(match, document.title, start)
        for name, start in ((name, START - timedelta(hours=3 * day)) for day, name in enumerate(SAMPLE_NAMES))
        for document in [_document(name, start)]
        for entry in document.entries
        for match in rules.match(entry, feed_name=name, feed_tags=(), now=START)
    ]
    return tuple(sorted(found, key=lambda alert: alert.seen_at))


def _document(name: str, start: datetime) -> Document:
    body = sample_feed(started_at=start, now=start + timedelta(days=1), name=name)
    document = parse_document(body, content_type="application/rss+xml", url="https://example.com/", now=START)
    assert isinstance(document, Document)
    return document


def _alert(match: Match, feed_title: str, start: datetime) -> Alert:
    entry = match.entry
    return Alert(
        id=AlertId(f"{match.rule} {entry.key}"),
        rule=match.rule,
        rule_title=match.title,
        severity=match.severity,
        feed="sample",
        feed_title=feed_title,
        title=mark_title(entry, match.hits),
        excerpts=excerpts(entry, match.hits, focus=match.focus),
        link=entry.link,
        author=entry.author,
        published_at=entry.published_at,
        seen_at=entry.published_at or start,
        story=entry.key,
    )


def _passage(text: str, *hits: str) -> Excerpt:
    return Excerpt(text=text, marks=tuple(sorted((text.index(hit), text.index(hit) + len(hit)) for hit in hits)))


def _foreign(base: Alert) -> Iterator[Alert]:
    """The same news in Arabic, Hebrew, Chinese and Japanese, one with words that never end and one without a title."""
    yield replace(
        base,
        feed_title="الجزيرة",
        author="مراسل الشؤون الدولية",
        title=_passage("الرئيس الأسد يوافق على التنحي بعد التصويت (2026)", "الأسد", "التنحي"),
        excerpts=(_passage("قال الرئيس الأسد إنه سيترك منصبه في نهاية الشهر، كما أعلن في Saint Orlan.", "الأسد"),),
    )  # fmt: skip
    yield replace(
        base,
        feed_title="新华网",
        author="",
        title=_passage("阿萨德总统同意在不信任投票后下台", "阿萨德", "下台"),
        excerpts=(
            _passage("议会议长周一表示，马雷尼亚总统哈利姆·阿萨德将于本月底下台。议会夜间撤回信任。", "下台"),
            _passage("「私は良心に恥じることなく職を去る」とアサド大統領は宮殿の外で記者団に語った。", "アサド"),
        ),
    )  # fmt: skip
    yield replace(
        base,
        title=Excerpt(text=""),
        author="",
        feed_title="Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz" * 2,
        excerpts=(_passage(f"Assad: https://example.org/{'very-long-path/' * 12}end " + "W" * 140, "Assad"),),
        link="https://a-very-long-host-name.with-many-labels.and-more-of-them.example.org/path",
    )


def _message(*alerts: Alert, kind: Any = "", reason: str = "") -> Message:
    kind = kind or ("alert" if len(alerts) == 1 else "group")
    return Message(id=MessageId("sample"), kind=kind, alerts=alerts, reason=reason, created_at=START)


def messages() -> dict[str, Message]:
    """Every kind of message, by the name of its page."""
    alerts = sample_alerts()
    first = next(alert for alert in alerts if "Marenia's President" in alert.title.text)
    distinct = alerts[:12]
    many = [replace(alerts[n % len(alerts)], id=AlertId(f"{n}"), story=f"{n}") for n in range(40)]
    broken = ops_alert(
        "channel-broken", title="The channel desk is broken",
        text=("smtp.example.org: 535 5.7.8 Authentication credentials invalid",
              "Its messages are kept, and go out when it works again.",
              "Mend its settings and reload, or run: news-monitor channels resume desk"), now=START,
    )  # fmt: skip
    failing = ops_alert(
        "feed-failing", title="The feed bbc-world is failing", feed="bbc-world", now=START,
        text=("HTTP 503 Service Unavailable", "It has failed 5 times in a row, and worked last at 23 Nov 09:15 UTC."),
    )  # fmt: skip
    return {
        "single": _message(first),
        "critical": _message(replace(first, severity=Severity.CRITICAL), reason="quiet hours until Mon 07:00 UTC"),
        "plain": _message(next(alert for alert in alerts if alert.severity is Severity.NORMAL)),
        "bare": _message(replace(first, excerpts=(), link="", author="", published_at=None, severity=Severity.LOW)),
        "group": _message(*alerts[:2], reason="others of its group, until Mon 23 Nov 10:15:30 Europe/London"),
        "digest": _message(*distinct, kind="digest", reason="digest of Tue 24 Nov 07:30 Europe/London"),
        "burst": _message(*many, reason="more than 5 messages came within 60 s"),
        "morning": _message(
            first,
            *(alert for alert in alerts if alert.rule == "earthquake" and "Aftershocks" not in alert.title.text),
            kind="held",
            reason="quiet hours until Tue 24 Nov 07:00 Europe/London",
        ),
        "ops": _message(broken),
        "ops-several": _message(broken, failing, replace(failing, severity=Severity.NORMAL)),
        "foreign": _message(*_foreign(first), kind="held", reason="silence 3 by ann: maintenance, until 12:00 UTC"),
        "arabic": _message(next(_foreign(first))),
        "words": _message(tuple(_foreign(first))[2]),
    }  # fmt: skip


# --------------------------------------------------------------------------------------- Slack's client, more or less


def slack_page(message: Message) -> str:
    """The payload as Slack shows it."""
    shown = "".join(_block(block) for block in payload(message, LONDON)["blocks"])
    return _SLACK_PAGE.replace("{blocks}", shown)


def _block(block: dict[str, Any]) -> str:
    match block["type"]:
        case "header":
            return f"<h3>{_plain(block['text'])}</h3>"
        case "divider":
            return "<hr>"
        case "context":
            return f'<div class="context">{" ".join(map(_plain, block["elements"]))}</div>'
        case "rich_text":
            return f'<div class="rich">{"".join(map(_rich, block["elements"]))}</div>'
        case other:
            raise ValueError(f"no picture of a block of type {other!r} yet")


def _plain(text: dict[str, Any]) -> str:
    assert text["type"] == "plain_text"
    return f"<span>{escape(text['text'])}</span>"


def _rich(element: dict[str, Any]) -> str:
    match element["type"]:
        case "rich_text_section":
            return f"<div>{''.join(map(_inline, element['elements']))}</div>"
        case "rich_text_quote":
            return f"<blockquote>{''.join(map(_inline, element['elements']))}</blockquote>"
        case "rich_text_list":
            return f"<ul>{''.join(f'<li>{_rich(item)}</li>' for item in element['elements'])}</ul>"
        case other:
            raise ValueError(f"no picture of {other!r} yet")


def _inline(piece: dict[str, Any]) -> str:
    text = escape(piece["text"])
    for style, tag in (("bold", "b"), ("italic", "i"), ("code", "code")):
        if piece.get("style", {}).get(style):
            text = f"<{tag}>{text}</{tag}>"
    return f'<a href="{escape(piece["url"])}">{text}</a>' if piece["type"] == "link" else text


_SLACK_PAGE = """\
<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<style>
  body { margin: 0; padding: 16px 20px 20px; background: #fff; color: #1d1c1d;
         font: 15px/1.46668 Lato, "Liberation Sans", Arial, "Noto Sans CJK SC", sans-serif; }
  .message { display: flex; gap: 8px; max-width: 680px; }
  .icon { flex: 0 0 36px; height: 36px; border-radius: 6px; background: #1f4e8c; color: #fff; font-weight: 700;
          text-align: center; line-height: 36px; }
  .name { font-weight: 900; } .app { background: #e8e8e8; color: #616061; font-size: 10px; font-weight: 700;
          border-radius: 2px; padding: 1px 3px; margin: 0 4px; vertical-align: 2px; }
  .at { color: #616061; font-size: 12px; }
  .body { min-width: 0; overflow-wrap: anywhere; }
  h3 { font-size: 18px; line-height: 1.33334; margin: 8px 0 4px; }
  .rich, blockquote, .rich div { white-space: pre-wrap; unicode-bidi: plaintext; }
  .rich { margin: 8px 0 4px; }
  blockquote { margin: 4px 0; padding-left: 16px; position: relative; }
  blockquote::before { content: ""; position: absolute; left: 0; top: 0; bottom: 0; width: 4px; border-radius: 8px;
          background: #ddd; }
  .context { color: #616061; font-size: 13px; line-height: 1.38463; margin: 4px 0 8px; unicode-bidi: plaintext; }
  hr { border: 0; border-top: 1px solid #ddd; margin: 16px 0; } ul { margin: 4px 0; padding-left: 26px; }
  a { color: #1264a3; text-decoration: none; }
  @media (prefers-color-scheme: dark) { body { background: #1a1d21; color: #d1d2d3; } .context, .at { color: #ababad; }
    .app { background: #35373b; color: #ababad; } a { color: #1d9bd1; } hr { border-color: #35373b; }
    blockquote::before { background: #797c80; } }
</style>
<div class="message"><div class="icon">N</div><div class="body">
<div><span class="name">News monitor</span><span class="app">APP</span><span class="at">10:15</span></div>
{blocks}</div></div>
"""


def main() -> None:
    """Write all pages."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, message in messages().items():
        (folder / f"mail-{name}.html").write_text(html(message, LONDON), encoding="utf-8")
        (folder / f"slack-{name}.html").write_text(slack_page(message), encoding="utf-8")


if __name__ == "__main__":
    main()
