"""What `Pages` promises, on SQLite and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.model import Hit, PageCounts, PageOutcome, PageState, PlannedMatch
from tests.contract.samples import (
    HOUR,
    MINUTE,
    NOW,
    alert,
    claim,
    delivery,
    entry,
    match,
    outcome,
    send_all,
    spec,
    update,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from monitor.model import Entry, Feed, PageClaim
    from monitor.store.base import Store


def want(store: Store, *entries: Entry, now: datetime = NOW, rules: Sequence[str] = ()) -> Feed:
    """Store entries of the feed "a", whose pages are to be read."""
    if not store.feeds(names=["a"]):
        store.sync_feeds([spec("a")], now=now)
    (held,) = store.claim_feeds(["a"], now=now, lease=MINUTE)
    found = outcome(held.lease, held.feeds[0], entries=entries, rules=rules, baseline=bool(rules), pages=True)
    assert store.commit_polls([found], now=now) == (True,)
    return held.feeds[0]


def at(key: str, link: str) -> Entry:
    return replace(entry(key), link=link)


def claim_pages(
    store: Store, *, now: datetime = NOW, limit: int = 10, busy: Collection[str] = ()
) -> Sequence[PageClaim]:
    return store.claim_pages(now=now, limit=limit, lease=MINUTE, busy=busy)


def keys(claims: Sequence[PageClaim]) -> list[str]:
    return [one.entry.key for one in claims]


def read(claimed: PageClaim, text: str = "The page.") -> PageOutcome:
    return PageOutcome(
        entry_id=claimed.entry_id,
        feed_id=claimed.feed.id,
        token=claimed.token,
        state=PageState.DONE,
        due_at=NOW,
        host=claimed.host,
        page=text,
    )


def not_read(claimed: PageClaim, *, until: datetime | None = None, rests: datetime | None = None) -> PageOutcome:
    """A failure: for good, or to be tried again at `until`; `rests`: the host's other pages wait as well."""
    state = PageState.FAILED if until is None else PageState.WANTED
    return replace(read(claimed, ""), state=state, due_at=until or NOW, error="HTTP 404", host_until=rests)


def test_a_page_is_wanted_with_its_entry(store: Store) -> None:
    """The claim has all that is needed to read the page and to match the entry again."""
    feed = want(store, at("x", "https://news.example/x"))
    (claimed,) = claim_pages(store)
    assert (claimed.url, claimed.host, claimed.attempts) == ("https://news.example/x", "news.example", 0)
    assert claimed.entry == at("x", "https://news.example/x")
    assert (claimed.feed.id, claimed.feed.name, claimed.wanted_at) == (feed.id, "a", NOW)


def test_nothing_is_wanted_of_a_poll_that_was_refused(store: Store) -> None:
    """The row is part of the poll's transaction."""
    store.sync_feeds([spec("a")], now=NOW)
    (late,) = claim(store)
    claim(store, now=NOW + MINUTE)
    assert store.commit_polls([outcome(late.lease, late.feeds[0], entries=[entry("x")], pages=True)], now=NOW) == (
        False,
    )
    assert claim_pages(store) == ()


def test_a_page_is_wanted_once(store: Store) -> None:
    """An entry that comes again, edited or not, does not bring its page back."""
    want(store, entry("x"))
    (claimed,) = claim_pages(store)
    assert store.commit_pages([read(claimed)], now=NOW) == (True,)
    want(store, replace(entry("x"), content_hash="other"))
    assert claim_pages(store, now=NOW + HOUR) == ()


def test_one_page_of_a_host_at_a_time(store: Store, open_again: Callable[[], Store]) -> None:
    """While one is leased nobody gets another of that host; other hosts are not held up, however many it has."""
    want(
        store,
        *(at(f"a{number}", f"https://one.example/{number}") for number in range(50)),
        at("b", "https://two.example:8080/"),
    )
    claims = claim_pages(store, limit=2)
    assert [one.host for one in claims] == ["one.example", "two.example:8080"]
    assert claim_pages(store) == claim_pages(open_again()) == ()
    assert store.commit_pages([read(one) for one in claims], now=NOW) == (True, True)
    assert keys(claim_pages(store)) == ["a1"]


def test_those_that_wait_longest_come_first(store: Store) -> None:
    """Of a host and among hosts."""
    want(store, at("late", "https://one.example/2"), now=NOW + MINUTE)
    want(store, at("early", "https://one.example/1"), at("other", "https://two.example/"))
    assert keys(claim_pages(store, now=NOW + 2 * MINUTE, limit=1)) == ["early"]
    assert keys(claim_pages(store, now=NOW + 2 * MINUTE)) == ["other"]


def test_busy_hosts_are_left_out(store: Store) -> None:
    """A host that this process is asking something else just now."""
    want(store, at("x", "https://one.example/"), at("y", "https://two.example/"))
    assert keys(claim_pages(store, busy={"one.example"})) == ["y"]
    assert keys(claim_pages(store)) == ["x"]


def test_a_lease_that_ran_out_gives_the_page_to_another(store: Store) -> None:
    """Whoever comes too late writes nothing."""
    want(store, entry("x"))
    (late,) = claim_pages(store)
    (present,) = claim_pages(store, now=NOW + MINUTE)
    assert store.commit_pages([read(late, "late")], now=NOW + MINUTE) == (False,)
    assert store.commit_pages([read(present, "present")], now=NOW + MINUTE) == (True,)
    assert store.commit_pages([read(present, "again")], now=NOW + MINUTE) == (False,)
    found = store.entry(present.entry_id)
    assert found is not None
    assert found.entry.page == "present"


