"""By what an entry is found again when its id is another one. Those of stored entries are made feed by feed, later."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "entry_marks",
        sa.Column("feed_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("mark", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", ROW_ID, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("feed_id", "mark", "entry_id", name="pk_entry_marks"),
        sa.ForeignKeyConstraint(["feed_id"], ["feeds.id"], name="fk_entry_marks_feed_id_feeds"),
        sqlite_with_rowid=False,
    )
