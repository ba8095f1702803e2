from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sspr.errors import CannotStart
from sspr.files import atomic_text, private_folder, remove_unfinished

posix = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows keeps others out by access lists, not modes"
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@posix
@pytest.mark.parametrize("before", [None, 0o755, 0o700, 0o777])
def test_a_folder_is_made_or_closed_to_others(tmp_path: Path, before: int | None) -> None:
    folder = tmp_path / "runs" / "one"
    if before is not None:
        folder.mkdir(parents=True)
        folder.chmod(before)
        (folder / "there-before").touch()
    assert private_folder(folder) == folder
    assert mode(folder) == 0o700


@posix
def test_a_folder_shared_by_all_is_not_closed(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "of somebody").touch()
    shared.chmod(0o1777)
    with pytest.raises(CannotStart, match="not ours to close"):
        private_folder(shared)
    assert mode(shared) == 0o1777


def test_the_home_folder_is_not_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "of somebody").touch()
    tmp_path.chmod(0o755)
    if sys.platform != "win32":
        with pytest.raises(CannotStart, match="not ours to close"):
            private_folder(tmp_path)
    assert (tmp_path / "of somebody").exists()


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_where_a_file_stands_no_folder_is_made(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CannotStart):
        private_folder(tmp_path / place)
    assert (tmp_path / "file").read_text() == "mine"


@posix
def test_a_file_is_private_from_its_first_byte(tmp_path: Path) -> None:
    old_mask = os.umask(0)
    try:
        with atomic_text(tmp_path / "a") as file:
            file.write("secret")
            file.flush()
            assert [mode(path) for path in tmp_path.iterdir()] == [0o600]
    finally:
        os.umask(old_mask)
    assert mode(tmp_path / "a") == 0o600


@posix
def test_a_file_that_others_could_read_is_replaced_by_one_they_cannot(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    path.chmod(0o644)
    with atomic_text(path) as file:
        file.write("new")
    assert (mode(path), path.read_text()) == (0o600, "new")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "a"
    path.write_text("old")

    def write() -> None:
        with atomic_text(path) as file:
            file.write("half of the new")
            raise error

    with pytest.raises(error):
        write()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@posix
def test_a_kill_leaves_the_old_file_and_what_is_unfinished_can_be_removed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    program = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom sspr.files import atomic_text\n"
        "with atomic_text(Path(sys.argv[1])) as file:\n"
        "    file.write('half of the new'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2
    remove_unfinished(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "bytes_"), [("a\r\nb\nc\r", b"a\r\nb\nc\r"), ("é\ud800", b"\xc3\xa9\\ud800")]
)
def test_text_is_written_as_given(tmp_path: Path, text: str, bytes_: bytes) -> None:
    with atomic_text(tmp_path / "a") as file:
        file.write(text)
    assert (tmp_path / "a").read_bytes() == bytes_
