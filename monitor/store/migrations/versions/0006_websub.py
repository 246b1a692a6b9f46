"""Subscriptions at hubs (WebSub), and until when a feed's hub tells of news."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("feeds", sa.Column("push_until", sa.BigInteger()))
    op.create_table(
        "websub_subscriptions",
        sa.Column("token", KEY, nullable=False),
        sa.Column("feed_id", ROW_ID, nullable=False),
        sa.Column("hub", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("callback", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("requested_at", sa.BigInteger()),
        sa.Column("verified_at", sa.BigInteger()),
        sa.Column("lease_ends_at", sa.BigInteger()),
        sa.Column("renew_at", sa.BigInteger(), nullable=False),
        sa.Column("pinged_at", sa.BigInteger()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["feed_id"], ["feeds.id"], name="fk_websub_subscriptions_feed_id"),
        sa.PrimaryKeyConstraint("token", name="pk_websub_subscriptions"),
    )
    op.create_index("ix_websub_subscriptions_renew_at", "websub_subscriptions", ["renew_at"])
    wanted = sa.text("state != 'unsubscribing'")
    op.create_index(
        "uq_websub_subscriptions_feed_id",
        "websub_subscriptions",
        ["feed_id"],
        unique=True,
        sqlite_where=wanted,
        postgresql_where=wanted,
    )
