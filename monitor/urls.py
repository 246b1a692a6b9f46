"""URLs as people are shown them, and as they are compared."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_plus, urlsplit

from w3lib.url import canonicalize_url

_LOGIN: Final = re.compile(r"(?<=://)[^/\s?#]*@")

# Query parameters that say where a click came from, or who clicked, and not what is shown. Those that browsers strip
# (Mozilla's query-stripping list) and that news sites put into the links of their feeds.
_TRACKING: Final = re.compile(
    r"(?:utm|at|mc|pk|mtm|matomo|hsa|oly|vero|itm|stm|ns|wt|ga|ref|guce)_[\w.]+|_hsenc|_hsmi|_hsfp|__hs\w+|_ga|_gl|wt\.\w+|"
    r"fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|ysclid|ttclid|twclid|irclickid|rdt_cid|scid|icid|ncid|s_cid|"
    r"gad_source|igshid|igsh|li_fat_id|mkt_tok|cmp|i?cmpid|ocid|ito|xtor|smid|smtyp|sr_share|spm|trk|mbid|echobox|"
    r"__twitter_impression|phpsessid|jsessionid|outputtype|amp|rss",
    re.IGNORECASE,
)
# "?source=rss", "?partner=feedburner": of the names that often tell something else as well.
_ORIGIN: Final = frozenset(
    {"source", "src", "ref", "referrer", "from", "via", "partner", "track", "emc", "medium", "channel", "feed"}
)
_FROM_FEED: Final = re.compile(r"(?:rss|feed|atom)[\w.-]*", re.IGNORECASE)
_SESSION: Final = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/?;]*", re.IGNORECASE)
_MIRROR_HOST: Final = re.compile(r"(?:www\d?|m|mobile|amp)\.(?=[^.]+\.)")
_AMP_CACHE: Final = re.compile(r"https?://(?:www\.google\.[a-z.]+/amp/|[^/]+\.cdn\.ampproject\.org/(?:[a-z]/)?)(s/)?")
# Nothing in it that w3lib would write otherwise: most links of feeds.
_PLAIN: Final = re.compile(
    r"https?://([a-z0-9-]+(?:\.[a-z0-9-]+)+(?::(?!80/|443/|80$|443$|0)\d{1,4})?)"
    r"((?:/(?!\.{1,2}(?:/|$))[\w.~-]*)*)",
    re.ASCII,
)
_AMP_END: Final = re.compile(r"\.amp(?=\.html?$|$)")


def without_login(text: str) -> str:
    """A URL, or a text that was to be one, without the user and password in it."""
    return _LOGIN.sub("", text, count=1)


@lru_cache(maxsize=8_192)
def canonical_link(url: str) -> str:
    """The address of what is shown, the same for every way to link to it: "//host/path?query".

    Without scheme, login, "www." and other mirrors (mobile and AMP hosts and paths), fragment, tracking and session
    parameters, and a final slash; percent-encoding, dots and the order of parameters as w3lib has them
    (RFC 3986 section 6.2.2). What is no URL comes back as it is.
    """
    plain = _PLAIN.fullmatch(url)
    if plain is not None and "amp" not in url:
        host, path = plain.groups()
        return f"//{host if ':' in host else _main_host(host)}{_main_path(path)}"
    try:
        parts = urlsplit(canonicalize_url(_out_of_cache(_SESSION.sub("", url))))
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return url
    if not host:
        return url
    host = _main_host(host) if port in (None, 80, 443) else f"{host}:{port}"
    query = "&".join(pair for pair in parts.query.split("&") if pair and not _is_tracking(pair))
    return f"//{host}{_main_path(parts.path)}{'?' if query else ''}{query}"


def _out_of_cache(url: str) -> str:
    """The article's own address where it is wrapped into that of an AMP cache."""
    return _AMP_CACHE.sub("https://", url, count=1)


def _main_host(host: str) -> str:
    """ "www.m.example.org" and "en.m.wikipedia.org" to what they are mirrors of; "m.org" is nobody's mirror."""
    while (mirror := _MIRROR_HOST.match(host)) is not None:
        host = host[mirror.end() :]
    first, dot, rest = host.partition(".m.")
    return f"{first}.{rest}" if dot and "." in rest else host


def _main_path(path: str) -> str:
    parts = path.rstrip("/").split("/")
    if any(part.lower() == "amp" for part in parts) and len(parts) > 2:
        parts = [part for part in parts if part.lower() != "amp"]
    parts[-1] = _AMP_END.sub("", parts[-1])
    return "/".join(parts)


def _is_tracking(pair: str) -> bool:
    name, _, value = pair.partition("=")
    name = unquote_plus(name).lower()
    return _TRACKING.fullmatch(name) is not None or (name in _ORIGIN and _FROM_FEED.fullmatch(value) is not None)
