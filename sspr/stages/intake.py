"""From what a person names on a command line, or in a flow's form, to files that can be judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from sspr.contacts.country import region
from sspr.errors import CannotStart
from sspr.input import standard
from sspr.input.places import input_files
from sspr.input.table import ReadOptions, Table, open_table
from sspr.settings import home
from sspr.stages.context import Options

File = tuple[Path, str]


def take(names: Sequence[str], options: Options) -> list[File]:
    """The input files, each with the name by which a person knows it. Standard input is kept until it was judged.

    Raises `CannotStart` that names the file which is no readable table.
    """
    files = [
        (standard.spool(home()) if name == standard.STANDARD_INPUT else path, name)
        for path, name in input_files(names)
    ]
    try:
        open_tables(files, options)
    except CannotStart:
        forget(files)
        raise
    return files


def require_country(code: str | None) -> None:
    """Raises `CannotStart` for a default country that is none."""
    if code and not region(code):
        raise CannotStart(f"The default country {code!r} is no ISO 3166 code of a country, such as US.")


def open_tables(files: Sequence[File], options: Options) -> list[Table]:
    """The files, opened and their headers understood. Raises `CannotStart` that names the file."""
    reading = ReadOptions(options.mapping, options.encoding, options.profile)
    return [open_table(path, name, reading) for path, name in files]


def forget(files: Sequence[File]) -> None:
    """Removes what was kept of standard input."""
    for path, _ in files:
        standard.forget(path)


def size(files: Sequence[File]) -> int:
    """Bytes of all files together."""
    return sum(path.stat().st_size for path, _ in files)


def without_mail(domains: set[str], tell: Callable[[str], None]) -> frozenset[str]:
    """Those of the mail domains that take no mail, as the DNS says. Asks the network; `tell` is given what it knew."""
    from sspr.mailhosts import Verdict, look_up

    found = look_up(domains)
    unknown = sum(verdict is Verdict.UNKNOWN for verdict in found.values())
    silent = f"; of {unknown:,} it could not say, and nothing is said of them" if unknown else ""
    tell(f"The DNS was asked about {len(found):,} mail domains{silent}.")
    return frozenset(domain for domain, verdict in found.items() if verdict is Verdict.NO_MAIL)
