"""From what a person names on a command line, or in a flow's form, to files that can be judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from sspr.contacts.country import region
from sspr.errors import CannotStart
from sspr.input import remote, standard
from sspr.input.places import input_files
from sspr.input.table import ReadOptions, Table, open_table
from sspr.input.urls import is_url
from sspr.ledger import NewRow, RowState, RunLedger
from sspr.settings import home
from sspr.stages.context import Options

File = tuple[Path, str]


@contextmanager
def taken(names: Sequence[str], options: Options) -> Iterator[tuple[list[File], list[str]]]:
    """The input files, each with the name by which a person knows it; and what in folders is left out, in sentences.

    Standard input and what a URL names are copied, and the copies kept until they were judged; where the block ends
    with an error, nothing of them stays. Raises `CannotStart` that names the file which is no readable table.
    """
    files: list[File] = []
    try:
        with remote.Stores() as stores:
            inputs = input_files(names, stores.look)
            for path, name in inputs.files:
                files.append((path or _brought(name, stores), name))
        open_tables(files, options)
        yield files, inputs.left_out
    except BaseException:
        forget(files)
        raise


def at_hand(files: Iterable[File]) -> list[File]:
    """The files of a run that is taken up: of a URL whose copy is gone (another machine, long ago) a new one.
    Raises `CannotStart`.
    """
    with remote.Stores() as stores:
        return [
            (stores.fetch(name, home()) if is_url(name) and not path.exists() else path, name)
            for path, name in files
        ]


def _brought(name: str, stores: remote.Stores) -> Path:
    return standard.spool(home()) if name == standard.STANDARD_INPUT else stores.fetch(name, home())


def known(origin: RunLedger) -> AbstractContextManager[tuple[list[File], list[str]]]:
    """The same of an earlier run, whose rows are taken over: its files are not opened again."""
    files = [(Path(source.path), source.name) for source in origin.sources()]
    return nullcontext((files, []))


def take_over(run: RunLedger, origin: RunLedger) -> None:
    """All rows of the run that is to be undone, at once or not at all, so that each is told of in the undo's report."""
    sources = [source.facts for source in origin.sources() if source.facts is not None]
    rows = (
        NewRow(row.source, row.line, row.cells, row.upn, row.email, row.phone, RowState.READ, (), ())
        for row in origin.every_row()
    )
    run.take_in(sources, rows)


def require_country(code: str | None) -> None:
    """Raises `CannotStart` for a default country that is none."""
    if code and not region(code):
        raise CannotStart(f"The default country {code!r} is no ISO 3166 code of a country, such as US.")


def open_tables(files: Sequence[File], options: Options) -> list[Table]:
    """The files, opened and their headers understood. Raises `CannotStart` that names the file."""
    reading = ReadOptions(options.mapping, options.encoding, options.profile)
    return [open_table(path, name, reading) for path, name in files]


def forget(files: Sequence[File]) -> None:
    """Removes the copies that were kept of standard input and of URLs."""
    for path, _ in files:
        standard.forget(path, home())
        remote.forget(path, home())


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
