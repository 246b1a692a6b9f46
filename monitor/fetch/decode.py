"""Content-Encoding, undone in small steps: a body of any kind costs at most its two caps in memory."""

from __future__ import annotations

import zlib

import brotli

from monitor.model import FetchProblem

_STEP = 64 * 1024
_PIECE = 8 * 1024  # of what came, so that the ratio is known before a whole chunk has grown
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_RATIO = 200  # deflate gets to 1,000, brotli to a million; feeds of nothing but repetitions stay under 100
_RATIO_FROM = 1_000_000  # bytes; smaller bodies may be as repetitive as they like


class BodyError(Exception):
    """A body that cannot be taken; never leaves `monitor.fetch`."""

    def __init__(self, problem: FetchProblem, detail: str) -> None:
        self.problem = problem
        self.detail = detail
        super().__init__(detail)


class BodyDecoder:
    """Takes the chunks of a response as they came and gives the body.

    A body of more than 1 MB that is 200 times as large as what came over the wire is refused before it meets its cap.

    Args:
        encoding: The Content-Encoding header: gzip, deflate, br, or none. A body in more than one coding is refused.
        max_compressed: Bytes taken.
        max_decoded: Bytes given.

    Raises:
        BodyError: From every method; the decoder is of no use afterwards.
    """

    def __init__(self, encoding: str, *, max_compressed: int, max_decoded: int) -> None:
        self._coding = encoding.strip().lower().removeprefix("x-")
        if self._coding not in ("", "identity", "gzip", "deflate", "br"):
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
        self._brotli = brotli.Decompressor() if self._coding == "br" else None
        self._start = b""  # too few bytes to tell how a member begins

    @property
    def given(self) -> int:
        """Bytes of the body so far."""
        return self._given

    def feed(self, chunk: bytes) -> None:
        """Take the next chunk."""
        if self._coding in ("", "identity"):
            self._take(chunk)
            self._give(chunk)
            return
        try:
            for start in range(0, len(chunk), _PIECE):
                piece = chunk[start : start + _PIECE]
                self._take(piece)
                if self._brotli is not None:
                    self._decompress_brotli(self._brotli, piece)
                else:
                    self._decompress(piece)
        except (zlib.error, brotli.error):
            raise BodyError(
                FetchProblem.PROTOCOL, f"sent a body that is not {self._coding}, though it says so"
            ) from None

    def finish(self) -> bytes:
        """The whole body."""
        cut_short = bool(self._start) and not self._members
        if self._member is not None:
            self._give(self._member.flush())
            cut_short = not self._member.eof
        if self._brotli is not None:
            cut_short = self._taken > 0 and not self._brotli.is_finished()
        if cut_short:
            raise BodyError(FetchProblem.PROTOCOL, f"the {self._coding} body was cut short")
        return b"".join(self._chunks)

    def _take(self, chunk: bytes) -> None:
        self._taken += len(chunk)
        if self._taken > self._max_compressed:
            raise too_large(self._max_compressed)

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

    def _decompress_brotli(self, stream: brotli.Decompressor, chunk: bytes) -> None:
        if stream.is_finished():
            return  # padding, as after gzip
        self._give(stream.process(chunk, output_buffer_limit=_STEP))
        while not stream.can_accept_more_data():
            self._give(stream.process(b"", output_buffer_limit=_STEP))

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
        if self._given > _RATIO_FROM and self._given > _MAX_RATIO * self._taken:
            detail = (
                f"sent {self._coding} that grows more than {_MAX_RATIO} times when it is decompressed: no feed does"
            )
            raise BodyError(FetchProblem.TOO_LARGE, detail)
        self._chunks.append(data)


def too_large(limit: int) -> BodyError:
    """The failure of a body of more than `limit` bytes."""
    size = f"{limit / 1_000_000:g} MB" if limit >= 1_000_000 else f"{limit} bytes"
    return BodyError(FetchProblem.TOO_LARGE, f"sent more than {size}: not a feed, or one that was never cut back")
