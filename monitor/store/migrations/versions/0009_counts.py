"""Matches that are counted, and since when rules for silence have been live."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("matches", sa.Column("counts_at", sa.BigInteger()))
    counts = sa.text("counts_at IS NOT NULL")
    op.create_index("ix_matches_counts", "matches", ["rule", "counts_at"], sqlite_where=counts, postgresql_where=counts)
    op.create_table(
        "watched_rules",
        sa.Column("rule", KEY, nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("rule", name="pk_watched_rules"),
    )
