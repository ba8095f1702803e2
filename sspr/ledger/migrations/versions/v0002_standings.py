"""Where a quota stands became a text that the pacer reads; a run notes how many gates a reset has.

What `bucket` held is of use for some seconds only.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds the table `standing` and the column `run.gates` where they are not there; drops the table `bucket`."""
    inspector = sa.inspect(op.get_bind())
    if not inspector.has_table("standing"):
        op.create_table(
            "standing",
            sa.Column("name", sa.String(), primary_key=True),
            sa.Column("text", sa.String(), nullable=False),
        )
    if "gates" not in {column["name"] for column in inspector.get_columns("run")}:
        op.add_column("run", sa.Column("gates", sa.Integer()))
    op.drop_table("bucket")
