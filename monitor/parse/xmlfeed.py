"""A feed that is well-formed XML, in one pass over lxml's tree.

What feedparser makes of an element depends on what stood before it: the first title wins unless it stood deeper, a
second description is a content, a guid is the link while there is none. An entry's key and hash are made of all that,
so this reader does the same, step by step; where a document leaves the beaten track, it raises `Unusual`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedparser.urls import _urljoin, make_safe_absolute_uri

from monitor.parse.clean import MAX_CATEGORIES
from monitor.parse.errors import Unusual
from monitor.parse.fields import (
    LINKED_TYPES,
    XHTML,
    attribute_link,
    author_of,
    bare_text_of,
    child_names,
    content_of,
    describe,
    looks_like_html,
    media_type,
    mended,
    own_text_of,
    resolve,
    text_link,
    text_of,
)
from monitor.parse.found import HTML_TYPES, Content, Found, FoundFeed, Person
from monitor.parse.hints import Hinted
from monitor.parse.items import MAX_ENTRIES
from monitor.parse.names import attributes_of, check_prefixes, name_of, version_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from lxml.etree import _Element

    Handler: TypeAlias = "Callable[[_Element, int, dict[str, str]], None]"

_DEEPEST = 60  # levels of elements; feeds have six
_ITUNES = "http://www.itunes.com/"
_MEDIA_SCHEME = "http://search.yahoo.com/mrss/category_schema"

# Elements that would take the place of something feedparser keeps under the same name.
_COLLIDING = frozenset({
    "author_detail", "authors", "entries", "guidislink", "items", "links", "summary_detail", "tags", "title_detail",
})  # fmt: skip
_IN_IMAGE = frozenset({"title", "link", "description", "url", "width", "height"})
_CATEGORIES = frozenset({"category", "itunes_category"})
_IN_TEXT_INPUT = frozenset({"title", "link", "description", "name"})
_IN_PERSON = frozenset({"name", "email", "uri", "url", "homepage", "itunes_name", "itunes_email"})
# Of a source, what would have an effect beyond it.
_NOT_IN_SOURCE = frozenset({
    "body", "channel", "content", "content_encoded", "dc_title", "description", "entry", "feed", "fullitem", "image",
    "item", "media_title", "source", "summary", "textinput",
})  # fmt: skip

_SCOPES = frozenset({"xml:lang", "lang", "xml:base", "base"})
_NONE: dict[str, str] = {}

_METHODS = {
    name: method
    for method, names in {
        "_channel": "channel",
        "_item": "item entry",
        "_nested": "rss feed",
        "_title": "title dc_title",
        "_media_title": "media_title",
        "_link": "link",
        "_guid": "guid id",
        "_description": "description dc_description media_description",
        "_abstract": "abstract",
        "_summary": "summary itunes_summary",
        "_plain_content": "content",
        "_xhtml_content": "body xhtml_body",
        "_html_content": "content_encoded fullitem",
        "_published": "published issued pubdate dcterms_issued",
        "_updated": "updated modified lastbuilddate dc_date dcterms_modified",
        "_created": "created dcterms_created",
        "_date": "date",
        "_author": "author managingeditor dc_author dc_creator itunes_author",
        "_people": "contributor dc_contributor dc_publisher webmaster",
        "_owner_of_podcast": "itunes_owner",
        "_category": "category keywords dc_subject",
        "_media_category": "media_category",
        "_itunes_category": "itunes_category",
        "_media_keywords": "media_keywords",
        "_itunes_keywords": "itunes_keywords",
        "_language": "language dc_language",
        "_source": "source",
        "_image": "image",
        "_text_input": "textinput",
        "_unread": "subtitle tagline rights copyright info dc_rights itunes_subtitle feedburner_browserfriendly",
        "_ttl": "ttl",
        "_period": "sy_updateperiod",
        "_frequency": "sy_updatefrequency",
        "_skip_hours": "skiphours",
        "_skip_days": "skipdays",
    }.items()
    for name in names.split()
}


def read_tree(root: _Element, *, url: str, most: int = MAX_ENTRIES) -> FoundFeed:
    """What a feed's tree says.

    Args:
        root: Of RSS, RDF or Atom. The document has no DTD.
        url: Relative addresses of hubs are resolved against it.
        most: With more items than these the document is unusual, too. Those after `MAX_ENTRIES` are left out.

    Raises:
        Unusual: Feedparser is to read the document.
    """
    name = name_of(root)
    if name not in ("rss", "feed", "rdf_rdf"):
        raise Unusual("another root")
    check_prefixes(root.nsmap)
    reader = _Reader(version_of(name, root.nsmap, attributes_of(root)), most)
    reader.read(root, name)
    return reader.found(url)


def _name_of_person(element: _Element) -> str:
    text = bare_text_of(element)
    if not text.isascii() and any("\x80" <= letter <= "\x9f" for letter in text):
        raise Unusual("C1 controls, which feedparser leaves in names alone")
    return text


class _Reader:
    """Where in the document we are, and what feedparser would know by then."""

    def __init__(self, version: str, most: int) -> None:
        self._most = most
        self._atom = version if version.startswith("atom") else ""
        self._feed = self._owner = Found()
        self._items: list[Found] = []
        self._hinted = Hinted()
        self._handlers: dict[str, Handler] = {}
        self._in_feed = self._in_item = self._has_content = False
        self._title_depth = -1
        self._depths: dict[str, int] = {}
        self._tags: list[tuple[str | None, str | None, str | None]] = []
        self._lang = self._base = self._outer_base = ""

    def read(self, root: _Element, name: str) -> None:
        self._in_feed = name == "feed"
        attributes = attributes_of(root)
        self._lang = attributes.get("xml:lang", attributes.get("lang", ""))
        if name != "rdf_rdf":
            self._feed.language = self._lang
        self._base = _urljoin("", attributes.get("xml:base", attributes.get("base", "")))
        self._walk(root, 2)

    def found(self, url: str) -> FoundFeed:
        hints = self._hinted.hints(url)
        return FoundFeed(
            feed=self._feed, items=self._items, atom=bool(self._atom), hints=hints, kinds=len(self._handlers)
        )

    # ------------------------------------------------------------------------------------------------------- structure

    def _walk(self, parent: _Element, depth: int) -> None:
        if depth > _DEEPEST:
            raise Unusual("deep nesting")
        known, outer, self._outer_base = self._handlers.get, self._outer_base, self._base
        for element in parent:
            handler = known(element.tag) or self._learn(element)
            if element.keys():
                self._enter(element, depth, handler)
            else:
                handler(element, depth, _NONE)
        self._outer_base = outer

    def _learn(self, element: _Element) -> Handler:
        name = name_of(element)
        if name in _COLLIDING:
            raise Unusual(f"<{name}>")
        handler: Handler = getattr(self, _METHODS.get(name, "_other"))
        self._handlers[str(element.tag)] = handler
        return handler

    def _enter(self, element: _Element, depth: int, handler: Handler) -> None:
        """Like `handler`, with the element's own language and base."""
        attributes = attributes_of(element)
        if _SCOPES.isdisjoint(attributes):
            handler(element, depth, attributes)
            return
        lang, base = self._lang, self._base
        own = attributes.get("xml:base", attributes.get("base")) or base
        if own != base:
            self._base = (make_safe_absolute_uri(base, own) or base) if base else _urljoin("", own)
        self._lang = attributes.get("xml:lang", attributes.get("lang", lang))
        handler(element, depth, attributes)
        self._lang = lang
        if self._outer_base:  # else feedparser keeps the inner one
            self._base = self._outer_base

    def _other(self, element: _Element, depth: int, _attributes: dict[str, str]) -> None:
        if len(element):
            self._walk(element, depth + 1)

    def _nested(self, element: _Element, depth: int, _attributes: dict[str, str]) -> None:
        raise Unusual(f"<{element.tag}> at depth {depth}")

    def _channel(self, element: _Element, depth: int, attributes: dict[str, str]) -> None:
        self._check_container(attributes)
        self._in_feed = True
        self._walk(element, depth + 1)
        self._in_feed = False

    def _item(self, element: _Element, depth: int, attributes: dict[str, str]) -> None:
        self._check_container(attributes)
        if len(self._items) == MAX_ENTRIES:
            return
        if len(self._items) == self._most:
            raise Unusual("many items")
        self._owner = Found(id=attributes.get("rdf:about", ""))
        self._items.append(self._owner)
        self._in_item, self._title_depth, self._depths, self._tags = True, -1, {}, []
        self._walk(element, depth + 1)
        self._owner.categories = [label or term or "" for term, _, label in self._tags]
        self._owner, self._in_item, self._has_content = self._feed, False, False

    def _check_container(self, attributes: dict[str, str]) -> None:
        if self._in_item or "href" in attributes or "lastmod" in attributes:
            raise Unusual("nested items, or CDF")

    def _store(self, name: str, text: str, depth: int, *, field: str = "") -> None:
        """Of an item, an element nearer to its surface counts more; of a feed, the last one."""
        if self._in_item:
            if depth > self._depths.get(name, depth):
                return
            self._depths[name] = depth
            setattr(self._owner, field or name, text)
        elif self._in_feed:
            setattr(self._owner, field or name, text)

    # ----------------------------------------------------------------------------------------------------------- texts

    def _content(self, element: _Element, default: str, attributes: dict[str, str]) -> Content:
        if not attributes and default != XHTML:  # by far the most
            value = text_of(element)
            html = default == "text/html" or (not self._atom and looks_like_html(value))
            return Content("text/html" if html else default, value, self._lang)
        return content_of(element, default, attributes, atom=self._atom, language=self._lang)

    def _title(self, element: _Element, depth: int, attributes: dict[str, str]) -> None:
        content = self._content(element, "text/plain", attributes)
        if content.type not in HTML_TYPES and content.type != "text/plain":
            raise Unusual("a title that is no text")
        if not -1 < self._title_depth <= depth:
            self._store("title", content.value, depth)
            if self._in_item or self._in_feed:
                self._owner.title_detail = content
        if content.value:
            self._title_depth = depth

    def _media_title(self, element: _Element, depth: int, attributes: dict[str, str]) -> None:
        before = self._title_depth
        self._title(element, depth, attributes)
        self._title_depth = before

    def _description(self, element: _Element, depth: int, attributes: dict[str, str]) -> None:
        if self._owner.summary is not None and not self._has_content:
            self._plain_content(element, depth, attributes)
        else:
            self._as_summary(element, depth, attributes, default="text/html", of_feed=False)

    def _abstract(self, element: _Element, depth: int, attributes: dict[str, str]) -> None:
        self._as_summary(element, depth, attributes, default="text/plain", of_feed=False)

    def _summary(self, element: _Element, depth: int, attributes: dict[str, str]) -> None:
        if self._owner.summary is not None and not self._has_content:
            self._plain_content(element, depth, attributes)
        else:
            self._as_summary(element, depth, attributes, default="text/plain", of_feed=True)

    def _as_summary(
        self, element: _Element, depth: int, attributes: dict[str, str], *, default: str, of_feed: bool
    ) -> None:
        """Of a feed, a description is a subtitle, which nobody reads."""
        content = self._content(element, default, attributes)
        if self._in_item or of_feed:
            self._store("summary", content.value, depth)
            self._owner.summary_detail = content

    def _plain_content(self, element: _Element, _depth: int, attributes: dict[str, str]) -> None:
        self._has_content = True
        self._as_content(element, "text/plain", attributes)

    def _html_content(self, element: _Element, _depth: int, attributes: dict[str, str]) -> None:
        self._has_content = True
        self._as_content(element, "text/html", attributes)

    def _xhtml_content(self, element: _Element, _depth: int, attributes: dict[str, str]) -> None:
        self._as_content(element, XHTML, attributes)

    def _as_content(self, element: _Element, default: str, attributes: dict[str, str]) -> None:
        content = self._content(element, default, attributes)
        if self._in_item:
            self._owner.contents.append(content)
        if self._owner.summary is None and (content.type in LINKED_TYPES or content.type == "text/plain"):
            self._owner.summary = content.value

    def _unread(self, element: _Element, _depth: int, attributes: dict[str, str]) -> None:
        if len(element):
            self._content(element, "text/plain", attributes)  # for what in it is unusual

    # ---------------------------------------------------------------------------------------- identity, links and dates

    def _guid(self, element: _Element, depth: int, attributes: dict[str, str]) -> None:
        is_link = attributes.get("ispermalink", "true") == "true"
        text = bare_text_of(element)
        text = mended(resolve(self._base, text) if is_link and text else text)
        self._store("id", text, depth)
        if is_link and self._owner.link is None:
            self._owner.link = text

    def _link(self, element: _Element, _depth: int, attributes: dict[str, str]) -> None:
        text = bare_text_of(element)
        rel = attributes.get("rel", "alternate")
        href = attribute_link(attributes) if attributes else None
        if href is not None:
            href = resolve(self._base, href)
            self._follow(rel, href)
            kind = attributes.get("type", "application/atom+xml" if rel == "self" else "text/html")
            if rel == "alternate" and media_type(kind) in LINKED_TYPES:
                self._owner.link = href
        elif self._in_item or self._in_feed:
            self._owner.link = text_link(text, self._base, in_item=self._in_item)
            self._follow(rel, self._owner.link)

    def _follow(self, rel: str, href: str) -> None:
        if rel == "alternate":
            self._owner.alternates.append(href)
        elif not self._in_item and rel == "hub":
            self._hinted.hubs.append(href)
        elif not self._in_item and rel == "self":
            self._hinted.topics.append(href)

    def _published(self, element: _Element, depth: int, _attributes: dict[str, str]) -> None:
        self._store("published", text_of(element), depth)

    def _updated(self, element: _Element, depth: int, _attributes: dict[str, str]) -> None:
        self._store("updated", text_of(element), depth)

    def _created(self, element: _Element, depth: int, _attributes: dict[str, str]) -> None:
        self._store("created", text_of(element), depth)

    def _date(self, element: _Element, depth: int, attributes: dict[str, str]) -> None:
        if attributes:
            raise Unusual("<date> with attributes")
        self._store("date", text_of(element), depth, field="updated")

    # ---------------------------------------------------------------------------------------------------------- people

    def _author(self, element: _Element, depth: int, _attributes: dict[str, str]) -> None:
        person = Person()
        known = False
        self._owner.people.append(person)
        for child in element if len(element) else ():
            name = name_of(child)
            if name in _IN_PERSON:
                self._sync(person, known=known)
                known = True
                field = name.removeprefix("itunes_")
                if field in ("name", "email"):
                    setattr(person, field, _name_of_person(child))
            elif len(child) or name in _METHODS or (child.text or "").strip():
                raise Unusual(f"<{name}> in an author")
        self._store("author", own_text_of(element), depth)
        self._sync(person, known=known)

    def _sync(self, person: Person, *, known: bool) -> None:
        """What is known of a person goes into the author's line; else the line is taken apart."""
        if known or person.name or person.email:
            self._owner.author = describe(person) or self._owner.author
        elif self._owner.author:
            taken = author_of(self._owner.author)
            person.name, person.email = taken.name, taken.email

    def _people(self, element: _Element, _depth: int, _attributes: dict[str, str]) -> None:
        if not child_names(element) <= _IN_PERSON or any(len(child) for child in element):
            raise Unusual("a strange person")

    def _owner_of_podcast(self, element: _Element, depth: int, attributes: dict[str, str]) -> None:
        if len(element) and (self._in_item or self._atom):
            raise Unusual("an owner whom feedparser takes for the author")
        self._people(element, depth, attributes)

    # ------------------------------------------------------------------------------------------------------ categories

    def _category(self, element: _Element, depth: int, attributes: dict[str, str]) -> None:
        if not attributes and not len(element) and len(self._tags) <= MAX_CATEGORIES:  # by far the most
            self._add_value(text_of(element))
            return
        scheme = attributes.get("scheme", attributes.get("domain"))
        self._tag(element, depth, attributes.get("term"), scheme, attributes.get("label"))

    def _media_category(self, element: _Element, depth: int, attributes: dict[str, str]) -> None:
        self._tag(
            element,
            depth,
            attributes.get("term"),
            attributes.get("scheme", _MEDIA_SCHEME),
            attributes.get("label"),
        )

    def _itunes_category(self, element: _Element, depth: int, attributes: dict[str, str]) -> None:
        self._tag(element, depth, attributes.get("text"), _ITUNES, None)

    def _tag(self, element: _Element, depth: int, term: str | None, scheme: str | None, label: str | None) -> None:
        if len(self._tags) > MAX_CATEGORIES:
            return
        if term or scheme or label:
            self._add_tag(term, scheme, label)
        if len(element):
            if not child_names(element) <= _CATEGORIES:
                raise Unusual("a nest in a category")
            self._walk(element, depth + 1)
        self._add_value(own_text_of(element))

    def _add_value(self, value: str) -> None:
        if value and self._tags and not self._tags[-1][0]:
            self._tags[-1] = (value, *self._tags[-1][1:])
        elif value:
            self._add_tag(value, None, None)

    def _add_tag(self, term: str | None, scheme: str | None, label: str | None) -> None:
        if (term or scheme or label) and (term, scheme, label) not in self._tags:
            self._tags.append((term, scheme, label))

    def _media_keywords(self, element: _Element, _depth: int, attributes: dict[str, str]) -> None:
        self._add_tags(element, None, attributes)

    def _itunes_keywords(self, element: _Element, _depth: int, attributes: dict[str, str]) -> None:
        self._add_tags(element, _ITUNES, attributes)

    def _add_tags(self, element: _Element, scheme: str | None, attributes: dict[str, str]) -> None:
        if attributes:
            return  # feedparser keeps the attributes alone
        for term in text_of(element).split(","):
            if len(self._tags) <= MAX_CATEGORIES and term.strip():
                self._add_tag(term.strip(), scheme, None)

    # ------------------------------------------------------------------------------------------------ around the items

    def _language(self, element: _Element, depth: int, _attributes: dict[str, str]) -> None:
        text = text_of(element)
        if not self._in_item:
            self._store("language", text, depth)

    def _source(self, element: _Element, depth: int, attributes: dict[str, str]) -> None:
        if not self._in_item or not child_names(element).isdisjoint(_NOT_IN_SOURCE):
            raise Unusual("a strange source")
        self._title_depth, self._owner.source, self._owner.source_url = -1, "", attributes.get("url", "")
        for child in element:
            known = name_of(child) in _METHODS or name_of(child) == "generator"
            if (len(child) and name_of(child) not in ("author", "contributor", "title")) or (
                child.keys() and not known
            ):
                raise Unusual("a nest in a source")
            if name_of(child) == "title" and self._title_depth < 0:
                title = mended("".join(map(str, child.itertext())).strip())
                if title:
                    self._owner.source, self._title_depth = title, depth + 1
        self._owner.source = own_text_of(element) or self._owner.source

    def _image(self, element: _Element, depth: int, _attributes: dict[str, str]) -> None:
        self._aside(element, depth, _IN_IMAGE - {"title", "link", "description"} if self._in_item else _IN_IMAGE)

    def _text_input(self, element: _Element, depth: int, _attributes: dict[str, str]) -> None:
        self._aside(element, depth, frozenset() if self._in_item else _IN_TEXT_INPUT)

    def _aside(self, element: _Element, depth: int, allowed: frozenset[str]) -> None:
        if not child_names(element) <= allowed or any(len(child) for child in element):
            raise Unusual("a strange image or text input")
        titled = any(name_of(child) == "title" and bare_text_of(child) for child in element)
        self._title_depth = depth + 1 if titled else -1

    def _ttl(self, element: _Element, _depth: int, _attributes: dict[str, str]) -> None:
        if not self._in_item:
            self._hinted.ttl = element.text or ""

    def _period(self, element: _Element, _depth: int, _attributes: dict[str, str]) -> None:
        if not self._in_item:
            self._hinted.period = element.text or ""

    def _frequency(self, element: _Element, _depth: int, _attributes: dict[str, str]) -> None:
        if not self._in_item:
            self._hinted.frequency = element.text or ""

    def _skip_hours(self, element: _Element, _depth: int, _attributes: dict[str, str]) -> None:
        self._hinted.hours += [child.text or "" for child in element]

    def _skip_days(self, element: _Element, _depth: int, _attributes: dict[str, str]) -> None:
        self._hinted.days += [child.text or "" for child in element]
