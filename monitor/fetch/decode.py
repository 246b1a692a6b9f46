"""Content-Encoding, undone in small steps: a body of any kind costs at most its two caps in memory."""

from __future__ import annotations

import zlib

from monitor.model import FetchProblem

_STEP = 64 * 1024
_GZIP_MAGIC = b"\x1f\x8b"


class BodyError(Exception):
    """A body that cannot be taken; never leaves `monitor.fetch`."""

    def __init__(self, problem: FetchProblem, detail: str) -> None:
        self.problem = problem
        self.detail = detail
        super().__init__(detail)


class BodyDecoder:
    """Takes the chunks of a response as they came and gives the body.

    Args:
        encoding: The Content-Encoding header: gzip, deflate, or none. A body in more than one coding is refused.
        max_compressed: Bytes taken.
        max_decoded: Bytes given.

    Raises:
        BodyError: From every method; the decoder is of no use afterwards.
    """

    def __init__(self, encoding: str, *, max_compressed: int, max_decoded: int) -> None:
        self._coding = encoding.strip().lower().removeprefix("x-")
        if self._coding not in ("", "identity", "gzip", "deflate"):
            raise BodyError(
                FetchProblem.PROTOCOL, f"came in the Content-Encoding {encoding!a:.60}, which was not asked for"
            )
        self._max_compressed = max_compressed
        self._max_decoded = max_decoded
        self._taken = 0
        self._given = 0
        self._chunks: list[bytes] = []
        self._member: zlib._Decompress | None = None  # the part of the stream being decompressed; gzip may have several
        self._members = 0
        self._start = b""  # too few bytes to tell how a member begins

    @property
    def taken(self) -> int:
        """Bytes received so far."""
        return self._taken

    def feed(self, chunk: bytes) -> None:
        """Take the next chunk."""
        self._taken += len(chunk)
        if self._taken > self._max_compressed:
            raise too_large(self._max_compressed)
        if self._coding in ("", "identity"):
            self._give(chunk)
            return
        try:
            self._decompress(chunk)
        except zlib.error:
            raise BodyError(
                FetchProblem.PROTOCOL, f"sent a body that is not {self._coding}, though it says so"
            ) from None

    def finish(self) -> bytes:
        """The whole body."""
        cut_short = bool(self._start) and not self._members
        if self._member is not None:
            self._give(self._member.flush())
            cut_short = not self._member.eof
        if cut_short:
            raise BodyError(FetchProblem.PROTOCOL, f"the {self._coding} body was cut short")
        return b"".join(self._chunks)

    def _decompress(self, chunk: bytes) -> None:
        chunk, self._start = self._start + chunk, b""
        while chunk:
            if self._member is None:
                if len(chunk) < 2:
                    self._start = chunk
                    return
                if self._members and not (self._coding == "gzip" and chunk.startswith(_GZIP_MAGIC)):
                    return  # padding after the last member
                self._member = zlib.decompressobj(self._window_bits(chunk))
            self._give(self._member.decompress(chunk, _STEP))
            chunk = self._member.unconsumed_tail
            if self._member.eof:
                chunk = self._member.unused_data
                self._member = None
                self._members += 1

    def _window_bits(self, start: bytes) -> int:
        """ "deflate" is the zlib format (RFC 9110 section 8.4.1.2), but some servers send it bare."""
        if self._coding == "gzip":
            return zlib.MAX_WBITS | 16
        is_zlib = start[0] & 0x0F == 8 and int.from_bytes(start[:2]) % 31 == 0  # RFC 1950 section 2.2
        return zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS

    def _give(self, data: bytes) -> None:
        self._given += len(data)
        if self._given > self._max_decoded:
            raise too_large(self._max_decoded)
        self._chunks.append(data)


def too_large(limit: int) -> BodyError:
    """The failure of a body of more than `limit` bytes."""
    size = f"{limit / 1_000_000:g} MB" if limit >= 1_000_000 else f"{limit} bytes"
    return BodyError(FetchProblem.TOO_LARGE, f"sent more than {size}: not a feed, or one that was never cut back")
