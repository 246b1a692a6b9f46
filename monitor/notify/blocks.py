"""A message as Slack's Block Kit, within Slack's limits.

Words of a feed go into `rich_text` and `plain_text` objects, which Slack shows as they are: no mention, link or markup
in them comes to life. The only string that Slack reads as markup is the fallback `text`, and it goes through `escape`.
"""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any

from monitor.alerts import render, several
from monitor.alerts.safe import isolated, isolated_runs, runs, safe_link, shorten, shorten_at_sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from monitor.alerts.safe import Run
    from monitor.alerts.several import Section
    from monitor.model import Alert, Message

Block = dict[str, Any]

HEADLINE_LIMIT = 150
"""Of a header block."""
EXCERPT_LIMIT = 3000
"""Characters of the excerpts of one alert together: what Slack takes in a section."""
MESSAGE_LIMIT = 13_000
"""About what Slack takes in all blocks together, addresses of links included."""
BLOCK_LIMIT = 50
TEXT_LIMIT = 12_000
"""Of a message of the user's own words; Slack would take 40,000, and cut."""
# Of each of several.
_EACH_LIMIT = 500
_LINK_LIMIT = 3000
# What is kept free for the list of headlines, where there is one, and for the note of what is left out.
_LIST_SHARE = 3500
_NOTE_ROOM = 200
_NOTE_BLOCKS = 2


