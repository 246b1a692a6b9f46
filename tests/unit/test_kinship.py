"""When an entry with an unknown id is a stored one, and when one with a known id is another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from monitor.model import Habits, Item, RawText
from monitor.parse.items import RawItem, build_items, variant_key
from tests.kinship import meet as meet_items

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.stories.kinship import Family

TEXT = (
    "Three quarters of the pilots backed a walkout over night shifts, their union said after the count. "
    "Talks with the port go on until Friday, and ferries would be spared. A strike would be the first since 1987."
)
LINK = "https://news.example/2026/harbour-pilots-vote-for-strike"


def raw(**values: str) -> RawItem:
    """An article; what is not named is as in all others."""
    fields = {"guid": "g1", "link": LINK, "title": "Harbour pilots vote for a strike", "text": TEXT, "at": ""} | values
    return RawItem(
        guid=fields["guid"],
        link=fields["link"],
        title=RawText(value=fields["title"]),
        texts=(RawText(value=fields["text"]),),
        published=(fields["at"],),
        source=fields.get("source", ""),
    )


OTHERS = tuple(
    raw(guid=f"o{number}", link=f"https://news.example/{number}", title=title, text=f"{title}. {text}")
    for number, title, text in (
        (10001, "Glacier lake is drained", "Siphons moved six million litres in a week."),
        (10002, "Chess body bans engine talk", "Referees may search spectators for earpieces."),
    )
)


def items_of(*raws: RawItem) -> tuple[Item, ...]:
    return build_items(raws)


def meet(before: Sequence[RawItem], after: Sequence[RawItem], *, habits: Habits | None = None) -> Family:
    """What becomes of a document that follows on another one."""
    return meet_items(items_of(*before), items_of(*after), habits=habits)


def outcome(family: Family) -> list[str]:
    """Of each entry that was given, whether it is new, renamed or edited."""
    return [
        "renamed" if entry.key in family.renamed else "edited" if entry.key in family.stored else "new"
        for entry in family.entries
    ]


AT = "Mon, 23 Nov 2026 10:17:03 GMT"
BUMPED = "Mon, 23 Nov 2026 11:40:00 GMT"
MIDNIGHT = "Mon, 23 Nov 2026 00:00:00 GMT"
ELSEWHERE = "https://www.paper.example/world/pilots-strike"
AGAIN = {"guid": "g2", "link": "https://weather.example/warnings/2"}
SHORT = {"title": "Tornado warning", "text": "Take cover now.", "link": "https://weather.example/warnings"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param({}, {"guid": "g2"}, id="guid"),
        pytest.param(
            {}, {"guid": "g2", "text": TEXT + " Updated: the port asks for a mediator."}, id="guid, longer text"
        ),
        pytest.param({}, {"guid": "g2", "title": "Pilots at the harbour to go on strike"}, id="guid, headline"),
        pytest.param({}, {"guid": "g2", "link": ELSEWHERE}, id="guid and link"),
        pytest.param({"at": AT}, {"guid": "g2", "link": ELSEWHERE, "at": BUMPED}, id="guid, link and date"),
        pytest.param({}, {"guid": "g2", "link": ELSEWHERE, "title": "Walkout looms at port"}, id="all but the text"),
        pytest.param({}, {"guid": "g2", "text": f"<p>{TEXT.upper()}</p>"}, id="guid, markup and case"),
        pytest.param({"guid": ""}, {"guid": "", "link": ELSEWHERE}, id="no guids, link"),
        pytest.param(
            {"guid": ""}, {"guid": "", "link": LINK + "?utm_source=x", "text": "Soon more."}, id="no guids, all"
        ),
        pytest.param({"guid": LINK}, {"guid": ELSEWHERE, "link": ELSEWHERE}, id="guid is the link"),
        pytest.param({"guid": "", "link": ""}, {"guid": "", "link": "", "title": "Port faces walkout"}, id="no ids"),
        pytest.param(SHORT | {"at": AT}, SHORT | {"guid": "g2", "at": AT}, id="short, of one date"),
    ],
)
def test_two_of_three_witnesses_are_enough(old: dict[str, str], new: dict[str, str]) -> None:
    """Guid, address and words: an entry keeps its row, matches and alerts when one of them changes, or two slightly."""
    family = meet([*OTHERS, raw(**old)], [raw(**new), *OTHERS])
    assert outcome(family) == ["renamed"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(SHORT, SHORT | AGAIN, id="the same warning again"),
        pytest.param(SHORT | {"at": MIDNIGHT}, SHORT | AGAIN | {"at": MIDNIGHT}, id="on the same day"),
        pytest.param(
            SHORT, SHORT | {"guid": "g2", "text": "All clear until noon."}, id="another text on the same page"
        ),
        pytest.param(
            SHORT | {"text": TEXT},
            SHORT | {"guid": "g2", "text": TEXT.replace("port", "dock")},
            id="a template, one page",
        ),
        pytest.param({}, {"guid": "g2", "link": ELSEWHERE, "text": TEXT[60:] + TEXT[:60]}, id="only the headline"),
        pytest.param(
            {}, {"guid": "g2", "title": "Lithium found in Cornwall", "text": "Drill cores held it."}, id="link"
        ),
        pytest.param({"source": "AP"}, {"guid": "g2", "link": ELSEWHERE, "source": "Reuters"}, id="another outlet's"),
    ],
)
def test_one_witness_is_not(old: dict[str, str], new: dict[str, str]) -> None:
    """In doubt an entry is new: a second alert is better than none."""
    family = meet([*OTHERS, raw(**old)], [raw(**new), *OTHERS])
    assert outcome(family) == ["new"]


def test_two_entries_of_one_document_are_never_the_same() -> None:
    """The stored one is still there, so the other is new, whatever it says."""
    family = meet([*OTHERS, raw()], [raw(guid="g2"), raw(), *OTHERS])
    assert outcome(family) == ["new"]


def test_of_two_copies_one_is_the_stored_entry() -> None:
    """And the nearer one: it has the link as well."""
    family = meet([*OTHERS, raw()], [raw(guid="g2", link=ELSEWHERE), raw(guid="g3"), *OTHERS])
    assert outcome(family) == ["new", "renamed"]


def test_a_link_that_several_entries_have_proves_nothing() -> None:
    """Even when only one of them is there, once the feed is known for it."""
    page = "https://blog.example/2026/all-news-of-the-day"
    one, other = (
        raw(link=page),
        raw(guid="g2", link=page, title="Lithium found", text="Drill cores from Redruth held it."),
    )
    edited = replace(other, guid="g3", title=RawText(value="Lithium found in Cornwall"), texts=())
    assert outcome(meet([*OTHERS, other], [edited, *OTHERS])) == ["renamed"]
    assert outcome(meet([*OTHERS, other], [edited, one, *OTHERS])) == ["new", "new"]
    known = Habits(shared_links=("//blog.example/2026/all-news-of-the-day",))
    assert outcome(meet([*OTHERS, other], [edited, *OTHERS], habits=known)) == ["new"]
    assert meet([], [one, other]).habits.shared_links == known.shared_links


def test_another_article_under_a_stored_guid_is_new() -> None:
    """Other words at another address; once that has happened twice the feed's guids are known to be none."""
    other = raw(link="https://news.example/2", title="Lithium found", text="Drill cores from Redruth held the metal.")
    family = meet([raw()], [other])
    assert outcome(family) == ["new"]
    assert family.entries[0].key == variant_key(items_of(other)[0])
    assert (family.habits.ids, family.habits.collisions) == ("", 1)
    assert meet([raw()], [other], habits=family.habits).habits.ids == "shared"


