"""Opening the ledger's database: SQLite in WAL mode beside the token caches, or any other by URL."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError, ProgrammingError, SQLAlchemyError

from sspr.errors import CannotStart
from sspr.ledger.upgrade import bring_up_to_date

BUSY_SECONDS = 30
_TRIES = 20


def open_engine(url: str | None, home: Path) -> sa.Engine:
    """The engine of the ledger at `url`, or of the SQLite file `ledger.sqlite` in `home`.

    Its tables are made, or migrated from those of an earlier version. Raises `CannotStart`.
    """
    try:
        if url is None:
            path = home / "ledger.sqlite"
            _make_private(path)
            url = f"sqlite:///{path}"
        engine = sa.create_engine(
            url, hide_parameters=True, json_serializer=_to_text, json_deserializer=msgspec.json.decode
        )
        if engine.dialect.name == "sqlite":
            _prepare_sqlite(engine)
        # Two processes may find a table missing and both create it; the second then finds it there.
        _again_while_locked(lambda: bring_up_to_date(engine))
    except (SQLAlchemyError, OSError, ImportError) as error:
        kind = type(getattr(error, "orig", None) or error).__name__
        raise CannotStart(
            f"The ledger cannot be opened ({kind}). Check that SSPR_HOME is a writable folder with free space, "
            "or the [ledger] url in the configuration."
        ) from None
    return engine


def _to_text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _make_private(path: Path) -> None:
    """The file exists with mode 0600 before SQLite opens it; its -wal and -shm files take the same mode."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    os.close(descriptor)
    path.chmod(0o600)


def _prepare_sqlite(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:
        # SQLAlchemy begins transactions itself (below), so the driver must not.
        connection.isolation_level = None
        cursor = connection.cursor()
        # First the time-out: two first starts at once meet on the switch to WAL.
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
        _again_while_locked(lambda: cursor.execute("PRAGMA journal_mode = WAL"))
        # A write is recorded before it is sent, also when the power goes: each commit is on the disk.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        # A transaction that reads first and writes later cannot wait for the lock: ask for it at once.
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _again_while_locked(action: Callable[[], object]) -> None:
    for attempt in range(_TRIES):
        try:
            action()
            return
        except Exception as error:
            passing = isinstance(error, OperationalError | ProgrammingError) or "locked" in str(error)
            if attempt == _TRIES - 1 or not passing:
                raise
            time.sleep(0.05 * (attempt + 1))
