"""An input file, opened: what it is (`source`) and its rows, in blocks or one at a time."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import file_digest
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from sspr.input.blocks import Block, Dialect, text_blocks
from sspr.input.encoding import inspect, known_encoding
from sspr.input.errors import InputError
from sspr.input.header import Head, Understood, understand
from sspr.input.records import Record, Records
from sspr.input.shape import Shape
from sspr.input.signature import OLE, Kind, foreign_kind, is_zip, ole_kind, zip_kind
from sspr.model import Row, Source

if TYPE_CHECKING:
    from sspr.input.workbook import Sheet

DELIMITERS = ",;\t|"
HEAD_RECORDS = 20
WORKBOOK = "xlsx"
_HEAD_BYTES = 4096
_SAID = re.compile(
    r'"?sep=(?P<delimiter>[^\w\s"]|\t)"?[,;\t ]*[\r\n]*', re.IGNORECASE
)  # as Excel writes and reads it


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read what is not as expected.

    `mapping`: header as it stands in the file → canonical column. `encoding`: a name that Python knows; without
    it the encoding is found. `profile`: the name of an input template; without it the headers decide.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class _Text:
    """A file of text that was read once already. `errors`: what becomes of bytes that are no text, as `open` has it."""

    path: Path
    name: str
    encoding: str
    errors: str

    def blocks(self, dialect: Dialect) -> Iterator[Block]:
        try:
            with self.path.open(encoding=self.encoding, errors=self.errors, newline="") as file:
                yield from text_blocks(file, dialect)
        except (OSError, UnicodeError):
            raise InputError(f"{self.name} was changed or removed while it was read. Start again.") from None

    def heads(self) -> list[Head]:
        """The first records in each dialect the file may have; none where it has no records. A first line `sep=;` is
        obeyed.
        """
        with self.path.open(encoding=self.encoding, errors=self.errors, newline="") as file:
            first = file.readline()
            said = _SAID.fullmatch(first)
            # Some write 'a';'b';'it''s' (UKG's files for documents).
            quotes = "'\"" if (file.readline() if said else first).lstrip("\ufeff").startswith("'") else '"'
        heads = []
        for quote in quotes:
            for delimiter in [said[1]] if said else DELIMITERS:
                dialect = Dialect(delimiter, quote)
                with self.path.open(encoding=self.encoding, errors=self.errors, newline="") as file:
                    records = (
                        record for record in Records(file, delimiter, quote) if not said or record.line > 1
                    )
                    head = Head(dialect, tuple(islice(records, HEAD_RECORDS)))
                if head.records and (quote == '"' or len(head.records[0].cells) > 1):
                    heads.append(head)
        return heads


@dataclass(frozen=True, slots=True)
class _Cells:
    """A sheet of a workbook. It has no dialect: its records are read already."""

    sheet: Sheet

    def blocks(self, _dialect: Dialect) -> Iterator[Block]:
        return self.sheet.blocks()


@dataclass(frozen=True, slots=True)
class Table:
    """One input file whose header was understood. `blocks` and `rows` read it anew each time."""

    source: Source
    shape: Shape
    dialect: Dialect
    _content: _Text | _Cells

    def blocks(self) -> Iterator[Block]:
        """All of the file, header included, in blocks of whole records. Raises `InputError` where the file changed
        meanwhile, and for a workbook that is damaged further down.
        """
        return self._content.blocks(self.dialect)

    def rows(self) -> Iterator[Row]:
        """The data rows in the order of the file; wholly empty ones are left out."""
        for block in self.blocks():
            for record in block.read(self.dialect):
                row = self.shape.row(record)
                if row is not None:
                    yield row


def open_table(path: Path, name: str, options: ReadOptions) -> Table:
    """The table in the file at `path`, called `name` to a person.

    Raises `InputError` where it is no readable table: not there, a folder, neither text nor a workbook, not in the
    encoding, without the needed columns, or without rows.
    """
    wanted = known_encoding(options.encoding, name) if options.encoding else None
    if "\0" in str(path):
        raise InputError(f"{name!r} cannot be a file's name.")
    try:
        head = _beginning(path, name)
        if not head.strip():
            raise InputError(f"{name} is empty.")
        kind = _foreign(path, head, wanted)
        if kind is not None:
            raise InputError(f"{name} is {kind.what}, not a CSV file or an Excel workbook. {kind.advice}")
        if is_zip(head):
            return _open_workbook(path, name, options)
        text = inspect(path, name, wanted)
    except FileNotFoundError:
        raise InputError(f"There is no file {name}.") from None
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}.") from None
    content = _Text(path, name, text.encoding, text.errors)
    heads = content.heads()
    if not heads:
        raise InputError(f"{name} is empty.")
    understood = understand(heads, options.mapping, options.profile, name)
    table = _table(name, text.sha256, text.encoding, understood, text.notes, content)
    table = replace(table, shape=replace(table.shape, surplus=_surplus(understood, heads)))
    if next(table.rows(), None) is None:
        raise InputError(_without_rows(name))
    return table


def _table(
    name: str,
    sha256: str,
    encoding: str,
    understood: Understood,
    notes: Sequence[str],
    content: _Text | _Cells,
) -> Table:
    columns = understood.columns
    source = Source(
        name=name,
        sha256=sha256,
        encoding=encoding,
        delimiter=understood.dialect.delimiter,
        header=columns.header,
        columns={column: places[0] for column, places in columns.canonical.items()},
        notes=(*notes, *columns.notes),
        profile=understood.profile,
    )
    shape = Shape(
        header_line=understood.header.line,
        width=len(understood.header.cells),
        named=max(n for n, cell in enumerate(understood.header.cells, 1) if cell.strip()),
        kept=columns.kept,
        canonical=tuple(columns.canonical.items()),
        skipped=understood.skipped,
        lists=columns.lists,
        guarded=columns.guarded,
        passwords=columns.passwords,
    )
    return Table(source, shape, understood.dialect, content)


def _without_rows(name: str) -> str:
    return f"{name} has a header but no rows. Fill in one line for each administrator."


def _beginning(path: Path, name: str) -> bytes:
    """The first bytes of a regular file: a pipe could be read only once, and a device has no end."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise InputError(f"{name} is a folder. Name the CSV file in it.")
    if not stat.S_ISREG(mode):
        raise InputError(f"{name} is a pipe or a device, not a file. Pipe it in, and name - as the file.")
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)


