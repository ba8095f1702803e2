"""The ledger as a record: who had a run in hand, every attempt, and when its contact data was forgotten. Claims: what
runs that work side by side write to.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds the tables `attempt`, `session` and `claim`, and the column `run.pruned_at`."""
    op.add_column("run", sa.Column("pruned_at", sa.Float()))
    op.create_table(
        "attempt",
        _of_run(),
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("sent_at", sa.Float()),
        sa.Column("answered_at", sa.Float()),
        sa.Column("fate", sa.String(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("code", sa.String()),
        sa.Column("request_id", sa.String()),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "session",
        _of_run(),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("command", sa.String(), nullable=False),
        sa.Column("began_at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float()),
        sa.Column("exit_code", sa.Integer()),
    )
    op.create_table(
        "claim",
        sa.Column("run_id", sa.String(), primary_key=True),
        sa.Column("first", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("freed", sa.Float()),
    )


def _of_run() -> sa.Column[str]:
    return sa.Column("run_id", sa.String(), sa.ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
