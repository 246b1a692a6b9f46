"""`type = "email"`: multipart mail through an SMTP server."""

from __future__ import annotations

import asyncio
import re
import ssl
from datetime import UTC, timedelta, tzinfo
from email.errors import MessageError
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import aiosmtplib
from pydantic import AfterValidator, Field, FilePath, SecretStr, model_validator

from monitor.alerts import several
from monitor.alerts.html import html
from monitor.alerts.safe import clean_header
from monitor.model import ChannelBroken, Refused, Sent, TryLater
from monitor.notify.base import ReaderOptions
from monitor.notify.detail import detail, is_tls_failure, reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.model import Message, SendResult

IDLE = 10.0
"""Seconds a connection is kept for the next message: a burst logs in once."""

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NAMED = re.compile(r'\s*(?P<name>"[^"]*"|[^<>"]*?)\s*<(?P<address>[^<>]*)>\s*')

_ACCOUNT = {530, 534, 535, 538}


def _is_mailbox(text: str) -> str:
    mailbox(text)
    return text


def mailbox(text: str) -> Address:
    """ "news@example.org" or "News desk <news@example.org>" as an address.

    Raises:
        ValueError: With what is wrong and what would be right.
    """
    named = _NAMED.fullmatch(text)
    name, address = (named["name"].strip('"'), named["address"]) if named else ("", text.strip())
    local, at, domain = address.rpartition("@")
    if not (local and at and domain):
        raise ValueError(f"{text!r} is not an address such as news@example.org or News desk <news@example.org>")
    if not domain.isascii():
        raise ValueError(f"{address!r}: write the domain in its ASCII form{_punycode(domain)}")
    if not local.isascii():
        raise ValueError(f"{address!r}: an address with letters outside ASCII before the @ is not supported")
    if not _DOMAIN.fullmatch(domain):
        raise ValueError(f"{address!r}: {domain!r} is not a domain")
    if name != clean_header(name):
        raise ValueError(f"{text!r}: the name must be on one line, without control characters")
    try:
        return Address(display_name=name, addr_spec=address)
    except (ValueError, IndexError, MessageError):
        raise ValueError(f"{text!r} is not an address such as news@example.org") from None


def _punycode(domain: str) -> str:
    try:
        return f": {domain.encode('idna').decode()}"
    except UnicodeError:
        return ", the one that starts with xn--"


Mailbox = Annotated[str, AfterValidator(_is_mailbox)]


class EmailOptions(ReaderOptions):
    """Mails each alert, as HTML and as plain text, through your SMTP server."""

    type: Literal["email"] = Field("email", description='"email".')
    host: str = Field(min_length=1, description='The SMTP server. Example: "smtp.example.org".')
    port: int | None = Field(
        None, ge=1, le=65535, description="Its port; without it 587 for starttls, 465 for tls, 25 for none."
    )
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description='"starttls": begin in the clear and insist on TLS before anything is said (port 587); "tls": TLS '
        'from the first byte (port 465); "none": no encryption, for a server on the same machine or network.',
    )
    ca_file: FilePath | None = Field(
        None,
        description="A PEM file with the authority that signed the server's certificate, where it is none that the "
        'machine knows. Example: "/etc/ssl/company-ca.pem".',
    )
    username: str | None = Field(None, min_length=1, description="The account; without it there is no login.")
    password: SecretStr | None = Field(None, description="The account's password, often an app password.")
    sender: Mailbox = Field(
        alias="from", description='Who the mail is from. Example: "News monitor <news@example.org>".'
    )
    to: tuple[Mailbox, ...] = Field(
        min_length=1,
        description='Who gets it, at least one; everyone sees all of them. Example: ["desk@example.org"].',
    )
    timeout: timedelta = Field(
        timedelta(seconds=30),
        gt=timedelta(0),
        le=timedelta(minutes=2),
        description='The most one mail may take, login included. Example: "30s".',
    )

    @model_validator(mode="after")
    def _is_a_usable_account(self) -> EmailOptions:
        if (self.username is None) != (self.password is None):
            missing = "password" if self.password is None else "username"
            raise ValueError(f"username and password go together: {missing} is missing")
        if self.password is not None and self.security == "none" and self.host not in _LOOPBACK:
            raise ValueError('security = "none" would send the password in the clear: use "starttls" or "tls"')
        if self.ca_file is not None:
            _tls_context(self.ca_file)
        return self


