"""The tables, once for both engines. `migrations/` builds them; a test holds the two to each other.

    hosts ─< feeds ─< entries ─< matches >─ alerts ─< deliveries
               │           ├── pages
               │           ├── story_members
               │           └─< entry_marks
               └─< feed_events

A host's `due_at` is the only thing a claim looks at. It is the earliest `next_poll_at` of the host's active feeds while
the host is free, but never before its `not_before`; the end of the lease while it is leased (so an expired lease comes
back by itself); and NULL when there is nothing to poll. A delivery's `due_at` works the same way, and a page's.
`rule_files` and `watched_rules` stand alone, and `websub_subscriptions` hang on feeds. A story is what `story_members`
and `alerts` have in their column of that name: it has no row of its own, since most stories have one member.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    literal_column,
    or_,
    text,
)

if TYPE_CHECKING:
    from sqlalchemy import Dialect

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class UtcTime(TypeDecorator[datetime]):
    """Aware UTC times as whole microseconds since 1970: the same order, range and precision on both engines."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - its signature
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive time came to the store: {value!r}")
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - as above
        return None if value is None else _EPOCH + value * _MICROSECOND


class Span(TypeDecorator[timedelta]):
    """Spans of time as whole microseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - as above
        return None if value is None else value // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> timedelta | None:  # noqa: ARG002 - as above
        return None if value is None else value * _MICROSECOND


# SQLite numbers rows by itself only in a column declared exactly INTEGER, which is 64 bits wide there anyway.
ROW_ID: Final = BigInteger().with_variant(Integer(), "sqlite")
# Names, keys and ids sort and compare by code point on both engines; a locale's order could not serve prefix searches.
KEY: Final = String().with_variant(String(collation="C"), "postgresql")

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

store_info: Final = Table(
    "store_info",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("created_at", UtcTime, nullable=False),
    Column("pings", BigInteger, nullable=False),
)

hosts: Final = Table(
    "hosts",
    metadata,
    Column("id", ROW_ID, primary_key=True),
    Column("name", KEY, nullable=False, unique=True),
    Column("due_at", UtcTime),
    Column("lease_token", KEY),
    # The host asked for silence till then (RFC 9110 section 10.2.3).
    Column("not_before", UtcTime),
)
Index("ix_hosts_due", hosts.c.due_at, hosts.c.id)

feeds: Final = Table(
    "feeds",
    metadata,
    Column("id", ROW_ID, primary_key=True),
    Column("host_id", ROW_ID, ForeignKey("hosts.id"), nullable=False),
    Column("name", KEY, nullable=False, unique=True),
    Column("url", KEY, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("interval", Span, nullable=False),
    Column("origin", String, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("title", Text, nullable=False),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("body_hash", String),
    Column("added_at", UtcTime, nullable=False),
    Column("baseline_at", UtcTime),
    Column("next_poll_at", UtcTime, nullable=False),
    Column("polled_at", UtcTime),
    Column("ok_at", UtcTime),
    Column("failures", Integer, nullable=False),
    Column("status", Integer),
    Column("error", Text, nullable=False),
    # The lease under which the feed was moved or brought back: a poll begun before that is about something else.
    Column("changed_token", KEY),
    Column("moved_url", Text, nullable=False, server_default=""),
    Column("hints", JSON(none_as_null=True)),
    Column("habits", JSON(none_as_null=True)),
    Column("fresh_for", Span),
    Column("request_key", String, nullable=False, server_default=""),
    Column("full_at", UtcTime),
    Column("not_before", UtcTime),
    Column("gone_at", UtcTime),
    Column("reason", Text, nullable=False, server_default=""),
    # The end of the lease that the feed's hub gave, where it has told of news so far.
    Column("push_until", UtcTime),
)
# The searches carry the same literal conditions as the partial indexes; a bound value would hide the match from the
# planner.
IS_ACTIVE: Final = feeds.c.active
# What `rows.feed_from_row` reads.
FEED_COLUMNS: Final = (
    *feeds.c,
    hosts.c.name.label("host"),
    hosts.c.not_before.label("host_not_before"),
)
IS_FAILING: Final = or_(feeds.c.failures > 0, feeds.c.gone_at.is_not(None))
IS_SILENT: Final = feeds.c.habits["stale_at"].as_string().is_not(None)
Index("ix_feeds_url", feeds.c.url)
Index(
    "ix_feeds_next",
    feeds.c.host_id,
    feeds.c.next_poll_at,
    feeds.c.id,
    # As each engine spells IS_ACTIVE in a query; SQLite does not see that "active" and "active = 1" are the same.
    sqlite_where=text("active = 1"),
    postgresql_where=text("active"),
)

feed_events: Final = Table(
    "feed_events",
    metadata,
    Column("id", ROW_ID, primary_key=True),
    Column("feed_id", ROW_ID, ForeignKey("feeds.id"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("kind", String, nullable=False),
    Column("detail", Text, nullable=False),
)
Index(None, feed_events.c.feed_id, feed_events.c.at)

entries: Final = Table(
    "entries",
    metadata,
    Column("id", ROW_ID, primary_key=True),
    Column("feed_id", ROW_ID, ForeignKey("feeds.id"), nullable=False),
    Column("key", KEY, nullable=False),
    Column("guid", Text, nullable=False),
    Column("link", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("categories", JSON, nullable=False),
    Column("language", String, nullable=False),
    Column("published_at", UtcTime),
    Column("updated_at", UtcTime),
    Column("seen_at", UtcTime, nullable=False),
    Column("content_hash", String, nullable=False),
    Column("source", Text, nullable=False, server_default=""),
    Column("source_hash", String, nullable=False, server_default=""),
    Column("page", Text, nullable=False, server_default=""),
    UniqueConstraint("feed_id", "key"),
)
# All that a poll asks of the entries in its document, side by side: in the table each is a page of its own.
Index("ix_entries_known", entries.c.feed_id, entries.c.key, entries.c.content_hash, entries.c.source_hash)

# By what an entry is found again under another key (`monitor.parse.marks`), its earlier versions included. `entry_id`
# is no foreign key, which would want an index of its own; marks of an entry that is gone find nothing.
entry_marks: Final = Table(
    "entry_marks",
    metadata,
    Column("feed_id", ROW_ID, ForeignKey("feeds.id"), primary_key=True, autoincrement=False),
    Column("mark", BigInteger, primary_key=True, autoincrement=False),
    Column("entry_id", ROW_ID, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# The page that an entry links to; an entry that is deleted takes its row along.
pages: Final = Table(
    "pages",
    metadata,
    Column("entry_id", ROW_ID, ForeignKey("entries.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("feed_id", ROW_ID, ForeignKey("feeds.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("host", KEY, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("wanted_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("lease_token", KEY),
    Column("done_at", UtcTime),
    Column("error", Text, nullable=False),
)
IS_WANTED: Final = pages.c.state == literal_column("'wanted'")
Index("ix_pages_due", pages.c.due_at, pages.c.entry_id, sqlite_where=IS_WANTED, postgresql_where=IS_WANTED)
# All that a claim asks of a host's pages, so that it need not look at the rows.
Index(
    "ix_pages_host",
    pages.c.host,
    pages.c.due_at,
    pages.c.entry_id,
    pages.c.lease_token,
    sqlite_where=IS_WANTED,
    postgresql_where=IS_WANTED,
)
Index("ix_pages_feed", pages.c.feed_id, pages.c.state, pages.c.done_at)

alerts: Final = Table(
    "alerts",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("rule", KEY, nullable=False),
    Column("severity", String, nullable=False),
    Column("entry_id", ROW_ID, ForeignKey("entries.id"), index=True),
    Column("seen_at", UtcTime, nullable=False),
    Column("document", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("story", KEY, nullable=False, server_default="", index=True),
    Column("kind", String, nullable=False, server_default="news"),
)

# Which story an entry tells. `member` names the entry before it is stored, and is what `like_member` refers to;
# `number` rises in the order of the commits.
story_members: Final = Table(
    "story_members",
    metadata,
    Column("entry_id", ROW_ID, ForeignKey("entries.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("story", KEY, nullable=False),
    Column("number", BigInteger, nullable=False, unique=True),
    Column("member", BigInteger, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("outlet", KEY, nullable=False),
    Column("outlet_name", Text, nullable=False),
    Column("baseline", Boolean, nullable=False),
    Column("score", Float, nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("like_member", BigInteger),
    Column("clues", LargeBinary, nullable=False),
)
Index(None, story_members.c.story, story_members.c.at)
Index(None, story_members.c.at)

# What people said about stories: the entry, or all of `story` where there is none, tells `into_story`.
story_corrections: Final = Table(
    "story_corrections",
    metadata,
    Column("id", ROW_ID, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("story", KEY, nullable=False),
    Column("into_story", KEY, nullable=False),
    Column("entry_id", ROW_ID, ForeignKey("entries.id", ondelete="CASCADE")),
)
Index(None, story_corrections.c.story, story_corrections.c.id)

matches: Final = Table(
    "matches",
    metadata,
    Column("entry_id", ROW_ID, ForeignKey("entries.id"), primary_key=True, autoincrement=False),
    Column("rule", KEY, primary_key=True),
    Column("severity", String, nullable=False),
    Column("hits", JSON, nullable=False),
    Column("matched_at", UtcTime, nullable=False),
    Column("alert_id", KEY, ForeignKey("alerts.id"), index=True),
    # Only of rules that count their matches, and only of those that count.
    Column("counts_at", UtcTime),
)
COUNTS: Final = matches.c.counts_at.is_not(None)
Index("ix_matches_counts", matches.c.rule, matches.c.counts_at, sqlite_where=COUNTS, postgresql_where=COUNTS)

# Since when a rule for silence has been live as it is; `mark` tells one version of it from another.
watched_rules: Final = Table(
    "watched_rules",
    metadata,
    Column("rule", KEY, primary_key=True),
    Column("mark", String, nullable=False),
    Column("since", UtcTime, nullable=False),
)

deliveries: Final = Table(
    "deliveries",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("alert_id", KEY, ForeignKey("alerts.id"), nullable=False),
    Column("channel", KEY, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("lease_token", KEY),
    Column("tried_at", UtcTime),
    Column("sent_at", UtcTime),
    Column("error", Text, nullable=False),
    Column("route", KEY, nullable=False, server_default=""),
    Column("group_key", KEY, nullable=False, server_default=""),
    Column("hold", String),
    Column("reason", Text, nullable=False, server_default=""),
    Column("message_id", KEY),
    UniqueConstraint("alert_id", "channel"),
)
IS_PENDING: Final = deliveries.c.state == literal_column("'pending'")
Index("ix_deliveries_created", deliveries.c.created_at, deliveries.c.id)
Index(
    "ix_deliveries_due",
    deliveries.c.channel,
    deliveries.c.due_at,
    deliveries.c.id,
    sqlite_where=IS_PENDING,
    postgresql_where=IS_PENDING,
)

Index("ix_deliveries_sent", deliveries.c.channel, deliveries.c.sent_at)

silences: Final = Table(
    "silences",
    metadata,
    Column("id", ROW_ID, primary_key=True),
    Column("rule", KEY, nullable=False),
    Column("feed", KEY, nullable=False),
    Column("text", Text, nullable=False),
    Column("starts_at", UtcTime, nullable=False),
    Column("ends_at", UtcTime, nullable=False, index=True),
    Column("author", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

channel_pauses: Final = Table(
    "channel_pauses",
    metadata,
    Column("channel", KEY, primary_key=True),
    Column("since", UtcTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("next_try_at", UtcTime, nullable=False),
)

# What a receiver calls its first message about a story, for replies.
threads: Final = Table(
    "threads",
    metadata,
    Column("channel", KEY, primary_key=True),
    Column("story", KEY, primary_key=True),
    Column("ref", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

rule_files: Final = Table(
    "rule_files",
    metadata,
    Column("path", KEY, primary_key=True),
    Column("text", Text, nullable=False),
    Column("lists", JSON, nullable=False),
    Column("rules", Integer, nullable=False),
    Column("faults", JSON, nullable=False),
    Column("broken_at", UtcTime),
    Column("stopped", JSON, nullable=False),
)

# By token, for that is how a hub names it. A feed has one that is wanted, and those that its hubs are to forget.
subscriptions: Final = Table(
    "websub_subscriptions",
    metadata,
    Column("token", KEY, primary_key=True),
    Column("feed_id", ROW_ID, ForeignKey("feeds.id"), nullable=False),
    Column("hub", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("callback", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("requested_at", UtcTime),
    Column("verified_at", UtcTime),
    Column("lease_ends_at", UtcTime),
    Column("renew_at", UtcTime, nullable=False, index=True),
    Column("pinged_at", UtcTime),
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=False),
)
IS_SUBSCRIBED: Final = subscriptions.c.state != literal_column("'unsubscribing'")
Index(
    "uq_websub_subscriptions_feed_id",
    subscriptions.c.feed_id,
    unique=True,
    sqlite_where=IS_SUBSCRIBED,
    postgresql_where=IS_SUBSCRIBED,
)
