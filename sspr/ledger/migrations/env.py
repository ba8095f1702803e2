"""What alembic runs to migrate: the revisions, on the connection and in the transaction that `upgrade` hands over.

In SQLite a table that others refer to must not be rebuilt here (alembic's batch mode drops the old one, and the rows
that refer to it go with it): add columns, make tables, and drop those that nothing refers to.
"""

from __future__ import annotations

from alembic import context

from sspr.ledger.schema import metadata, version

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=version.name,
)
context.run_migrations()
