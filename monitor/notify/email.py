"""`type = "email"`: multipart mail through an SMTP server."""

from __future__ import annotations

import asyncio
import re
import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import aiosmtplib
from pydantic import AfterValidator, Field, FilePath, SecretStr, model_validator

from monitor.alerts.safe import clean_header
from monitor.model import ChannelBroken, Refused, Sent, TryLater
from monitor.notify.base import FROM_FILE, HtmlTemplate, ReaderOptions, TextTemplate, Wording
from monitor.notify.detail import detail, is_tls_failure, reason
from monitor.notify.mail import compose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.model import Message, MessageId, SendResult

IDLE = 10.0
"""Seconds a connection is kept for the next message: a burst logs in once."""

MOST_RECIPIENTS = 100
"""Of one mail: what every server has to take (RFC 5321 §4.5.3.1.8)."""
BUSY_TRIES = 3
"""How often a mail is tried for a recipient who is busy while others have it: within half an hour, by the schedule."""

# Mails that are remembered; a copy more is the worst that forgetting one does.
_MOST_PROGRESS = 1000

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
        max_length=MOST_RECIPIENTS,
        description='Who gets it, one to 100; everyone sees all of them. Example: ["desk@example.org"].',
    )
    subject: TextTemplate | None = Field(
        None, json_schema_extra=FROM_FILE, description="A template for the subject; one line, 200 characters at most."
    )
    body: TextTemplate | None = Field(
        None,
        json_schema_extra=FROM_FILE,
        description="A template for the plain text. Without `html_body` the mail then has no HTML.",
    )
    html_body: HtmlTemplate | None = Field(
        None,
        json_schema_extra=FROM_FILE,
        description="A template for the HTML, a whole document; text is escaped. Without `body` the plain text is as "
        "usual.",
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


@dataclass(slots=True)
class _Progress:
    """A mail that some of its recipients have, while others were busy."""

    taken: set[str] = field(default_factory=set)
    refused: dict[str, tuple[int, str]] = field(default_factory=dict)
    tries: int = 0


class EmailNotifier:
    """Sends through one account, one message at a time; a message has the same `Message-ID` on every attempt.

    Who has a mail already, while another recipient was busy, is kept in memory only: after a restart in between
    everyone gets it, and the mailboxes of those who have it can tell by its id.
    """

    def __init__(self, options: EmailOptions) -> None:
        self._options = options
        self._sender = mailbox(options.sender)
        self._to = [mailbox(text) for text in options.to]
        self._secrets = [options.password.get_secret_value()] if options.password else []
        self._wording = Wording(
            options.zone,
            subject=("text", options.subject),
            body=("text", options.body),
            html_body=("html", options.html_body),
        )
        self._progress: dict[MessageId, _Progress] = {}
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
        words = self._wording.words(message)
        zone = self._options.zone
        content = compose(message, sender=self._sender, to=self._to, zone=zone, words=words).as_bytes()
        async with self._lock:
            return words.warned(await self._send(message, content))

    async def _send(self, message: Message, content: bytes) -> SendResult:
        seconds = self._options.timeout.total_seconds()
        progress = self._progress.get(message.id, _Progress())
        done = {*progress.taken, *progress.refused}
        addresses = [address.addr_spec for address in self._to if address.addr_spec not in done]
        if self._idle is not None:
            self._idle.cancel()
        try:
            async with asyncio.timeout(seconds):
                await self._connect()
                answers, answer = await self._client.sendmail(self._sender.addr_spec, addresses, content)
            refused = {address: (code, said) for address, (code, said) in answers.items()}
        except TimeoutError:
            self._client.close()
            return TryLater(detail=self._said(f"did not answer within {seconds:g} s"))
        except aiosmtplib.SMTPRecipientsRefused as error:
            self._client.close()
            if not progress.taken:
                return self._verdict(error)
            refused, answer = _answers(error), ""
        except (aiosmtplib.SMTPException, OSError) as error:
            self._client.close()
            return self._verdict(error)
        self._idle = asyncio.get_running_loop().call_later(IDLE, self._client.close)
        progress.taken.update(address for address in addresses if address not in refused)
        return self._settled(message, progress, refused, answer)

    def _settled(
        self, message: Message, progress: _Progress, refused: Mapping[str, tuple[int, str]], answer: str
    ) -> SendResult:
        """Some recipients have it now: those who were only busy get it later, without a copy for the others."""
        progress.tries += 1
        progress.refused |= {address: said for address, said in refused.items() if said[0] >= 500}
        busy = {address: said for address, said in refused.items() if said[0] < 500}
        if busy and progress.tries < BUSY_TRIES:
            self._progress[message.id] = progress
            while len(self._progress) > _MOST_PROGRESS:
                del self._progress[next(iter(self._progress))]
            return TryLater(detail=self._said(f"{_refusals(busy)}; the others have it"))
        self._progress.pop(message.id, None)
        left = _refusals(progress.refused | busy)
        told = "; ".join(filter(None, [answer, left]))
        return Sent(detail=self._said(told), warning=self._said(left) if left else "")

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
            case aiosmtplib.SMTPRecipientsRefused():
                answers = _answers(error)
                worst = min((code for code, _message in answers.values()), key=_hope)
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


def _hope(code: int) -> tuple[bool, bool]:
    """Order of answers by how much they leave open: a 4xx first, then trouble with the account, then the rest."""
    return code >= 500, code not in _ACCOUNT


def _by_code(code: int, said: str) -> SendResult:
    if code in _ACCOUNT:
        return ChannelBroken(detail=said)
    return Refused(detail=said) if code >= 500 else TryLater(detail=said)


def _answers(error: aiosmtplib.SMTPRecipientsRefused) -> dict[str, tuple[int, str]]:
    return {refusal.recipient: (refusal.code, refusal.message) for refusal in error.recipients}


def _refusals(answers: Mapping[str, tuple[int, str]]) -> str:
    return "; ".join(f"refused {address}: {code} {message}" for address, (code, message) in answers.items())
