"""Standard input as a file: a table is read more than once, and a run that was killed reads its input again."""

from __future__ import annotations

import secrets
import shutil
import sys
from pathlib import Path
from typing import BinaryIO

from sspr.files import private_folder
from sspr.input.errors import InputError

STANDARD_INPUT = "-"
_FOLDER = "standard-input"


def spool(home: Path, stream: BinaryIO | None = None) -> Path:
    """Writes all of standard input to a file of mode 0600 in `home`, and returns it. Raises `InputError`."""
    if stream is None and sys.stdin.isatty():
        raise InputError("- reads standard input, and nothing is piped into it. Name a file, or pipe one.")
    path = private_folder(home / _FOLDER) / f"{secrets.token_hex(8)}.csv"
    path.touch(mode=0o600)
    with path.open("wb") as file:
        shutil.copyfileobj(stream or sys.stdin.buffer, file)
    return path


def forget(path: Path, home: Path) -> None:
    """Removes a file that `spool` made in `home`; leaves any other alone."""
    if path.parent == home / _FOLDER:
        path.unlink(missing_ok=True)
