"""Files that only their owner may read, and that are whole or not there: reports, plans, token caches.

On Windows the modes are best effort: there, what keeps others out is the access list that a file inherits
from its folder, which in a user's profile admits that user alone.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from sspr.errors import CannotStart

_PRIVATE_FOLDER = 0o700
_OTHERS = 0o077
_PART = ".part"


def private_folder(path: Path) -> Path:
    """Make `path` a folder that only its owner may enter (mode 0700), and return it.

    A folder that is there already is closed to others, unless it is plainly not ours to close: somebody
    else's, one shared by all (`/tmp`), the home folder, or the top of the file system with something in it.

    Raises:
        CannotStart: it is no folder, cannot be made, or may not be closed to others.
    """
    try:
        path.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        if sys.platform != "win32" and stat.S_IMODE(path.stat().st_mode) & _OTHERS:
            if not _ours_to_close(path):
                raise CannotStart(
                    f"{path} can be read by others, and is not ours to close to them. "
                    f"Name a folder that does not exist yet, or an empty one of your own."
                )
            path.chmod(_PRIVATE_FOLDER)
    except FileExistsError:
        raise CannotStart(f"{path} is a file; a folder is needed there.") from None
    except OSError as error:
        raise CannotStart(
            f"The folder {path} cannot be made or closed to others: {error.strerror}."
        ) from None
    return path


def _ours_to_close(path: Path) -> bool:
    if sys.platform == "win32":
        return False
    held, resolved = path.stat(), path.resolve()
    if held.st_uid != os.geteuid() or held.st_mode & stat.S_ISVTX:
        return False
    top = resolved.parent in (resolved, Path(resolved.anchor))
    return not (top or resolved == Path.home().resolve()) or not any(path.iterdir())


@contextmanager
def atomic_text(path: Path) -> Iterator[TextIO]:
    """A UTF-8 text file object whose content takes the place of `path` when the block ends.

    It is written beside `path` under another name, with mode 0600 from its first byte, flushed to the disk,
    and then renamed over `path`. So a reader, an exception in the block or a kill at any moment finds the old
    file whole or the new one whole. When the block has ended, the new one also survives a power cut, as far as
    the disk keeps what it has confirmed (on Windows a folder's entry cannot be flushed: after a power cut
    the old one may be there, whole). A kill can leave the unfinished `.<name>.*.part` behind: see
    `remove_unfinished`. Line ends are written as given; a lone surrogate, which UTF-8 cannot hold, is written
    as its escape.

    Raises:
        OSError: no room, no permission, or (Windows) another program holds `path` open.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_PART, dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    _flush_entry(path.parent)


def remove_unfinished(folder: Path) -> None:
    """Remove what killed writers left in `folder`. Only where nobody else can be writing there right now."""
    for part in folder.glob(f".*{_PART}"):
        part.unlink(missing_ok=True)


def _flush_entry(folder: Path) -> None:
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:  # some network file systems refuse to flush a folder; the rename itself has been made
        pass
    finally:
        os.close(handle)
