"""Files elsewhere: what a URL names is copied for as long as it is read, and what goes wrong is one sentence.

A folder stands in for the store behind `s3://`; `sftp://` is a real server on loopback.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import pytest
from fsspec import AbstractFileSystem, register_implementation
from fsspec.registry import _registry

from sspr.cli.main import main
from sspr.errors import CannotStart
from sspr.input import remote
from sspr.input.errors import InputError
from sspr.input.remote import Stores
from sspr.job import Host, Job, JobRequest
from sspr.ledger import Ledger
from sspr.settings import SIMULATED, Settings, home
from sspr.stages.context import Options

HEADER = "user_principal_name,alternate_email,mobile_phone\n"
ROW = "ava.brooks@contoso.com,ava@fabrikam.com,+1 2065550100\n"


class Shelf(AbstractFileSystem):  # type: ignore[misc] # fsspec has no types
    """A store that is a folder. `fault`: what it says instead of answering."""

    protocol = "s3"
    root: ClassVar[Path]
    fault: ClassVar[Exception | None] = None

    def _path(self, path: str) -> Path:
        if self.fault is not None:
            raise self.fault
        return self.root / str(self._strip_protocol(path))

    def _entry(self, path: Path) -> dict[str, Any]:
        found = path.stat()
        kind = "directory" if stat.S_ISDIR(found.st_mode) else "file"
        return {"name": path.relative_to(self.root).as_posix(), "size": found.st_size, "type": kind}

    def info(self, path: str, **_words: Any) -> dict[str, Any]:
        return self._entry(self._path(path))

    def ls(self, path: str, detail: bool = True, **_words: Any) -> list[Any]:  # noqa: ARG002
        return [*map(self._entry, self._path(path).iterdir()), self._entry(self._path(path))]

    def _open(self, path: str, mode: str = "rb", **_words: Any) -> Any:
        return self._path(path).open(mode)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "shelf"
    (folder / "hr" / "in" / "2025").mkdir(parents=True)
    (folder / "hr" / "in" / "a.csv").write_text(HEADER + ROW)
    (folder / "hr" / "in" / "b.csv").write_text(HEADER + ROW.replace("ava", "leo").replace("0100", "0101"))
    monkeypatch.setattr(Shelf, "root", folder, raising=False)
    monkeypatch.setattr(Shelf, "fault", None)
    monkeypatch.chdir(tmp_path)
    register_implementation("s3", Shelf, clobber=True)
    yield folder
    del _registry["s3"]


def _kept() -> list[Path]:
    return sorted((home() / "fetched").glob("*"))


# -- copies ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("shelf")
def test_a_copy_is_for_its_owner_only_and_goes_when_it_is_forgotten() -> None:
    with Stores() as stores:
        copy = stores.fetch("s3://hr/in/a.csv", home())
    assert copy.read_text() == HEADER + ROW
    if sys.platform != "win32":
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700
    remote.forget(copy, home())
    assert _kept() == []


@pytest.mark.parametrize("folder", ["fetched", "standard-input"])
def test_a_file_of_a_persons_own_stays_whatever_its_folder_is_called(folder: str, shelf: Path) -> None:
    own = shelf / folder / "a.csv"
    own.parent.mkdir()
    own.write_text(HEADER + ROW)
    assert main(["check", str(own), "--out", "out"]) == 0
    assert own.exists()


@pytest.mark.usefixtures("shelf")
def test_what_a_killed_run_left_goes_after_a_day() -> None:
    with Stores() as stores:
        old, fresh = (stores.fetch("s3://hr/in/a.csv", home()) for _ in range(2))
        os.utime(old, (time.time() - 25 * 3600,) * 2)
        newest = stores.fetch("s3://hr/in/a.csv", home())
    assert _kept() == sorted([fresh, newest])


@pytest.mark.usefixtures("shelf")
def test_nothing_stays_of_a_copy_that_broke_off(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_self: Shelf, _path: str, copy: str) -> None:
        Path(copy).write_text("half of it")
        raise OSError(errno.ENOSPC, "h1dden")

    monkeypatch.setattr(Shelf, "get_file", broken)
    with Stores() as stores, pytest.raises(InputError, match=r"no room for a copy of s3://hr/in/a\.csv"):
        stores.fetch("s3://hr/in/a.csv", home())
    assert _kept() == []


@pytest.mark.usefixtures("shelf")
def test_what_is_too_large_is_not_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "MOST_BYTES", 10)
    with Stores() as stores, pytest.raises(InputError, match=r"s3://hr/in/a\.csv is larger than"):
        stores.fetch("s3://hr/in/a.csv", home())
    assert _kept() == []


@pytest.mark.usefixtures("shelf")
def test_a_folder_is_listed_without_itself() -> None:
    with Stores() as stores:
        for url in ("s3://hr/in", "s3://hr/in/"):
            listing = stores.look(url)
            assert listing is not None
            assert (sorted(listing.files), listing.others) == (["a.csv", "b.csv"], ["2025"])
        assert stores.look("s3://hr/in/a.csv") is None


# -- what goes wrong ------------------------------------------------------------------------------


def _kind(name: str, *bases: type[Exception], **facts: Any) -> Exception:
    error: Exception = type(name, bases or (Exception,), facts)("h1dden sig=abc")
    return error


def _caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (FileNotFoundError("h1dden"), "There is no file or folder s3://hr/in/a.csv, or this sign-in"),
        (PermissionError("h1dden"), "This sign-in may not read s3://hr/in/a.csv (PermissionError)"),
        (
            _caused(
                PermissionError("h1dden"),
                _kind("ClientError", response={"Error": {"Code": "InvalidAccessKeyId", "Message": "h1dden"}}),
            ),
            "may not read s3://hr/in/a.csv (InvalidAccessKeyId)",
        ),
        (_kind("HttpResponseError", status_code=403, error_code="AuthorizationFailure"), "may not read"),
        (_kind("HttpResponseError", status_code=409, error_code="Paused"), "cannot be read (Paused)"),
        (_kind("NoCredentialsError"), "not signed in (NoCredentialsError). Set AWS_PROFILE"),
        (_kind("ClientAuthenticationError", error_code="h1dden text"), "not signed in (ClientAuth"),
        (ValueError("unable to connect to account for Must provide either h1dden"), "not signed in"),
        (ConnectionRefusedError("h1dden"), "the store cannot be reached (ConnectionRefusedError)"),
        (TimeoutError("h1dden"), "the store cannot be reached (TimeoutError)"),
        (_kind("EndpointConnectionError", _kind("HTTPClientError").__class__), "cannot be reached"),
        (_kind("Unheard"), "s3://hr/in/a.csv cannot be read (Unheard)."),
    ],
)
def test_what_goes_wrong_there_is_told_in_our_own_words(
    fault: Exception,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(Shelf, "fault", fault)
    assert main(["check", "s3://hr/in/a.csv", "--out", "out"]) == 2
    said = capsys.readouterr()
    assert told in said.err
    assert "h1dden" not in said.err + said.out
    assert "Traceback" not in said.err
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("url", "package", "extra"),
    [
        ("s3://hr/a.csv", "s3fs", "s3"),
        ("abfss://hr/a.csv", "adlfs", "azure"),
        ("sftp://files.contoso.com/a.csv", "paramiko", "sftp"),
    ],
)
def test_a_package_that_is_not_installed_is_named_by_its_extra(
    url: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, "fsspec.implementations.sftp", raising=False)
    with Stores() as stores, pytest.raises(InputError, match=rf"sspr-onboarding\[{extra}\]"):
        stores.look(url)


# -- a run ----------------------------------------------------------------------------------------


def test_a_run_reads_a_folder_elsewhere_and_names_the_urls(
    shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shelf / "hr" / "in" / "b.csv").write_text(HEADER + "nobody\n")
    assert main(["check", "s3://hr/in", "--out", "out"]) == 1
    assert "Not read in the folder s3://hr/in: 2025." in capsys.readouterr().err
    with Path("out/results.csv").open(newline="", encoding="utf-8-sig") as file:
        assert [row["file"] for row in csv.DictReader(file)] == ["s3://hr/in/a.csv", "s3://hr/in/b.csv"]
    report = json.loads(Path("out/report.json").read_text())
    sha256 = hashlib.sha256((HEADER + ROW).encode()).hexdigest()
    assert report["inputs"][0] == {**report["inputs"][0], "file": "s3://hr/in/a.csv", "sha256": sha256}
    assert Path("out/rejected.csv").exists()
    assert _kept() == []


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (["s3://hr/in/a.csv", "s3://hr/in/none.csv"], "There is no file or folder s3://hr/in/none.csv"),
        (["s3://hr/in/a.csv", "none.csv"], "There is no file none.csv"),
        (["s3://hr/in/empty.csv"], "s3://hr/in/empty.csv is empty"),
        (["s3://hr/in/a.csv", "sftp://u:h1dden@h/a.csv"], "A URL with a password"),
    ],
)
def test_no_copy_stays_where_the_run_cannot_start(
    files: list[str], told: str, shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shelf / "hr" / "in" / "empty.csv").touch()
    assert main(["check", *files]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert "h1dden" not in said
    assert _kept() == []


@pytest.mark.usefixtures("shelf")
def test_no_copy_stays_where_the_output_folder_cannot_be_made() -> None:
    Path("out").touch()
    assert main(["check", "s3://hr/in", "--out", "out"]) == 2
    assert _kept() == []


def _begin(ledger: Ledger, shelf: Path) -> str:
    request = JobRequest("check", ("s3://hr/in/a.csv",), SIMULATED, None, Options(), shelf.parent / "out")
    return Job.begin(ledger, Settings(), request, Host()).id


@pytest.mark.parametrize("copy_is_there", [True, False])
def test_a_run_that_was_killed_before_it_read_goes_on(copy_is_there: bool, shelf: Path) -> None:
    with closing(Ledger.open(None, home())) as ledger:
        run_id = _begin(ledger, shelf)
        [copy] = _kept()
        (shelf / "hr" / "in" / "a.csv").write_text(HEADER + ROW * 2)
        if not copy_is_there:
            copy.unlink()
        job = Job.load(ledger, Settings(), run_id, Host())
        job.carry_out()
        report = job.close()
    rows = 1 if copy_is_there else 2
    [source] = report["inputs"]
    assert (source["file"], source["rows"]) == ("s3://hr/in/a.csv", rows)
    # What is hashed is what was read, whatever lies there by now.
    assert source["sha256"] == hashlib.sha256((HEADER + ROW * rows).encode()).hexdigest()
    assert _kept() == []


def test_a_run_that_finds_its_file_gone_says_so(shelf: Path) -> None:
    with closing(Ledger.open(None, home())) as ledger:
        run_id = _begin(ledger, shelf)
        for path in (*_kept(), shelf / "hr" / "in" / "a.csv"):
            path.unlink()
        with pytest.raises(CannotStart, match=r"no file or folder s3://hr/in/a\.csv"):
            Job.load(ledger, Settings(), run_id, Host()).carry_out()


@pytest.mark.usefixtures("shelf")
def test_the_simulated_tenant_is_filled_from_files_of_this_machine(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["simulate", "--for", "s3://hr/in/a.csv"]) == 2
    assert "files of this machine only" in capsys.readouterr().err
