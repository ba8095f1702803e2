"""The ledger's tables. One database for all runs; contact data lives in `row` and `change` only."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

run = sa.Table(
    "run",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("command", sa.String, nullable=False),
    sa.Column("tenant", sa.String, nullable=False),
    sa.Column("target", sa.String, nullable=False),
    sa.Column("options", sa.JSON, nullable=False),
    sa.Column("out", sa.String, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("started_at", sa.Float, nullable=False),
    sa.Column("finished_at", sa.Float),
    sa.Column("ended", sa.Boolean, nullable=False, default=False),
    sa.Column("exit_code", sa.Integer),
    sa.Column("stopped_because", sa.String, nullable=False, default=""),
    sa.Column("judged", sa.Boolean, nullable=False, default=False),
    sa.Column("feature_before", sa.Boolean),
    sa.Column("feature_after", sa.Boolean),
    sa.Column("gates", sa.Integer),  # methods that a reset asks administrators for; null: not known
    sa.Column("traffic", sa.JSON, nullable=False, default=dict),
    sa.Column("counts", sa.JSON),  # status → rows, as the last report said; null: none was written yet
)

source = sa.Table(
    "source",
    metadata,
    sa.Column("run_id", sa.ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("path", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("facts", sa.JSON),  # what reading it showed: hash, dialect, header; null until it was read
    sa.Column("rows", sa.Integer, nullable=False, default=0),
)

row = sa.Table(
    "row",
    metadata,
    sa.Column("run_id", sa.ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("source", sa.Integer, nullable=False),
    sa.Column("line", sa.Integer, nullable=False),
    sa.Column("cells", sa.JSON, nullable=False),
    sa.Column("upn", sa.String, nullable=False),
    sa.Column("email", sa.String, nullable=False),
    sa.Column("phone", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("reasons", sa.JSON, nullable=False),  # [[code, detail], …]
    sa.Column("warnings", sa.JSON, nullable=False),
    sa.Column("message", sa.String, nullable=False, default=""),
    sa.Column("account_id", sa.String, nullable=False, default=""),
    sa.Column("before", sa.JSON),  # the account as it was before this run wrote to it; null: not read
    sa.Column("now", sa.JSON),  # the account as it was last read
    sa.Column("compared_at", sa.Float),
    sa.Index("row_by_state", "run_id", "state", "seq"),
)

change = sa.Table(
    "change",
    metadata,
    sa.Column("run_id", sa.String, primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("before", sa.JSON, nullable=False),
    sa.Column("after", sa.JSON, nullable=False),
    sa.Column("method_id", sa.String, nullable=False, default=""),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("sent_at", sa.Float),
    sa.Column("answered_at", sa.Float),
    sa.Column("fault", sa.JSON),
    sa.ForeignKeyConstraint(["run_id", "seq"], ["row.run_id", "row.seq"], ondelete="CASCADE"),
    sa.Index("change_by_state", "run_id", "state", "seq"),
)

flow_run = sa.Table(
    "flow_run",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("run_id", sa.ForeignKey("run.id", ondelete="CASCADE"), nullable=False),
)

# One row per quota of an application in a tenant; what the text means the pacer knows.
standing = sa.Table(
    "standing",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("text", sa.String, nullable=False),
)

lease = sa.Table(
    "lease",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("holder", sa.String, nullable=False),
    sa.Column("host", sa.String, nullable=False),
    sa.Column("process", sa.String, nullable=False),
    sa.Column("until", sa.Float, nullable=False),
)