@pytest.mark.parametrize(
    "edit",
    [
        {"title": "Walkout", "text": "It is off."},
        {"link": ELSEWHERE},
        {"link": ELSEWHERE, "title": "Walkout at the port is off"},
    ],
)
def test_an_edit_under_the_same_guid_is_an_edit(edit: dict[str, str]) -> None:
    """However much of it changed at the same address, or how its address did."""
    assert outcome(meet([*OTHERS, raw()], [raw(**edit), *OTHERS])) == ["edited"]


def test_a_page_of_one_entry_without_a_guid_has_other_news_each_time() -> None:
    """Its link is no id: what it says makes the entry."""
    page = {"guid": "", "link": "https://weather.example/now"}
    storm = raw(
        **page, title="Storm warning for the coast", text="Gusts of up to 120 km/h are expected by the evening."
    )
    heat = raw(**page, title="Heat in the south", text="Temperatures climb to 38 degrees inland tomorrow.")
    assert outcome(meet([storm], [heat])) == ["new"]


def many(guid: str, link: str, *, count: int = 6, at: bool = True) -> list[RawItem]:
    """Articles with short and different texts."""
    names = ("Harbour", "Glacier", "Chess", "Lithium", "Trains", "Bronzes", "Bees", "Ferries")
    return [
        raw(
            guid=f"{guid}{number}",
            link=f"{link}/{name.lower()}",
            title=f"{name} news",
            text=f"About {name}.",
            at=f"Mon, 23 Nov 2026 1{number}:0{number}:0{number} GMT" if at else "",
        )
        for number, name in enumerate(names[:count])
    ]


def test_a_feed_that_is_issued_anew_is_taken_for_what_it_was() -> None:
    """Less is enough when nearly all ids are new, and what is new among them stays new."""
    before = many("a", "https://a.example", count=6)
    after = many("b", "https://b.example", count=8)
    after = [replace(each, texts=(RawText(value=f"{each.title.value}, told at length"),)) for each in after]
    family = meet(before, after)
    assert outcome(family) == ["renamed"] * 6 + ["new"] * 2
    assert (family.reissued, family.habits.reissues) == (6, 1)


def test_other_headlines_of_the_same_words_are_no_reissue() -> None:
    """A page of warnings that are all new today, under the headlines of yesterday."""
    before, after = many("a", "https://a.example", at=False), many("b", "https://b.example", at=False)
    family = meet(before, [replace(each, texts=(RawText(value="Until noon."),)) for each in after])
    assert outcome(family) == ["new"] * 6
    assert family.reissued == 0


@pytest.mark.parametrize(("moves", "ids"), [(False, "links"), (True, "titles")])
def test_ids_that_change_at_each_poll_are_no_ids(*, moves: bool, ids: str) -> None:
    """After three documents in a row the feed goes by what stays; it is told once, at the first."""
    habits, told = Habits(), []
    for poll in range(3):
        at = f"https://a.example/{poll if moves else 0}"
        family = meet(many("a", "https://a.example/9" if moves else at), many(f"b{poll}", at), habits=habits)
        habits = family.habits
        told.append(family.reissued)
    assert (habits.ids, told) == (ids, [6, 0, 0])


def test_a_usual_document_ends_a_row_of_new_ids() -> None:
    """Three re-issues in a year are no habit."""
    articles = many("a", "https://a.example")
    family = meet(articles[1:], articles, habits=Habits(reissues=2))
    assert family.habits.reissues == 0
