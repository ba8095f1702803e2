"""Files by SFTP, from a server on loopback: only a host that is known is asked, and only with a key."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

paramiko = pytest.importorskip("paramiko", reason="needs the extra sftp")

from sspr.cli.main import main  # noqa: E402
from sspr.input.errors import InputError  # noqa: E402
from sspr.input.remote import Stores  # noqa: E402
from sspr.settings import home  # noqa: E402
from tests.fakes.sftp import SftpServer  # noqa: E402

HEADER = "user_principal_name,alternate_email,mobile_phone\n"
ROW = "ava.brooks@contoso.com,ava@fabrikam.com,+1 2065550100\n"


@pytest.fixture
def owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder of who asks."""
    folder = tmp_path / "owner"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpServer]:
    folder = tmp_path / "served" / "in"
    (folder / "2025").mkdir(parents=True)
    (folder / "a.csv").write_text(HEADER + ROW)
    (folder / "link.csv").symlink_to(folder / "a.csv")
    (folder / "broken.csv").symlink_to(folder / "gone")
    with SftpServer(tmp_path / "served") as served:
        yield served


def _clients() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if getattr(thread, "server_mode", None) is False]


def test_a_folder_and_a_file_are_read(owner: Path, server: SftpServer) -> None:
    server.let_in(owner)
    with Stores() as stores:
        listing = stores.look(f"{server.url}/in")
        assert listing is not None
        assert (sorted(listing.files), sorted(listing.others)) == (
            ["a.csv", "link.csv"],
            ["2025", "broken.csv"],
        )
        assert stores.look(f"{server.url}/in/a.csv") is None
        copy = stores.fetch(f"{server.url}/in/a.csv", home())
        assert copy.read_text() == HEADER + ROW
        assert len(_clients()) == 1  # signed in to once
    for thread in _clients():
        thread.join(10)
    assert _clients() == []


def test_a_run_reads_by_sftp(owner: Path, server: SftpServer) -> None:
    server.let_in(owner)
    assert main(["check", f"{server.url}/in/a*.csv", "--out", "out"]) == 0
    assert f"{server.url}/in/a.csv" in Path("out/results.csv").read_text()


def test_a_file_that_is_not_there_is_told(owner: Path, server: SftpServer) -> None:
    server.let_in(owner)
    with Stores() as stores, pytest.raises(InputError, match=r"no file or folder sftp://.*/in/none\.csv"):
        stores.look(f"{server.url}/in/none.csv")


def test_a_host_that_is_not_known_is_not_asked(owner: Path, server: SftpServer) -> None:
    server.let_in(owner)
    (owner / ".ssh" / "known_hosts").unlink()
    with Stores() as stores, pytest.raises(InputError, match=r"is not in ~/\.ssh/known_hosts"):
        stores.look(f"{server.url}/in")
    assert not (owner / ".ssh" / "known_hosts").exists()
    assert server.sign_ins == 0


def test_a_host_with_another_key_is_not_asked(owner: Path, server: SftpServer) -> None:
    server.let_in(owner, host_key=paramiko.RSAKey.generate(2048))
    with Stores() as stores, pytest.raises(InputError, match="showed another SSH key"):
        stores.look(f"{server.url}/in")
    assert server.sign_ins == 0


@pytest.mark.parametrize("another_key", [True, False])
def test_who_is_not_let_in_is_told(another_key: bool, owner: Path, server: SftpServer) -> None:
    server.let_in(owner)
    key = owner / ".ssh" / "id_rsa"
    key.unlink()
    if another_key:
        paramiko.RSAKey.generate(2048).write_private_key_file(str(key))
    with Stores() as stores, pytest.raises(InputError, match=r"not signed in .* SSH agent"):
        stores.look(f"{server.url}/in")


def test_a_host_that_does_not_answer_is_told(owner: Path, server: SftpServer) -> None:
    server.let_in(owner)
    server.stop()
    with Stores() as stores, pytest.raises(InputError, match="the store cannot be reached"):
        stores.look(f"{server.url}/in")
