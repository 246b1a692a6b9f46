"""The pages that entries link to: their text, and the queue of those that are to be read."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")
WANTED = sa.text("state = 'wanted'")


def upgrade() -> None:
    op.add_column("entries", sa.Column("page", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "pages",
        sa.Column("entry_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("feed_id", ROW_ID, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("host", KEY, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("wanted_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_token", KEY),
        sa.Column("done_at", sa.BigInteger()),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name="pk_pages"),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="fk_pages_entry_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["feed_id"], ["feeds.id"], name="fk_pages_feed_id"),
    )
    _create_index("ix_pages_due", ["due_at", "entry_id"])
    _create_index("ix_pages_host", ["host", "due_at", "entry_id", "lease_token"])
    op.create_index("ix_pages_feed", "pages", ["feed_id", "state", "done_at"])


def _create_index(name: str, columns: list[str]) -> None:
    """Of the pages that are wanted only."""
    op.create_index(name, "pages", columns, sqlite_where=WANTED, postgresql_where=WANTED)
