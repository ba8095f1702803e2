"""The ledger's tables. One database for all runs; contact data lives in `row` and `change` only.

What changes here needs a migration beside it (`sspr/ledger/migrations/versions`): ledgers of earlier versions are kept.
"""

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
    sa.Column("pruned_at", sa.Float),  # when its contact data was forgotten; null: it was not
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

# Every sending of every write, once it is known what became of it; that of a write that stands as sent is not here yet.
# Written to on the way of every write: one B-tree, not a table of row ids and an index beside it.
attempt = sa.Table(
    "attempt",
    metadata,
    sa.Column("run_id", sa.ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sent_at", sa.Float),
    sa.Column("answered_at", sa.Float),
    sa.Column("fate", sa.String, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("code", sa.String),
    sa.Column("request_id", sa.String),
    sqlite_with_rowid=False,
)

# Each process, and the person behind it, that had the run in hand. One that was killed has no end.
session = sa.Table(
    "session",
    metadata,
    sa.Column("run_id", sa.ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("command", sa.String, nullable=False),
    sa.Column("began_at", sa.Float, nullable=False),
    sa.Column("ended_at", sa.Float),
    sa.Column("exit_code", sa.Integer),
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

# A chunk of rows that a run writes, or wrote a short while ago: see `sspr.ledger.claims`.
claim = sa.Table(
    "claim",
    metadata,
    sa.Column("run_id", sa.String, primary_key=True),
    sa.Column("first", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("last", sa.Integer, nullable=False),
    sa.Column("scope", sa.String, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("freed", sa.Float),  # when its run came to an orderly end; null: not yet
)

# The revision of the migrations that the tables stand at: one row.
version = sa.Table(
    "sspr_version",
    metadata,
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="sspr_version_pkc"),
)
