"""A message as a mail: headers, plain text, HTML."""

from __future__ import annotations

import re
from datetime import UTC, tzinfo
from email.header import Header
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from monitor.alerts import several
from monitor.alerts.html import html
from monitor.alerts.safe import clean_header

if TYPE_CHECKING:
    from collections.abc import Sequence
    from email.headerregistry import Address

    from monitor.model import Message
    from monitor.notify.base import Words


class _Policy(EmailPolicy):
    """`email.policy.SMTP` with subjects that arrive as they were.

    The library's own folding can lose or add a space, and it takes a title that looks like an encoded word, such as
    "=?utf-8?…?=", for one. So a subject is not parsed; plain ASCII stays one line (RFC 5322 §2.1.1 allows 998
    characters), anything else is encoded as a whole.
    """

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        return (name, value) if name.lower() == "subject" else super().header_store_parse(name, value)

    def fold(self, name: str, value: str) -> str:
        if name.lower() != "subject":
            folded: str = super().fold(name, value)
            return folded
        if not value.isascii() or "=?" in value:
            value = Header(value, "utf-8", header_name=name).encode(linesep=self.linesep)
        return f"{name}: {value}{self.linesep}"

    def fold_binary(self, name: str, value: str) -> bytes:
        return self.fold(name, value).encode("ascii")


# 7bit: the library would write non-ASCII bodies as 8bit, which a server may refuse.
_POLICY = _Policy(linesep="\r\n", cte_type="7bit")


def compose(
    message: Message, *, sender: Address, to: Sequence[Address], zone: tzinfo = UTC, words: Words | None = None
) -> EmailMessage:
    """The mail of a message, the same on every attempt.

    Auto-Submitted is RFC 3834 §5, List-Id RFC 2919; with X-Auto-Response-Suppress they keep "out of office" away. All
    mails about a story refer to one id, which no mail has (RFC 5322 §3.6.4 allows that), so they are one thread.

    `words` may have a subject, a text and an HTML of the user's own; with a text and no HTML the mail has none.
    """
    first = message.alerts[0]
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = sender
    mail["To"] = to
    mail["Subject"] = clean_header(_own(words, "subject") or "") or several.subject(message)
    mail["Date"] = format_datetime(message.created_at)
    mail["Message-ID"] = f"<{message.id}@{sender.domain}>"
    stories = {alert.story for alert in message.alerts}
    if len(stories) == 1 and first.story:
        mail["References"] = mail["In-Reply-To"] = f"<story.{first.story}@{sender.domain}>"
    mail["List-Id"] = f"<{_list_label(message)}.news-monitor.{sender.domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    if message.kind == "digest":
        mail["Precedence"] = "bulk"
    body, html_body = _own(words, "body"), _own(words, "html_body")
    mail.set_content(several.plain(message, zone) if body is None else body)
    if body is None or html_body is not None:
        mail.add_alternative(html(message, zone) if html_body is None else html_body, subtype="html")
        mail.set_boundary(f"=_{message.id}")
    return mail


def _own(words: Words | None, key: str) -> str | None:
    return words.say(key) if words is not None else None


def _list_label(message: Message) -> str:
    """The rule's name, or what else the message is, as one part of a domain name, for mail filters."""
    rules = {alert.rule for alert in message.alerts}
    name = rules.pop() if len(rules) == 1 else message.kind
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63] or "rule"
