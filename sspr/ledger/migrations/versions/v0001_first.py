"""The first ledger. Those of its time are without a note of it, and the oldest without `run.counts`."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes the tables that are not there."""
    there = sa.inspect(op.get_bind()).get_table_names()
    if "run" not in there:
        _make_run()
    elif "counts" not in {column["name"] for column in sa.inspect(op.get_bind()).get_columns("run")}:
        op.add_column("run", sa.Column("counts", sa.JSON()))
    for name, make in _MAKERS.items():
        if name not in there:
            make()


def _make_run() -> None:
    op.create_table(
        "run",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("command", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("out", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("finished_at", sa.Float()),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("exit_code", sa.Integer()),
        sa.Column("stopped_because", sa.String(), nullable=False),
        sa.Column("judged", sa.Boolean(), nullable=False),
        sa.Column("feature_before", sa.Boolean()),
        sa.Column("feature_after", sa.Boolean()),
        sa.Column("traffic", sa.JSON(), nullable=False),
        sa.Column("counts", sa.JSON()),
    )


def _of_run(*, primary_key: bool) -> sa.Column[str]:
    parent = sa.ForeignKey("run.id", ondelete="CASCADE")
    return sa.Column("run_id", sa.String(), parent, primary_key=primary_key, nullable=False)


def _make_source() -> None:
    op.create_table(
        "source",
        _of_run(primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON()),
        sa.Column("rows", sa.Integer(), nullable=False),
    )


def _make_row() -> None:
    op.create_table(
        "row",
        _of_run(primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("cells", sa.JSON(), nullable=False),
        sa.Column("upn", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("before", sa.JSON()),
        sa.Column("now", sa.JSON()),
        sa.Column("compared_at", sa.Float()),
    )
    op.create_index("row_by_state", "row", ["run_id", "state", "seq"])


def _make_change() -> None:
    op.create_table(
        "change",
        sa.Column("run_id", sa.String(), primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("method_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.Float()),
        sa.Column("answered_at", sa.Float()),
        sa.Column("fault", sa.JSON()),
        sa.ForeignKeyConstraint(["run_id", "seq"], ["row.run_id", "row.seq"], ondelete="CASCADE"),
    )
    op.create_index("change_by_state", "change", ["run_id", "state", "seq"])


def _make_flow_run() -> None:
    op.create_table("flow_run", sa.Column("id", sa.String(), primary_key=True), _of_run(primary_key=False))


def _make_bucket() -> None:
    op.create_table(
        "bucket",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("tat", sa.Float(), nullable=False),
        sa.Column("held_until", sa.Float(), nullable=False),
    )


def _make_lease() -> None:
    op.create_table(
        "lease",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
    )


_MAKERS = {
    "source": _make_source,
    "row": _make_row,
    "change": _make_change,
    "flow_run": _make_flow_run,
    "bucket": _make_bucket,
    "lease": _make_lease,
}
