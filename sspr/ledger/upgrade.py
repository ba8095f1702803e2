"""The tables made, or brought from what an earlier version left to what this one needs: all of it or nothing."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError, ProgrammingError

from sspr.errors import CannotStart
from sspr.ledger.schema import metadata, run, version

# The newest revision in `migrations/versions`. Here too, because alembic takes a tenth of a second to import, and a
# ledger that stands at it, nearly every one, is to cost a look into one table.
LATEST = "0003"

_MIGRATIONS = Path(__file__).parent / "migrations"
# The number by which processes on one PostgreSQL wait for each other here; any would do.
_ADVISORY_LOCK = 0x55C1


def bring_up_to_date(engine: sa.Engine) -> None:
    """Makes the tables where there are none, migrates those of an earlier version. Raises `CannotStart` for a ledger
    of a later version, which is left as it is.

    One transaction under the database's lock: of several processes that open an old ledger at once one migrates and
    the others find it done; one that is killed in the middle leaves the old ledger.
    """
    with engine.connect().execution_options(reading=True) as connection:
        found = _noted(connection)
    if _is_latest(found):
        return
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
        tables = sa.inspect(connection).get_table_names()
        if version.name in tables:
            if not _is_latest(connection.scalar(sa.select(version.c.version_num))):
                _migrate(connection)
        elif run.name in tables:
            _migrate(connection)
        else:
            metadata.create_all(connection)
            connection.execute(sa.insert(version).values(version_num=LATEST))


def _noted(connection: sa.Connection) -> str | None:
    """The revision that the ledger says it stands at. None: there is no ledger yet, or one that does not say so."""
    try:
        return connection.scalar(sa.select(version.c.version_num))
    except (OperationalError, ProgrammingError):
        return None


def _is_latest(found: str | None) -> bool:
    if found is not None and found > LATEST:
        raise CannotStart(
            f"The ledger was written by a later version of sspr (its tables stand at {found}, this version knows "
            f"{LATEST}). Use that version again; nothing was changed."
        )
    return found == LATEST


def _migrate(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
