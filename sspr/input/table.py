"""A CSV file, opened: what it is (`source`) and its rows, one at a time."""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sspr.cells import unguard_cell
from sspr.input.errors import InputError
from sspr.input.header import Columns, resolve, score
from sspr.input.records import Record, read_records
from sspr.input.signature import SAVE_AS, foreign_kind, wide_encoding
from sspr.model import Row, Source

DELIMITERS = ",;\t|"
_CHUNK = 1 << 20
_SAID = re.compile(
    r'"?sep=(?P<delimiter>[^\w\s"]|\t)"?[,;\t ]*[\r\n]*', re.IGNORECASE
)  # as Excel writes and reads it


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read what is not as expected.

    `mapping`: header as it stands in the file → canonical column. `encoding`: a name that Python knows; without
    it the file must be UTF-8.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One input file whose header was understood. `rows` reads it anew each time."""

    source: Source
    _path: Path
    _columns: Columns
    _width: int
    _header_line: int

    def rows(self) -> Iterator[Row]:
        """The data rows in the order of the file; wholly empty ones are left out."""
        with self._path.open(encoding=self.source.encoding, newline="") as file:
            records = read_records(file, self.source.delimiter)
            for record in records:
                if record.line > self._header_line:
                    yield self._row(record)

    def _row(self, record: Record) -> Row:
        cells = record.cells
        if len(cells) > self._width and not any(cell.strip() for cell in cells[self._width :]):
            cells = cells[: self._width]  # separators after the last column shift nothing
        malformed = record.fault
        if malformed is None and len(cells) != self._width:
            malformed = f"{_count(len(cells), 'cell')}, the header has {self._width}"
        if malformed is not None:
            return Row(record.line, self._shown(cells), {}, malformed)
        kept = [cells[index] for index in self._columns.kept]
        if self._columns.guarded:
            kept = [unguard_cell(cell) for cell in kept]
        return Row(
            record.line, tuple(kept), {name: kept[index] for name, index in self._columns.canonical.items()}
        )

    def _shown(self, cells: list[str]) -> tuple[str, ...]:
        """The cells of a row that does not fit. Where a column holds passwords none is kept: it may stand anywhere."""
        if self._columns.passwords:
            return ()
        kept = [
            cell for index, cell in enumerate(cells) if index >= self._width or index in self._columns.kept
        ]
        return tuple(unguard_cell(cell) for cell in kept) if self._columns.guarded else tuple(kept)


def open_table(path: Path, name: str, options: ReadOptions) -> Table:
    """The table in the file at `path`, called `name` to a person.

    Raises `InputError` where it is no readable table: not there, a folder, not text, not in the encoding, without the
    needed columns, or without rows.
    """
    encoding, sha256 = _inspect(path, name, options.encoding)
    delimiter, header = _header(path, name, encoding, options.mapping)
    columns = resolve(header.cells, options.mapping, name)
    source = Source(name, sha256, encoding, delimiter, columns.header, columns.canonical, columns.notes)
    table = Table(source, path, columns, len(header.cells), header.line)
    if next(table.rows(), None) is None:
        raise InputError(f"{name} has a header but no rows. Fill in one line for each administrator.")
    return table


def _inspect(path: Path, name: str, wanted: str | None) -> tuple[str, str]:
    """`(encoding, sha256)` of a file of text, read once from its first to its last byte."""
    encoding = _known(wanted, name) if wanted else "utf-8"
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder(encoding)()
    lines, head = 1, b""
    try:
        if path.is_dir():
            raise InputError(f"{name} is a folder. Name the CSV file in it.")
        with path.open("rb") as file:
            head = file.read(_CHUNK)
            _refuse_foreign(head, name, wanted)
            chunk = head
            while chunk:
                digest.update(chunk)
                lines += decoder.decode(chunk).count("\n")
                chunk = file.read(_CHUNK)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        line = lines + error.object[: error.start].count(b"\n")
        raise InputError(_not_decodable(name, encoding, line, wanted)) from None
    except UnicodeError:
        raise InputError(_not_decodable(name, encoding, lines, wanted)) from None
    except FileNotFoundError:
        raise InputError(f"There is no file {name}.") from None
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}.") from None
    if not wanted and head.startswith(codecs.BOM_UTF8):
        encoding = "utf-8-sig"
    return encoding, digest.hexdigest()


def _known(encoding: str, name: str) -> str:
    try:
        codec = codecs.lookup(encoding)
        codecs.getincrementaldecoder(codec.name)
        "a".encode(codec.name)  # rot13, base64 and the like are codecs, but not of text
    except (LookupError, UnicodeError, TypeError, ValueError):
        raise InputError(f"{name}: there is no encoding {encoding!r}. Try utf-8, utf-16 or cp1252.") from None
    return "utf-8-sig" if codec.name == "utf-8" else codec.name


def _refuse_foreign(head: bytes, name: str, wanted: str | None) -> None:
    if not head.strip():
        raise InputError(f"{name} is empty.")
    kind = foreign_kind(head[:4096])
    if kind:
        advice = f" {SAVE_AS}." if "Excel" in kind else ""
        raise InputError(f"{name} is {kind}, not a CSV file.{advice}")
    wide = wide_encoding(head[:4096])
    if wide and not wanted:
        raise InputError(
            f'{name} is "Unicode text" ({wide}), not UTF-8. {SAVE_AS}, or say --encoding {wide}.'
        )
    if not wide and b"\0" in head[:4096]:
        raise InputError(f"{name} is a binary file, not a CSV file.")


def _not_decodable(name: str, encoding: str, line: int, wanted: str | None) -> str:
    if wanted:
        return f"{name} is not written in {encoding}: line {line} cannot be read so. Say another --encoding."
    return (
        f"{name} is not written in UTF-8 (line {line}). {SAVE_AS}, or say how it is written: "
        f"--encoding cp1252 for Excel's plain CSV in Western Europe and America."
    )


def _header(path: Path, name: str, encoding: str, mapping: Mapping[str, str]) -> tuple[str, Record]:
    """The delimiter and the record of the header: the first line with content, after a line `sep=;`.

    The delimiter is the one that makes known columns of the header, not the one that is frequent in the data.
    """
    with path.open(encoding=encoding, newline="") as file:
        said = _SAID.fullmatch(file.readline())
    best: tuple[tuple[int, int], str, Record] | None = None
    for delimiter in [said[1]] if said else DELIMITERS:
        with path.open(encoding=encoding, newline="") as file:
            records = (record for record in read_records(file, delimiter) if not said or record.line > 1)
            header = next(records, None)
        if header is not None and (best is None or score(header.cells, mapping) > best[0]):
            best = score(header.cells, mapping), delimiter, header
    if best is None:
        raise InputError(f"{name} is empty.")
    _, delimiter, header = best
    if header.fault:
        raise InputError(f"{name}: the header on line {header.line} cannot be read: {header.fault}.")
    return delimiter, header


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