def payload(message: Message, zone: tzinfo = UTC) -> dict[str, Any]:
    """The message as Slack takes it: linked headline, quoted excerpts with bold hits, source and rule."""
    blocks = _single(message, zone) if several.is_alone(message) else _several(message, zone)
    return {"text": escape(several.subject(message)), "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def plain_payload(message: Message, zone: tzinfo = UTC) -> dict[str, Any]:
    """The message without blocks."""
    return text_payload(several.plain(message, zone), EXCERPT_LIMIT)


def text_payload(text: str, limit: int = TEXT_LIMIT) -> dict[str, Any]:
    """A text of one's own, with Slack's markup turned off."""
    told = escape(shorten(text, limit))
    return {"text": told, "mrkdwn": False, "link_names": False, "unfurl_links": False, "unfurl_media": False}


def escape(text: str) -> str:
    """`text` for a string that Slack reads as markup: the three characters that it gives a meaning to, and no others.

    Cut before, never after: half an entity shows as garbage.
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# --------------------------------------------------------------------------------------------------- one, and several


def _single(message: Message, zone: tzinfo) -> list[Block]:
    alert = message.alerts[0]
    blocks = _alert(alert, zone, EXCERPT_LIMIT)
    waited = several.reason(message)
    return [*blocks, _context(waited)] if waited else blocks


def _several(message: Message, zone: tzinfo) -> list[Block]:
    """A header, as many alerts in full as fit, the others as a list of headlines, then how many are left out."""
    full, brief = several.parts(message)
    made = _Room([_header(several.heading(message))])
    if waited := several.reason(message):
        made.add([_context(waited)])
    spare = _LIST_SHARE if brief else _NOTE_ROOM
    told = 0
    for section in several.sections(message, full):
        fitted = _section(made, section, zone, spare)
        told += fitted
        if fitted < len(section.items):
            break
    rest = [*full[told:], *brief]
    listed = _listed(made, several.sections(message, rest))
    if listed < len(rest):
        more = len(rest) - listed
        made.add([_context(f"… and {more} more, which `news-monitor deliveries list` shows.")])
    return made.blocks


def _section(made: _Room, section: Section, zone: tzinfo, spare: int) -> int:
    """Add the alerts of a rule under its title; how many fitted."""
    before: list[Block] = [{"type": "divider"}, _rich(_title(section, section.total))]
    for told, (_number, alert) in enumerate(section.items):
        label = alert.severity != section.severity
        blocks = [*before, *_alert(alert, zone, _EACH_LIMIT, label=label, topic=False)]
        if not made.fits(blocks, spare=spare):
            return told
        made.add(blocks)
        before = []
    return len(section.items)


def _listed(made: _Room, sections: Sequence[Section]) -> int:
    """Add a list of headlines under the title of each rule; how many fitted."""
    told = 0
    lists: list[Block] = []
    for section in sections:
        head = _title(section, len(section.items), more=len(section.items) < section.total)
        items: list[Block] = []
        for _number, alert in section.items:
            headline = _headline(alert, label=alert.severity != section.severity, bold=False)
            item = _element("rich_text_section", [*headline, *_source(alert)])
            if not made.fits([_rich(*lists, head, *items, item)]):
                break
            items.append(item)
        if items:
            lists += [head, {"type": "rich_text_list", "style": "bullet", "elements": items}]
            told += len(items)
        if len(items) < len(section.items):
            break
    if lists:
        made.add([{"type": "divider"}, _rich(*lists)])
    return told


def _title(section: Section, count: int, *, more: bool = False) -> Block:
    """A rule's title with how many there are, its highest severity before it."""
    label = render.label(section.severity)
    title = isolated(shorten(section.title, HEADLINE_LIMIT))
    counted = f"{title}, {count} more" if more else f"{title} ({count})"
    return _element("rich_text_section", [_text(f"{label}  {counted}" if label else counted, bold=True)])


class _Room:
    """Blocks, and whether more would still be taken."""

    def __init__(self, blocks: list[Block]) -> None:
        self.blocks = blocks

    def fits(self, blocks: Sequence[Block], *, spare: int = _NOTE_ROOM) -> bool:
        """Whether `spare` characters, and a list with a note, would still have room after these."""
        count = len(self.blocks) + len(blocks) + _NOTE_BLOCKS
        return count <= BLOCK_LIMIT and _length([*self.blocks, *blocks]) + spare <= MESSAGE_LIMIT

    def add(self, blocks: Iterable[Block]) -> None:
        self.blocks.extend(blocks)


def _length(part: Any) -> int:
    """Characters of all texts and addresses in it."""
    match part:
        case dict():
            own = sum(len(part[key]) for key in ("text", "url") if isinstance(part.get(key), str))
            return own + sum(_length(inner) for inner in part.values() if isinstance(inner, (dict, list)))
        case list():
            return sum(map(_length, part))
        case _:
            return 0


# ------------------------------------------------------------------------------------------------------------- pieces


def _alert(alert: Alert, zone: tzinfo, limit: int, *, label: bool = True, topic: bool = True) -> list[Block]:
    excerpts = tuple(_paragraphs(alert, limit))
    parts = [_element("rich_text_section", _headline(alert, label=label))]
    if note := render.note(alert):
        parts.append(_element("rich_text_section", [_text(isolated(note))]))
    if excerpts:
        # What the service says of itself is no quotation.
        kind = "rich_text_section" if alert.kind == "ops" else "rich_text_quote"
        parts.append(_element(kind, [_text(text, bold=bold) for text, bold in excerpts]))
    facts = list(render.facts(alert, zone))
    if topic:
        facts.insert(0 if alert.kind == "ops" else 2, _topic(alert))
    return [_rich(*parts), _context(" · ".join(map(isolated, facts)))]


def _topic(alert: Alert) -> str:
    return render.topic(alert) if alert.kind == "ops" else f"Rule: {render.topic(alert)}"


def _source(alert: Alert) -> list[Block]:
    feed = shorten(render.facts(alert)[0], 60)
    return [_text(f"  {isolated(feed)}")] if alert.kind != "ops" and feed else []


def _headline(alert: Alert, *, label: bool, bold: bool = True) -> list[Block]:
    title = isolated(shorten(render.joined(render.headline(alert)), HEADLINE_LIMIT - 2))
    link = safe_link(alert.link)
    severity = render.severity_label(alert) if label else ""
    before = [_text(f"{severity}  ", bold=True)] if severity else []
    if link and len(link) <= _LINK_LIMIT:
        return [*before, {"type": "link", "url": link, "text": title, **({"style": {"bold": True}} if bold else {})}]
    return [*before, _text(title, bold=bold)]


def _paragraphs(alert: Alert, limit: int) -> Iterator[Run]:
    """The excerpts, an empty line between those of an article; over the limit they are cut at the end of a sentence."""
    left = limit
    for number, excerpt in enumerate(alert.excerpts):
        around = 2 + 2 * (number > 0)  # isolates, and the line ends before
        if left <= around:
            return
        pieces = shorten_at_sentence(runs(excerpt), left - around)
        left -= around + sum(len(text) for text, _ in pieces)
        if number:
            yield "\n" if alert.kind == "ops" else "\n\n", False
        yield from isolated_runs(pieces)


def _header(text: str) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": shorten(text, HEADLINE_LIMIT), "emoji": False}}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "plain_text", "text": text, "emoji": False}]}


def _rich(*elements: Block) -> Block:
    return {"type": "rich_text", "elements": list(elements)}


def _element(kind: str, elements: list[Block]) -> Block:
    return {"type": kind, "elements": elements}


def _text(text: str, *, bold: bool = False) -> Block:
    return {"type": "text", "text": text, "style": {"bold": True}} if bold else {"type": "text", "text": text}
