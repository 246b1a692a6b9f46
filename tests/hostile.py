"""Documents made to hurt a reader of feeds: each should cost at most its worker and its deadline."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def rss(inner: str) -> bytes:
    return f"<rss version='2.0'><channel><title>T</title>{inner}</channel></rss>".encode()


def item(inner: str) -> bytes:
    return rss(f"<item><guid>1</guid><title>t</title>{inner}</item>")


def described(markup: str) -> bytes:
    return item(f"<description><![CDATA[{markup}]]></description>")


def _laughs() -> bytes:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE x [<!ENTITY l0 "lol">{levels}]>'.encode() + item("<description>&l9;</description>")


def _attributes(form: str, count: int) -> bytes:
    return item(f"<x {' '.join(form.format(number) for number in range(count))}/>")


def _json(items: object) -> bytes:
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": items}).encode()


HOSTILE: Mapping[str, Callable[[], bytes]] = {
    "billion laughs": _laughs,
    "quadratic entity": lambda: (
        f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]>'.encode() + item(f"<description>{'&a;' * 5_000}</description>")
    ),
    "external entity": lambda: b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>' + item("<author>&f;</author>"),
    "external DTD": lambda: b'<!DOCTYPE rss SYSTEM "http://127.0.0.1:9/x.dtd">' + item("<author>&f;</author>"),
    "parameter entity": lambda: b'<!DOCTYPE x [<!ENTITY % f SYSTEM "http://127.0.0.1:9/"> %f;]>' + item(""),
    "100,000 nested elements": lambda: item("<x>" * 100_000 + "</x>" * 100_000),
    "200 nested elements": lambda: item("<x>" * 200 + "</x>" * 200),
    "100,000 nested blocks in a text": lambda: described("<div>" * 100_000),
    "20,000 nested blocks without a name": lambda: rss(
        f"<item><description>{'&lt;div>' * 20_000}</description></item>"
    ),
    "nested tables in a text": lambda: described("<table><tr><td>" * 5_000),
    "nested emphasis in a text": lambda: described("<b><p>" * 20_000),
    "40,000 beginnings of a comment": lambda: described("<!--" * 40_000),
    "250,000 beginnings of a comment, broken": lambda: described("<!--" * 250_000) + b"<",
    "beginnings of a tag": lambda: described("<a b=" * 60_000),
    "open quotation marks": lambda: described("<a b='\"" * 60_000),
    "ampersands": lambda: described("&" * 250_000),
    "character references": lambda: described("&#" * 120_000),
    "bare ampersands": lambda: item(f"<description>{'& ' * 120_000}</description>"),
    "an author that looks like an address": lambda: item(f"<author>{'a' * 400_000}@</author>"),
    "the same, broken": lambda: item(f"<author>{'a' * 400_000}@</author><p>"),
    "half addresses": lambda: item(f"<author>{'a@' * 100_000}</author>"),
    "200,000 attributes": lambda: _attributes("a{}='1'", 200_000),
    "20,000 attributes": lambda: _attributes("a{}='1'", 20_000),
    "30,000 namespaces": lambda: _attributes("xmlns:a{0}='u{0}'", 30_000),
    "100,000 categories": lambda: item("".join(f"<category>{n}</category>" for n in range(100_000))),
    "100,000 authors": lambda: item("<author>a</author>" * 100_000),
    "100,000 links": lambda: item("<link>/a</link>" * 100_000),
    "170,000 empty items": lambda: rss("<item/>" * 170_000),
    "5,000 items of one name": lambda: rss("<item><guid>1</guid><title>&lt;b></title></item>" * 5_000),
    "50 MB of items": lambda: rss(
        f"<item><title>t</title><description>{'word ' * 1_000}</description></item>" * 10_000
    ),
    "50 MB of one text": lambda: described("word " * 10_000_000),
    "elements of 30,000 kinds": lambda: item("".join(f"<t{n}/>" for n in range(30_000))),
    "a date of 200,000 digits": lambda: item(f"<pubDate>{'1' * 200_000}</pubDate>"),
    "a date of 50,000 days": lambda: item(f"<pubDate>{'Mon, ' * 50_000}</pubDate>"),
    "a link of a megabyte": lambda: item(f"<link>{'a:/?#[' * 170_000}</link>"),
    "truncated": lambda: described("word")[:-40],
    "NULs": lambda: described("a\0b" * 1_000),
    "control characters": lambda: item("<author>\x01\x02\ufffe</author>"),
    "a charset that lies": lambda: b"<?xml version='1.0' encoding='utf-16'?>" + item("<author>\xe9</author>"),
    "bytes that are no charset": lambda: item("") + bytes(range(128, 256)) * 1_000,
    "ISO-2022-JP that is none": lambda: b"<?xml version='1.0' encoding='iso-2022-jp'?>" + item("\x1b$B") * 100,
    "unclosed CDATA": lambda: item("") + b"<![CDATA[" * 30_000,
    "a page": lambda: b"<html>" + b"<p>x & y</p>" * 20_000,
    "deep JSON": lambda: b"[" * 1_000_000,
    "deep JSON in a feed": lambda: _json([])[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "100,000 items of JSON": lambda: _json([{"id": str(number)} for number in range(100_000)]),
    "a number of a megabyte": lambda: _json([])[:-1] + b',"x":' + b"1" * 1_000_000 + b"}",
    "lone surrogates": lambda: _json([{"id": "\ud800", "title": "\udfff"}]),
}
