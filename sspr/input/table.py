"""A CSV file, opened: what it is (`source`) and its rows, one at a time."""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from sspr.input.blocks import Block, Dialect, text_blocks
from sspr.input.errors import InputError
from sspr.input.header import Head, understand
from sspr.input.records import Records
from sspr.input.shape import Shape
from sspr.input.signature import SAVE_AS, foreign_kind, wide_encoding
from sspr.model import Row, Source

DELIMITERS = ",;\t|"
HEAD_RECORDS = 20
_CHUNK = 1 << 20
_SAID = re.compile(
    r'"?sep=(?P<delimiter>[^\w\s"]|\t)"?[,;\t ]*[\r\n]*', re.IGNORECASE
)  # as Excel writes and reads it


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read what is not as expected.

    `mapping`: header as it stands in the file → canonical column. `encoding`: a name that Python knows; without
    it the file must be UTF-8. `profile`: the name of an input template; without it the headers decide.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One input file whose header was understood. `blocks` and `rows` read it anew each time."""

    source: Source
    shape: Shape
    dialect: Dialect
    _path: Path

    def blocks(self) -> Iterator[Block]:
        """All of the file, header included, in blocks of whole records."""
        with self._path.open(encoding=self.source.encoding, newline="") as file:
            yield from text_blocks(file, self.dialect)

    def rows(self) -> Iterator[Row]:
        """The data rows in the order of the file; wholly empty ones are left out."""
        for block in self.blocks():
            for record in block.read(self.dialect):
                row = self.shape.row(record)
                if row is not None:
                    yield row


def open_table(path: Path, name: str, options: ReadOptions) -> Table:
    """The table in the file at `path`, called `name` to a person.

    Raises `InputError` where it is no readable table: not there, a folder, not text, not in the encoding, without the
    needed columns, or without rows.
    """
    encoding, sha256 = _inspect(path, name, options.encoding)
    heads = _heads(path, encoding)
    if not heads:
        raise InputError(f"{name} is empty.")
    understood = understand(heads, options.mapping, options.profile, name)
    columns = understood.columns
    source = Source(
        name=name,
        sha256=sha256,
        encoding=encoding,
        delimiter=understood.dialect.delimiter,
        header=columns.header,
        columns={column: places[0] for column, places in columns.canonical.items()},
        notes=columns.notes,
        profile=understood.profile,
    )
    shape = Shape(
        header_line=understood.header.line,
        width=len(understood.header.cells),
        kept=columns.kept,
        canonical=tuple(columns.canonical.items()),
        skipped=understood.skipped,
        lists=columns.lists,
        guarded=columns.guarded,
        passwords=columns.passwords,
    )
    table = Table(source, shape, understood.dialect, path)
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


def _heads(path: Path, encoding: str) -> list[Head]:
    """The first records of the file in each dialect it may have; none where it has no records. A first line `sep=;` is
    obeyed.
    """
    with path.open(encoding=encoding, newline="") as file:
        said = _SAID.fullmatch(file.readline())
    heads = []
    for delimiter in [said[1]] if said else DELIMITERS:
        with path.open(encoding=encoding, newline="") as file:
            records = (record for record in Records(file, delimiter) if not said or record.line > 1)
            first = tuple(islice(records, HEAD_RECORDS))
        if first:
            heads.append(Head(Dialect(delimiter), first))
    return heads
