"""What outlives the daemon of the rule files."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "rule_files",
        sa.Column("path", KEY, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("lists", sa.JSON(), nullable=False),
        sa.Column("rules", sa.Integer(), nullable=False),
        sa.Column("faults", sa.JSON(), nullable=False),
        sa.Column("broken_at", sa.BigInteger()),
        sa.Column("stopped", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("path", name="pk_rule_files"),
    )
