"""Routes, groups and holds of deliveries; silences, paused channels, threads."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    for column in (
        sa.Column("route", KEY, nullable=False, server_default=""),
        sa.Column("group_key", KEY, nullable=False, server_default=""),
        sa.Column("hold", sa.String()),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("message_id", KEY),
    ):
        op.add_column("deliveries", column)
    # What was tried already has its own id towards the receiver.
    op.execute("UPDATE deliveries SET message_id = id WHERE attempts > 0")
    op.create_index("ix_deliveries_sent", "deliveries", ["channel", "sent_at"])
    _create_silences()
    op.create_table(
        "channel_pauses",
        sa.Column("channel", KEY, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("next_try_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel", name="pk_channel_pauses"),
    )
    op.create_table(
        "threads",
        sa.Column("channel", KEY, nullable=False),
        sa.Column("story", KEY, nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "story", name="pk_threads"),
    )


def _create_silences() -> None:
    op.create_table(
        "silences",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("rule", KEY, nullable=False),
        sa.Column("feed", KEY, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_silences"),
    )
    op.create_index("ix_silences_ends_at", "silences", ["ends_at"])
