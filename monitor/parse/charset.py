"""A feed's bytes to text. Feeds lie about their charset; the bytes themselves mostly do not."""

from __future__ import annotations

import codecs
import re

# The web's reading of these labels (WHATWG Encoding, "names and labels"): the superset that is meant in practice.
_SUPERSETS = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "gb2312": "gb18030", "gbk": "gb18030",
    "shift_jis": "cp932", "euc_kr": "cp949", "tis-620": "cp874",
}  # fmt: skip
# Codecs of Python that are no charset of a document, or (UTF-16, UTF-32) were ruled out by the bytes already.
_NO_CHARSET = ("idna", "punycode", "raw", "unicode", "undefined", "utf-7", "utf-16", "utf-32")
_SEVEN_BIT = ("iso2022", "hz")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16 LE, whose BOM it starts with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# XML 1.0, appendix F.1: "<?" or "<r" without a BOM.
_BARE = (
    (re.compile(rb"<\x00\x00\x00"), "utf-32-le"),
    (re.compile(rb"\x00\x00\x00<"), "utf-32-be"),
    (re.compile(rb"[<{]\x00[^\x00]\x00"), "utf-16-le"),
    (re.compile(rb"\x00[<{]\x00[^\x00]"), "utf-16-be"),
)
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?\bencoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_HTTP_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
_HIGH = re.compile(rb"[\x80-\xff]")
_UTF8_SEQUENCE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]"
    rb"|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)


def decode(body: bytes, content_type: str | None) -> str:
    """Never fails. By BOM, else UTF-16/32 by its zeros, else UTF-8 if it is that, else HTTP's charset, XML's, cp1252.

    UTF-8 goes before the labels because text of another charset is next to never valid UTF-8 by accident, while UTF-8
    labelled otherwise is common; only the seven-bit charsets (ISO-2022-JP) must be believed first. A document in UTF-8
    with a few bad bytes stays UTF-8, and those bytes are read as windows-1252.
    """
    for bom, name in _BOMS:
        if body.startswith(bom):
            return body[len(bom) :].decode(name, "replace")
    for start, name in _BARE:
        if start.match(body):
            return body.decode(name, "replace")
    labels = [name for name in (_http_charset(content_type), _declared(body)) if name]
    for name in [seven for seven in labels if seven.startswith(_SEVEN_BIT)] + ["utf-8"]:
        text = _strictly(body, name)
        if text is not None:
            return text
    if _mostly_utf8(body):
        return body.decode("utf-8", _ERRORS)
    for name in labels:
        text = _strictly(body, name)
        if text is not None:
            return text
    return body.decode("cp1252", _ERRORS)


def plain_utf8(body: bytes, content_type: str | None) -> bytes | None:
    """`body` without its BOM if `decode` would take it for UTF-8, could all of it be read as that; else None."""
    if body.startswith(codecs.BOM_UTF8):
        return body[len(codecs.BOM_UTF8) :]
    if body.startswith(tuple(bom for bom, _ in _BOMS)) or any(start.match(body) for start, _ in _BARE):
        return None
    labels = (_http_charset(content_type), _declared(body))
    return None if any(name and name.startswith(_SEVEN_BIT) for name in labels) else body


def _http_charset(content_type: str | None) -> str | None:
    found = _HTTP_CHARSET.search(content_type or "")
    return _codec(found[1]) if found else None


def _declared(body: bytes) -> str | None:
    found = _DECLARED.search(body[:1024])
    return _codec(found[1].decode("ascii")) if found else None


def _codec(label: str) -> str | None:
    """Python's name for a label; None for unknown ones and for codecs that are no charset ("rot13", "idna")."""
    try:
        codec = codecs.lookup(label)
    except LookupError:
        return None
    if not getattr(codec, "_is_text_encoding", False) or codec.name.startswith(_NO_CHARSET):
        return None
    return _SUPERSETS.get(codec.name, codec.name)


def _strictly(body: bytes, name: str) -> str | None:
    """`body` in that charset, if all of it is; a character that the document's end cuts in two does not count."""
    try:
        return codecs.getincrementaldecoder(name)("strict").decode(body, final=False)
    except (UnicodeError, LookupError):
        return None


def _mostly_utf8(body: bytes) -> bool:
    """At least nine of ten high bytes are part of a UTF-8 sequence."""
    high = len(_HIGH.findall(body))
    return sum(map(len, _UTF8_SEQUENCE.findall(body))) * 10 >= high * 9


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    """Bytes that cannot be read, as windows-1252, and the five it has no character for as U+FFFD."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return "".join(_CP1252[byte] for byte in wrong), error.end


_CP1252 = [bytes([byte]).decode("cp1252", "replace") for byte in range(256)]
_ERRORS = "news-monitor.cp1252"
codecs.register_error(_ERRORS, _as_cp1252)
