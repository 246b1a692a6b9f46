"""Stories across feeds: who tells them, what people said about them, and which alerts are about one."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("alerts", sa.Column("story", KEY, nullable=False, server_default=""))
    op.add_column("alerts", sa.Column("kind", sa.String(), nullable=False, server_default="news"))
    _read_documents()
    op.create_index("ix_alerts_story", "alerts", ["story"])
    op.create_table(
        "story_members",
        sa.Column("entry_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("story", KEY, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("member", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("outlet", KEY, nullable=False),
        sa.Column("outlet_name", sa.Text(), nullable=False),
        sa.Column("baseline", sa.Boolean(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("like_member", sa.BigInteger()),
        sa.Column("clues", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name="pk_story_members"),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="fk_story_members_entry_id", ondelete="CASCADE"),
        sa.UniqueConstraint("number", name="uq_story_members_number"),
    )
    op.create_index("ix_story_members_story_at", "story_members", ["story", "at"])
    op.create_index("ix_story_members_at", "story_members", ["at"])
    op.create_table(
        "story_corrections",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("story", KEY, nullable=False),
        sa.Column("into_story", KEY, nullable=False),
        sa.Column("entry_id", ROW_ID),
        sa.PrimaryKeyConstraint("id", name="pk_story_corrections"),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="fk_story_corrections_entry_id", ondelete="CASCADE"),
    )
    op.create_index("ix_story_corrections_story_id", "story_corrections", ["story", "id"])


def _read_documents() -> None:
    """What alerts have been about so far."""
    alerts = sa.table("alerts", sa.column("story"), sa.column("kind"), sa.column("document", sa.JSON()))
    told = {name: alerts.c.document[name].as_string() for name in ("story", "kind")}
    op.execute(
        alerts.update().values(story=sa.func.coalesce(told["story"], ""), kind=sa.func.coalesce(told["kind"], "news"))
    )
