"""What is named on the command line → the input files: files, folders of files, standard input."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from sspr.input.errors import InputError
from sspr.input.standard import STANDARD_INPUT
from sspr.masking import mask_text

READABLE = frozenset({".csv", ".txt", ".tsv", ".xlsx", ".xlsm"})
# Tables too, which are refused by name: passing over one in a folder could leave administrators out.
_OTHER_TABLES = frozenset({".xls", ".xlsb", ".ods", ".numbers", ".zip", ".gz", ".7z"})
_NAMED_AT_MOST = 8
# What a run's output folder holds.
_OUTPUT = frozenset({"report.json", "results.csv"})


def input_files(names: Sequence[str]) -> list[tuple[Path, str]]:
    """The files to read, each with the name it is shown by, in the order in which they were named.

    A folder stands for the tables directly in it, by name. What is named twice is read once. `-` stays `-`. Raises
    `InputError` for a folder without tables, for one that holds tables which cannot be read, and for the output
    folder of a run; a file that is not there is for `open_table` to refuse.
    """
    files: list[tuple[Path, str]] = []
    seen: set[object] = set()
    for name in names:
        for path, shown in _named(name):
            if not _is_text(shown):
                raise InputError(f"The file {shown!a} has a name that is no text. Give it another one.")
            identity = _identity(path)
            if identity not in seen:
                seen.add(identity)
                files.append((path, shown))
    return files


def left_out(names: Sequence[str]) -> list[str]:
    """What in the named folders is not read, in sentences: folders in them, and files of other endings."""
    said = []
    for name in names:
        path = Path(name).expanduser()
        if name != STANDARD_INPUT and os.path.isdir(path):  # noqa: PTH112
            others = sorted(
                entry.name
                for entry in os.scandir(path)
                if not entry.name.startswith((".", "~$"))
                and (entry.is_dir() or _ending(entry.name) not in READABLE)
            )
            if others:
                shown = ", ".join(mask_text(other) for other in others[:_NAMED_AT_MOST])
                more = f" and {len(others) - _NAMED_AT_MOST} more" if len(others) > _NAMED_AT_MOST else ""
                said.append(f"Not read in the folder {name}: {shown}{more}.")
    return said


def _named(name: str) -> Iterator[tuple[Path, str]]:
    if name == STANDARD_INPUT:
        yield Path(name), name
        return
    try:
        path = Path(name).expanduser().absolute()
    except RuntimeError:
        raise InputError(f"{name}: there is no such home folder.") from None
    if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where a name is too long
        yield from ((path / file, str(Path(name) / file)) for file in _tables(path, name))
    else:
        yield path, name


def _tables(folder: Path, name: str) -> list[str]:
    try:
        inside = sorted(
            (entry.name for entry in os.scandir(folder) if entry.is_file()),
            key=lambda file: (file.casefold(), file),
        )
    except OSError as error:
        raise InputError(f"The folder {name} cannot be read: {error.strerror}.") from None
    if set(inside) >= _OUTPUT:
        raise InputError(
            f"The folder {name} is the output of a run. To give back what you mended, name the file: "
            f"{Path(name) / 'rejected.csv'}."
        )
    visible = [file for file in inside if not file.startswith((".", "~$"))]  # ~$: open in Excel right now
    other = [file for file in visible if _ending(file) in _OTHER_TABLES]
    if other:
        raise InputError(
            f"The folder {name} holds {other[0]}, which cannot be read. Save it as CSV UTF-8 or as an Excel workbook "
            f"(.xlsx), move it elsewhere, or name the files that are meant."
        )
    tables = [file for file in visible if _ending(file) in READABLE]
    if not tables:
        raise InputError(f"The folder {name} holds no table: no .csv, .tsv, .txt, .xlsx or .xlsm file.")
    return tables


def _is_text(name: str) -> bool:
    """Whether a name can be written down: those of old archives may be bytes in no encoding."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _ending(file: str) -> str:
    return os.path.splitext(file)[1].casefold()  # noqa: PTH122


def _identity(path: Path) -> object:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return str(path)
    return (found.st_dev, found.st_ino) if found.st_ino else os.path.realpath(path)
