"""What polls learn of feeds and hosts, turns in a feed's life, and where an entry comes from."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for column in (
        sa.Column("moved_url", sa.Text(), nullable=False, server_default=""),
        sa.Column("hints", sa.JSON(none_as_null=True)),
        sa.Column("habits", sa.JSON(none_as_null=True)),
        sa.Column("fresh_for", sa.BigInteger()),
        sa.Column("request_key", sa.String(), nullable=False, server_default=""),
        sa.Column("full_at", sa.BigInteger()),
        sa.Column("not_before", sa.BigInteger()),
        sa.Column("gone_at", sa.BigInteger()),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
    ):
        op.add_column("feeds", column)
    # Validators that were stored so far are as old as the last good poll at most.
    op.execute("UPDATE feeds SET full_at = ok_at")
    op.add_column("hosts", sa.Column("not_before", sa.BigInteger()))
    op.add_column("entries", sa.Column("source", sa.Text(), nullable=False, server_default=""))
    op.add_column("entries", sa.Column("source_hash", sa.String(), nullable=False, server_default=""))
    op.create_index("ix_entries_known", "entries", ["feed_id", "key", "content_hash", "source_hash"])
    op.create_table(
        "feed_events",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("feed_id", ROW_ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_feed_events"),
        sa.ForeignKeyConstraint(["feed_id"], ["feeds.id"], name="fk_feed_events_feed_id_feeds"),
    )
    op.create_index("ix_feed_events_feed_id_at", "feed_events", ["feed_id", "at"])
