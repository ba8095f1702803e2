"""What is named on the command line → the input files: files, folders of files, URLs of both, standard input."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from sspr.input import urls
from sspr.input.errors import InputError
from sspr.input.standard import STANDARD_INPUT
from sspr.masking import mask_text

READABLE = frozenset({".csv", ".txt", ".tsv", ".xlsx", ".xlsm"})
# Tables too, which are refused by name: passing over one in a folder could leave administrators out.
_OTHER_TABLES = frozenset({".xls", ".xlsb", ".ods", ".numbers", ".zip", ".gz", ".7z"})
_NAMED_AT_MOST = 8
# What a run's output folder holds.
_OUTPUT = frozenset({"report.json", "results.csv"})

_Named = tuple[Path | None, str]


@dataclass(frozen=True, slots=True)
class Listing:
    """The names of what lies directly in a folder. `others`: folders, and what else is no file."""

    files: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Inputs:
    """`files`: the path of each and the name it is shown by; without a path it is yet to be brought, by that name: a
    URL, or `-`. `left_out`: what in the named folders is not read, in sentences.
    """

    files: list[_Named] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


Look = Callable[[str], Listing | None]


def input_files(names: Sequence[str], look: Look) -> Inputs:
    """The files to read, in the order in which they were named.

    A folder stands for the tables directly in it, by name. What is named twice is read once. `look`: what lies in the
    folder of a URL, None where it is that of a file. Raises `InputError` for a folder without tables, for one that
    holds tables which cannot be read, for the output folder of a run, and for a URL that is not read; a file that is
    not there is for `open_table` to refuse.
    """
    inputs = Inputs()
    seen: set[object] = set()
    for name in names:
        for path, shown in _named(name, look, inputs.left_out):
            if not _is_text(shown):
                raise InputError(f"The file {shown!a} has a name that is no text. Give it another one.")
            identity = _identity(path) if path else shown
            if identity not in seen:
                seen.add(identity)
                inputs.files.append((path, shown))
    return inputs


def _named(name: str, look: Look, left_out: list[str]) -> Iterator[_Named]:
    if name == STANDARD_INPUT:
        yield None, name
    elif not urls.is_url(name):
        yield from _here(name, left_out)
    elif urls.scheme_of(name) == "file":
        yield from _here(urls.local_path(name), left_out)
    else:
        url = urls.checked(name)
        yield from ((None, each) for each in _elsewhere(url, look, left_out))


def _here(name: str, left_out: list[str]) -> Iterator[_Named]:
    try:
        path = Path(name).expanduser().absolute()
    except RuntimeError:
        raise InputError(f"{name}: there is no such home folder.") from None
    if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where a name is too long
        tables = _tables(_listing(path, name), name, str(Path(name) / "rejected.csv"), left_out)
        yield from ((path / file, str(Path(name) / file)) for file in tables)
    else:
        yield path, name


def _elsewhere(url: str, look: Look, left_out: list[str]) -> Iterator[str]:
    pattern = urls.pattern_of(url)
    if pattern:
        folder, wanted = pattern
        listing = look(folder)
        found = [file for file in listing.files if fnmatchcase(file, wanted)] if listing else []
        if not found:
            raise InputError(f"No file is called like {url}.")
        yield from (urls.in_folder(folder, file) for file in _by_name(found) if not _hidden(file))
        return
    listing = look(url)
    if listing is None:
        yield url
    else:
        tables = _tables(listing, url, urls.in_folder(url, "rejected.csv"), left_out)
        yield from (urls.in_folder(url, file) for file in tables)


def _listing(folder: Path, name: str) -> Listing:
    listing = Listing()
    try:
        for entry in os.scandir(folder):
            (listing.files if entry.is_file() else listing.others).append(entry.name)
    except OSError as error:
        raise InputError(f"The folder {name} cannot be read: {error.strerror}.") from None
    return listing


def _tables(listing: Listing, name: str, mended: str, left_out: list[str]) -> list[str]:
    """The tables of a folder; what else it holds is told in `left_out`."""
    if set(listing.files) >= _OUTPUT:
        raise InputError(
            f"The folder {name} is the output of a run. To give back what you mended, name the file: {mended}."
        )
    visible = [file for file in _by_name(listing.files) if not _hidden(file)]
    refused = [file for file in visible if _ending(file) in _OTHER_TABLES]
    if refused:
        raise InputError(
            f"The folder {name} holds {refused[0]}, which cannot be read. Save it as CSV UTF-8 or as an Excel workbook "
            f"(.xlsx), move it elsewhere, or name the files that are meant."
        )
    tables = [file for file in visible if _ending(file) in READABLE]
    if not tables:
        raise InputError(f"The folder {name} holds no table: no .csv, .tsv, .txt, .xlsx or .xlsm file.")
    others = sorted({*visible, *(other for other in listing.others if not _hidden(other))}.difference(tables))
    if others:
        shown = ", ".join(mask_text(other) for other in others[:_NAMED_AT_MOST])
        more = f" and {len(others) - _NAMED_AT_MOST} more" if len(others) > _NAMED_AT_MOST else ""
        left_out.append(f"Not read in the folder {name}: {shown}{more}.")
    return tables


def _by_name(files: Sequence[str]) -> list[str]:
    return sorted(files, key=lambda file: (file.casefold(), file))


def _hidden(file: str) -> bool:
    return file.startswith((".", "~$"))  # ~$: open in Excel right now


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
