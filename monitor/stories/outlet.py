"""Who tells a story: one outlet for all sites and feeds of one owner, as far as their names show it. Pure.

- An entry that links to another owner's site than its feed's is that site's (a planet, a feed behind a feed service).
- Else, where the feed names the outlet that it has the entry from (RSS and Atom `source`), that one tells it, by its
  address where that is given (Google News gives it), unless the source is the feed itself.
- Else the feed's own site does.

An owner's name is the last part of a registrable domain (https://publicsuffix.org) that its owner chose: "bbc" of
news.bbc.co.uk and of bbc.com.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

from publicsuffixlist import PublicSuffixList

from monitor.model import Outlet

if TYPE_CHECKING:
    from monitor.model import Entry

_BETWEEN = re.compile(r"\s+[-–—|»›·•:>/]+\s+|:\s+|\s*[|»›]\s*")
# Of a URL that was cleaned; the standard library takes ten times as long for it.
_HOST = re.compile(r"(?:https?:)?//(?:[^/?#@]*@)?([^/?#:@\[\]]+|\[[0-9A-Fa-f:.]+\])(?::\d*)?(?=[/?#]|$)")
_MAX_NAME = 60
_SHORTEST_BARE = 5


def outlet_of(entry: Entry, *, feed_url: str, feed_title: str) -> Outlet:
    """The outlet of an entry; `feed_title` may be any name of the feed, or ""."""
    of_feed, of_link = _site(feed_url), _site(entry.link) or _site(feed_url)
    source, title = entry.source.strip(), feed_title.strip()
    if of_link != of_feed:
        return Outlet(id=_id(_owner(of_link)), name=_short(source) or _part_of(title, of_link) or of_link)
    if source and _squashed(source) and _squashed(source) != _squashed(title):
        # Some name themselves by their address.
        site = _site(entry.source_url) or (_site(f"//{source}") if "." in source and " " not in source else "")
        return Outlet(id=_id(_owner(site) if site else _squashed(source)), name=_short(source))
    return Outlet(id=_id(_owner(of_link)), name=_part_of(title, of_link) or _short(title) or of_link)


def _site(url: str) -> str:
    """The registrable domain; the host itself where it has none (an address, a name of one's own network)."""
    found = _HOST.match(url)
    return _registrable(found[1].lower().rstrip(".")) if found is not None else ""


@lru_cache(maxsize=10_000)
def _registrable(host: str) -> str:
    try:
        return str(ip_address(host.strip("[]")))
    except ValueError:
        return _suffixes().privatesuffix(host) or host


@cache
def _suffixes() -> PublicSuffixList:
    """The list that comes with the library; loading it takes some 50 ms, so only where there are stories to place."""
    return PublicSuffixList()


@lru_cache(maxsize=10_000)
def _owner(site: str) -> str:
    try:
        return str(ip_address(site))
    except ValueError:
        return site.partition(".")[0]


def _squashed(name: str) -> str:
    """Letters and digits alone."""
    return "".join(filter(str.isalnum, name.casefold()))


def _id(name: str) -> str:
    """Without an article, which names and addresses have or have not: The Guardian, theguardian.com; The Independent,
    independent.co.uk.
    """
    bare = name.removeprefix("the")
    return bare if len(bare) >= _SHORTEST_BARE else name


@lru_cache(maxsize=10_000)
def _part_of(title: str, site: str) -> str:
    """The part of a feed's title that names its site: "BBC News" of "World - BBC News"; "" where none does."""
    owner = _id(_squashed(_owner(site)))
    named = [part for part in _BETWEEN.split(title) if owner and owner in _squashed(part)]
    return _short(min(named, key=len)) if named else ""


def _short(name: str) -> str:
    """A name for a list of names."""
    return name if len(name) <= _MAX_NAME else f"{name[:_MAX_NAME].rstrip()}…"
