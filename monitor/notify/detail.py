"""What a receiver or the network said, in a line that may be stored, logged and shown."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from monitor.alerts.safe import clean_header

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

REDACTED = "[secret]"


def detail(text: str, *, secrets: Collection[str] = (), limit: int = 300) -> str:
    """`text` on one line of at most `limit` characters, without any of `secrets`.

    The longest secret is taken out first, so a URL goes as a whole before its parts do.
    """
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    return clean_header(text, limit)


def reason(error: BaseException) -> str:
    """Why a connection failed, in the words of the system or of TLS; never holds a URL."""
    for cause in _causes(error):
        match cause:
            case ssl.SSLCertVerificationError(verify_message=message):
                return f"the certificate is not trusted: {message}"
            case ssl.SSLError(reason=code):
                return f"no TLS connection: {code or 'handshake failed'}"
            case ConnectionRefusedError():
                return "refuses connections; is it running, and is this its port?"
            case OSError(strerror=str(message)) if message:
                return message
            case _:
                continue
    several = [cause for cause in _causes(error) if type(cause) is OSError]  # asyncio's sum of several addresses
    return str(several[0]) if several else "the connection was lost"


def is_tls_failure(error: BaseException) -> bool:
    """True when TLS said no (a certificate, a server that speaks no TLS), not when the connection broke under it."""
    return any(isinstance(cause, ssl.SSLError) and not isinstance(cause, _BROKEN_TLS) for cause in _causes(error))


_BROKEN_TLS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """`error` and what it came from; of a group, whatever its first member came from."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        first = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else None
        error = first or error.__cause__ or error.__context__