def _foreign(path: Path, head: bytes, wanted: str | None) -> Kind | None:
    if is_zip(head):
        return zip_kind(path)
    return ole_kind(path) if head.startswith(OLE) else foreign_kind(head, wanted)


def _open_workbook(path: Path, name: str, options: ReadOptions) -> Table:
    """The one sheet of a workbook that is a table of administrators; two that are are not chosen between."""
    # openpyxl is a fifth of a second of imports, which a file of text does not need.
    from sspr.input.workbook import sheets

    with path.open("rb") as file:
        sha256 = file_digest(file, "sha256").hexdigest()
    fitting: list[tuple[Sheet, Understood]] = []
    others: list[Sheet] = []
    refusals: list[tuple[int, InputError]] = []
    for bare in sheets(path, name):
        sheet, records = _head_of(bare)
        if not records:
            continue
        shown = f'{name}, sheet "{sheet.title}"'
        try:
            understood = understand([Head(Dialect(","), records)], options.mapping, options.profile, shown)
            if sheet.hidden:
                raise InputError(f"{shown} is hidden. Show it in Excel, and save the workbook.")
            table = _table(shown, sha256, WORKBOOK, understood, (), _Cells(sheet))
            if next(table.rows(), None) is None:
                raise InputError(_without_rows(shown))
            fitting.append((sheet, understood))
        except InputError as error:
            others.append(sheet)
            refusals.append((sheet.width, error))
    if not fitting:
        # The widest is the likeliest to be meant.
        raise max(refusals, key=itemgetter(0))[1] if refusals else InputError(f"{name} is empty.")
    if len(fitting) > 1:
        raise InputError(
            f"{name} has several sheets of administrators: {_titles(sheet for sheet, _ in fitting)}. "
            f"Save each as a file of its own, or delete those that are not meant."
        )
    sheet, understood = fitting[0]
    notes = (f'Only the sheet "{sheet.title}" was read, not {_titles(others)}.',) if others else ()
    return _table(name, sha256, WORKBOOK, understood, notes, _Cells(sheet))


def _head_of(sheet: Sheet) -> tuple[Sheet, tuple[Record, ...]]:
    """The sheet, as wide as its first records are, and those."""
    records = tuple(islice(sheet.records(), HEAD_RECORDS))
    sheet = replace(sheet, width=max((len(record.cells) for record in records), default=0))
    return sheet, tuple(map(sheet.widened, records))


def _titles(sheets: Iterable[Sheet]) -> str:
    return ", ".join(f'"{sheet.title}"' for sheet in sheets)


def _surplus(understood: Understood, heads: Sequence[Head]) -> int:
    """How many blank cells more than the header every row seems to have; 0 where the first rows differ, or are too few
    to tell a habit from a row whose cells were moved.
    """
    header = understood.header
    records = next(head.records for head in heads if head.dialect == understood.dialect)
    rows = [each.cells for each in records if each.line > header.line and each.line not in understood.skipped]
    more = {len(cells) - len(header.cells) for cells in rows}
    if (
        len(rows) < 2
        or len(more) > 1
        or any(any(map(str.strip, cells[len(header.cells) :])) for cells in rows)
    ):
        return 0
    return max(0, *more, 0)