def _tls_context(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (ssl.SSLError, OSError) as error:
            raise ValueError(f"ca_file: no certificate in PEM form can be read from {ca_file}") from error
    return context


class EmailNotifier:
    """Sends through one account, one message at a time; a message has the same `Message-ID` on every attempt."""

    def __init__(self, options: EmailOptions) -> None:
        self._options = options
        self._sender = mailbox(options.sender)
        self._to = [mailbox(text) for text in options.to]
        self._secrets = [options.password.get_secret_value()] if options.password else []
        self._lock = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None
        self._client = aiosmtplib.SMTP(
            hostname=options.host,
            port=options.port or _PORTS[options.security],
            use_tls=options.security == "tls",
            start_tls=options.security == "starttls",
            username=options.username,
            password=options.password.get_secret_value() if options.password else None,
            tls_context=_tls_context(options.ca_file) if options.security != "none" else None,
            timeout=options.timeout.total_seconds(),
        )

    async def send(self, message: Message) -> SendResult:
        content = compose(message, sender=self._sender, to=self._to, zone=self._options.zone).as_bytes()
        seconds = self._options.timeout.total_seconds()
        async with self._lock:
            if self._idle is not None:
                self._idle.cancel()
            try:
                async with asyncio.timeout(seconds):
                    await self._connect()
                    addresses = [address.addr_spec for address in self._to]
                    refused, answer = await self._client.sendmail(self._sender.addr_spec, addresses, content)
            except TimeoutError:
                self._client.close()
                return TryLater(detail=self._said(f"did not answer within {seconds:g} s"))
            except (aiosmtplib.SMTPException, OSError) as error:
                self._client.close()
                return self._verdict(error)
            self._idle = asyncio.get_running_loop().call_later(IDLE, self._client.close)
        warning = self._said(_refusals(refused)) if refused else ""
        return Sent(detail=self._said(_told(answer, refused)), warning=warning)

    async def close(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._client.close()

    async def _connect(self) -> None:
        """Be connected and logged in; a kept connection is asked first whether it still lives."""
        if self._client.is_connected:
            try:
                await self._client.noop()
            except (aiosmtplib.SMTPException, OSError):
                self._client.close()
        if not self._client.is_connected:
            await self._client.connect()

    def _said(self, text: str) -> str:
        return detail(f"{self._options.host}: {text}", secrets=self._secrets)

    def _verdict(self, error: aiosmtplib.SMTPException | OSError) -> SendResult:
        if is_tls_failure(error):
            return ChannelBroken(detail=self._said(reason(error)))
        match error:
            case aiosmtplib.SMTPRecipientsRefused(recipients=refusals):
                answers = {refusal.recipient: (refusal.code, refusal.message) for refusal in refusals}
                worst = min((refusal.code for refusal in refusals), key=_hope)
                said = self._said(_refusals(answers))
                # Nobody has seen the message yet: the addresses are wrong, and whoever mends them wants the mail.
                return ChannelBroken(detail=said) if worst >= 500 else TryLater(detail=said)
            case aiosmtplib.SMTPSenderRefused(code=code, message=message):
                said = self._said(f"refused the sender: {code} {message}")
                return ChannelBroken(detail=said) if 500 <= code != 552 else _by_code(code, said)
            case aiosmtplib.SMTPDataError(code=code, message=message):
                return _by_code(code, self._said(f"{code} {message}"))
            case aiosmtplib.SMTPResponseException(code=code, message=message):
                said = self._said(f"{code} {message}")
                return ChannelBroken(detail=said) if code >= 500 else TryLater(detail=said)
            case ConnectionError() | TimeoutError():
                return TryLater(detail=self._said(reason(error)))
            case aiosmtplib.SMTPException(message=message):
                # No STARTTLS, no AUTH, no method in common: the server is not what the options say.
                return ChannelBroken(detail=self._said(f"{message} (see the channel's security, port and username)"))
            case _:
                return TryLater(detail=self._said(reason(error)))


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


def compose(message: Message, *, sender: Address, to: Sequence[Address], zone: tzinfo = UTC) -> EmailMessage:
    """The mail of a message, the same on every attempt.

    Auto-Submitted is RFC 3834 §5, List-Id RFC 2919; with X-Auto-Response-Suppress they keep "out of office" away. All
    mails about a story refer to one id, which no mail has (RFC 5322 §3.6.4 allows that), so they are one thread.
    """
    first = message.alerts[0]
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = sender
    mail["To"] = to
    mail["Subject"] = several.subject(message)
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
    mail.set_content(several.plain(message, zone))
    mail.add_alternative(html(message, zone), subtype="html")
    mail.set_boundary(f"=_{message.id}")
    return mail


def _list_label(message: Message) -> str:
    """The rule's name, or what else the message is, as one part of a domain name, for mail filters."""
    rules = {alert.rule for alert in message.alerts}
    name = rules.pop() if len(rules) == 1 else message.kind
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63] or "rule"


def _hope(code: int) -> tuple[bool, bool]:
    """Order of answers by how much they leave open: a 4xx first, then trouble with the account, then the rest."""
    return code >= 500, code not in _ACCOUNT


def _by_code(code: int, said: str) -> SendResult:
    if code in _ACCOUNT:
        return ChannelBroken(detail=said)
    return Refused(detail=said) if code >= 500 else TryLater(detail=said)


def _refusals(answers: Mapping[str, tuple[int, str]]) -> str:
    return "; ".join(f"refused {address}: {code} {message}" for address, (code, message) in answers.items())


def _told(answer: str, refused: Mapping[str, tuple[int, str]]) -> str:
    """After at least one recipient was taken there is no second attempt: it would be a copy for those who have it."""
    return f"{answer}; {_refusals(refused)}" if refused else answer
