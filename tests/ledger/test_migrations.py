"""A ledger of an earlier version is kept, whatever it looks like, and whatever happens while it is migrated."""

from __future__ import annotations

import multiprocessing
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from sspr.cli.main import main
from sspr.errors import CannotStart
from sspr.ledger import ChangeState, Ledger, RowState, upgrade
from sspr.ledger.schema import metadata, version
from sspr.model import ChangeKind
from tests.fakes.runs import new_run

# The tables as the first version made them, and a run of then: interrupted after the first of its rows.
FIRST = Path(__file__).parent.parent / "data" / "ledger" / "first.sql"
RUN = "20261102-081500-aaaaaa"


def old_ledger(home: Path, *more: str) -> Path:
    home.mkdir(parents=True, exist_ok=True)
    path = home / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(FIRST.read_text(encoding="utf-8").replace("/work/here", str(home)))
        for statement in more:
            connection.execute(statement)
        connection.commit()
    return path


def opened_whole(home: Path) -> None:
    """Everything that the old ledger held is there."""
    with closing(Ledger.open(None, home)) as ledger:
        run = ledger.run(RUN)
        assert run.counts() == {RowState.UPDATED: 1, RowState.WRITING: 1, RowState.REJECTED: 1}
        first, second, third = run.rows()
        assert (first.upn, first.email, first.cells[2]) == (
            "ava@contoso.com", "ava@adatum.com", "+1 2065550101",
        )  # fmt: skip
        assert first.before is not None
        assert first.before.other_mails == ("old@adatum.com",)
        assert third.reasons[0].code == "email_missing"
        [sent] = run.changes(2, 2, [ChangeState.SENT])
        assert (sent.seq, sent.change.kind, sent.attempts) == (second.seq, ChangeKind.CONTACT, 1)
        assert sent.change.after == {"otherMails": ["bo@adatum.com"], "mobilePhone": "+1 2065550102"}
        assert run.sources()[0].rows == 3
        assert ledger.run_of_flow("flow-1") == RUN


OLD = {
    "as it was": (),
    "without counts": ("ALTER TABLE run DROP COLUMN counts",),
    "opened by a version in between": (
        "CREATE TABLE standing (name VARCHAR NOT NULL, text VARCHAR NOT NULL, PRIMARY KEY (name))",
        "ALTER TABLE run ADD COLUMN gates INTEGER",
        "UPDATE run SET gates = 2",
    ),
    "without the table of buckets": ("DROP TABLE bucket",),
}


@pytest.mark.parametrize("more", OLD.values(), ids=list(OLD))
def test_a_ledger_of_an_earlier_version_is_kept(more: tuple[str, ...], tmp_path: Path) -> None:
    old_ledger(tmp_path, *more)
    opened_whole(tmp_path)
    opened_whole(tmp_path)


def test_a_migrated_ledger_and_a_new_one_have_the_same_tables(tmp_path: Path) -> None:
    old_ledger(tmp_path / "old")
    described = []
    for home in (tmp_path / "old", tmp_path / "new"):
        home.mkdir(exist_ok=True)
        Ledger.open(None, home).close()
        engine = sa.create_engine(f"sqlite:///{home / 'ledger.sqlite'}")
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"version_table": version.name, "compare_type": True}
            )
            assert compare_metadata(context, metadata) == []
            assert connection.scalar(sa.select(version.c.version_num)) == upgrade.LATEST
            tables = sa.inspect(connection).get_table_names()
            described.append({name: sa.inspect(connection).get_pk_constraint(name) for name in tables})
        engine.dispose()
    assert described[0].keys() == described[1].keys()
    assert {name: each["constrained_columns"] for name, each in described[0].items()} == {
        name: each["constrained_columns"] for name, each in described[1].items()
    }


def test_the_latest_revision_is_the_one_that_is_looked_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(upgrade.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [upgrade.LATEST]


def test_a_ledger_of_a_later_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    with closing(Ledger.open(None, tmp_path)) as ledger:
        new_run(ledger, tmp_path, rows=2)
    path = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as later:
        later.execute("UPDATE sspr_version SET version_num = '9001'")
        later.execute("CREATE TABLE of_the_future (x)")
        later.commit()
        before = "\n".join(later.iterdump())
    with pytest.raises(CannotStart, match="later version of sspr"):
        Ledger.open(None, tmp_path)
    with closing(sqlite3.connect(path)) as later:
        assert "\n".join(later.iterdump()) == before


def _open(home: Path) -> None:
    opened_whole(home)


def test_two_processes_that_open_an_old_ledger_at_once_both_get_it(tmp_path: Path) -> None:
    old_ledger(tmp_path)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_open, args=(tmp_path,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    opened_whole(tmp_path)


KILLED = """
import os, signal, sys
from pathlib import Path
import sqlalchemy as sa
from sspr.ledger import Ledger

@sa.event.listens_for(sa.Engine, "after_cursor_execute")
def kill(_connection, _cursor, statement, *_):
    if sys.argv[2] in statement:
        os.kill(os.getpid(), signal.SIGKILL)

Ledger.open(None, Path(sys.argv[1]))
"""


@pytest.mark.parametrize(
    "after", ["CREATE TABLE standing", "DROP TABLE bucket", "CREATE TABLE attempt", "'0003'"]
)
def test_a_migration_that_is_killed_leaves_a_ledger_that_is_migrated_later(
    after: str, tmp_path: Path
) -> None:
    old_ledger(tmp_path)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), after], check=False)
    assert killed.returncode == -9
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as old:
        assert old.execute("SELECT count(*) FROM bucket").fetchone() == (1,), "all or nothing"
    opened_whole(tmp_path)


def test_opening_a_ledger_that_is_up_to_date_does_not_import_the_migrations(tmp_path: Path) -> None:
    Ledger.open(None, tmp_path).close()
    script = (
        "import sys; from pathlib import Path; from sspr.ledger import Ledger\n"
        "Ledger.open(None, Path(sys.argv[1])).close(); assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)


def test_an_old_run_is_told_and_resumed(clean_environment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old_ledger(clean_environment)
    assert main(["runs", "show", RUN]) == 0
    assert "open: 1 rejected, 1 updated, 1 pending" in capsys.readouterr().out
    assert main(["resume", RUN, "--yes"]) == 1
    capsys.readouterr()
    assert main(["runs", "show", RUN]) == 0
    assert "ended with 1: 2 updated, 1 rejected" in capsys.readouterr().out