def test_a_starting_daemon_takes_pages_over(store: Store) -> None:
    """What a killed process held is free at once."""
    want(store, entry("x"))
    claim_pages(store)
    assert claim_pages(store) == ()
    assert store.break_leases(now=NOW) == 1
    assert keys(claim_pages(store)) == ["x"]


def test_all_of_a_page_becomes_visible(store: Store) -> None:
    """Text, matches, alerts, deliveries and the end of the row are one commit; a match that was there stays silent."""
    want(store, entry("x"), rules=["old"])
    (claimed,) = claim_pages(store)
    paged = replace(claimed.entry, page="The page.")
    said = alert(paged, "new")
    hits = (Hit("page", 4, 8),)
    found = replace(
        read(claimed),
        matches=(
            PlannedMatch(match=replace(match(paged, "new"), hits=hits), alert_id=said.id),
            PlannedMatch(match=match(paged, "old"), alert_id=None),
        ),
        alerts=(said,),
        deliveries=(delivery(said),),
    )
    assert store.commit_pages([found], now=NOW + MINUTE) == (True,)
    stored = store.entry(claimed.entry_id)
    assert stored is not None
    assert stored.entry == paged
    assert [(each.rule, each.alert_id) for each in store.matches_of(claimed.entry_id)] == [
        ("new", said.id),
        ("old", None),
    ]
    assert [one.message.alerts for one in send_all(store, now=NOW + MINUTE)] == [(said,)]
    page = store.page_of(claimed.entry_id)
    assert page is not None
    assert (page.state, page.attempts, page.done_at, page.error) == (PageState.DONE, 1, NOW + MINUTE, "")


def test_an_edited_entry_keeps_its_page(store: Store) -> None:
    """Another version from the feed leaves what the page said."""
    want(store, entry("x"))
    (claimed,) = claim_pages(store)
    store.commit_pages([read(claimed)], now=NOW)
    want(store, entry("x", title="Corrected", content_hash="other"))
    stored = store.entry(claimed.entry_id)
    assert stored is not None
    assert (stored.entry.title, stored.entry.page) == ("Corrected", "The page.")


def test_an_attempt_that_failed_is_tried_again_later(store: Store) -> None:
    """At its time and not before, and counted; one that never was an attempt is not."""
    want(store, entry("x"))
    (first,) = claim_pages(store)
    assert store.commit_pages([not_read(first, until=NOW + HOUR)], now=NOW) == (True,)
    assert claim_pages(store, now=NOW + HOUR - MINUTE) == ()
    (second,) = claim_pages(store, now=NOW + HOUR)
    assert second.attempts == 1
    store.commit_pages([replace(not_read(second, until=NOW), attempted=False)], now=NOW)
    (third,) = claim_pages(store, now=NOW)
    assert third.attempts == 1
    page = store.page_of(third.entry_id)
    assert page is not None
    assert (page.state, page.error, page.done_at) == (PageState.WANTED, "HTTP 404", None)


def test_a_host_can_be_left_alone(store: Store) -> None:
    """All its pages wait, those of others do not."""
    want(store, *(at(f"a{number}", f"https://one.example/{number}") for number in range(3)))
    want(store, at("b", "https://two.example/"))
    first, other = claim_pages(store)
    store.commit_pages([not_read(first, until=NOW + MINUTE, rests=NOW + HOUR), read(other)], now=NOW)
    assert claim_pages(store, now=NOW + HOUR - MINUTE) == ()
    assert len(claim_pages(store, now=NOW + HOUR)) == 1


def test_a_host_that_wants_no_polls_is_asked_for_no_page(store: Store) -> None:
    """What it answered to a poll, such as Retry-After, goes for its pages too."""
    want(store, at("x", "https://a.example/x"))
    (held,) = store.claim_feeds(["a"], now=NOW, lease=MINUTE)
    told = replace(update(held.feeds[0]), host_not_before=NOW + HOUR)
    store.commit_polls([outcome(held.lease, told)], now=NOW)
    assert claim_pages(store, now=NOW + HOUR - MINUTE) == ()
    assert keys(claim_pages(store, now=NOW + HOUR)) == ["x"]


def test_a_feed_tells_how_its_pages_do(store: Store) -> None:
    """Counts, and the failure that came last."""
    feed = want(store, *(at(f"a{number}", f"https://h{number}.example/") for number in range(4)))
    first, second, third, _fourth = claim_pages(store)
    store.commit_pages([read(first)], now=NOW)
    store.commit_pages([not_read(second)], now=NOW + MINUTE)
    store.commit_pages([replace(not_read(third), error="HTTP 410")], now=NOW + HOUR)
    assert store.page_counts(feed.id) == PageCounts(wanted=1, done=1, failed=2, error="HTTP 410", failed_at=NOW + HOUR)
    store.add_feeds([spec("none", origin="added")], now=NOW)
    (none,) = store.feeds(names=["none"])
    assert store.page_counts(none.id) == PageCounts()


def test_a_link_without_a_host_fails_at_once(store: Store) -> None:
    """It says why, and holds up neither the poll nor a claim."""
    want(store, at("x", "https://news.example:99999/"), at("y", "https://news.example/"))
    assert keys(claim_pages(store)) == ["y"]
    (broken,) = store.entries_linking("99999", limit=1)
    page = store.page_of(broken.id)
    assert page is not None
    assert (page.state, page.error) == (PageState.FAILED, "the entry's link names no host")


def test_there_may_be_no_page(store: Store) -> None:
    """Of an entry whose page nobody wanted, and of none at all."""
    assert store.page_of(1) is None
