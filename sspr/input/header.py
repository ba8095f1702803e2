"""Header cells → canonical columns. The one place that knows which header means which column."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sspr.input.blocks import Dialect
from sspr.input.errors import InputError
from sspr.input.records import Record
from sspr.masking import mask_text
from sspr.model import CANONICAL_COLUMNS, NEEDED_COLUMNS

# What our own rejected.csv adds; ignored when it is given back.
OWN_COLUMNS = frozenset({"sspr reason", "sspr message"})
# A second one of these could not be chosen between without a guess about somebody's contact data.
_DECISIVE = frozenset({*NEEDED_COLUMNS, "country"})
_PASSWORD = re.compile(
    r"pass\s?word|passwort|kennwort|passphrase|passcode|\bpwd\b|\bpin\b|mot\sde\spasse|contrase|\bsenha\b|\bclave\b|"
    r"wachtwoord|has[lł]o|lösenord|adgangskode|salasana|heslo|jelszó|"
    r"parol|парол|şifre|パスワード|密码|비밀번호|كلمة المرور",
    re.IGNORECASE,
)
# "Password never expires", "Last password change time stamp": about a password, not one.
_ABOUT_PASSWORD = re.compile(
    r"never|expir|change|last|strong|polic|reset|must|force|next|status|\bage\b", re.IGNORECASE
)
_SEPARATORS = re.compile(r"[\s_.]+")
_DATA = re.compile(r"@|\d{7}")
SHOWN_AT_MOST = 12


@dataclass(frozen=True, slots=True)
class Columns:
    """A header read. `kept`: indices of the cells that are carried on, in order; `header`: their names as written;
    `canonical`: canonical column → its places among them, the first that is not blank counts; `lists`: columns that
    hold a list of which the first entry counts; `guarded`: whether the file is one of our own, whose cells
    `guard_cell` wrote; `passwords`: whether a column of passwords was left out; `notes`: what a person should know.
    """

    kept: tuple[int, ...]
    header: tuple[str, ...]
    canonical: Mapping[str, tuple[int, ...]]
    guarded: bool
    passwords: bool
    lists: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """The first records of a file, read in one of the dialects that it may be written in."""

    dialect: Dialect
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Understood:
    """What the head of a file shows: its dialect, the record that is its header, the columns, the profile they were
    recognised by, and the lines under the header that are no data (an example, a second line of labels).
    """

    dialect: Dialect
    header: Record
    columns: Columns
    profile: str = ""
    skipped: frozenset[int] = frozenset()


def understand(
    heads: Sequence[Head], mapping: Mapping[str, str], profile: str | None, name: str
) -> Understood:
    """Which dialect, which line is the header, and which column is which, of a file called `name`.

    `mapping`: header as it stands in the file → canonical column. `profile`: the name of the profile to read by; None:
    the one whose headers are recognised. Raises `InputError`.
    """
    head = max(heads, key=lambda head: score(head.records[0].cells, mapping))
    header = head.records[0]
    if header.fault:
        raise InputError(f"{name}: the header on line {header.line} cannot be read: {header.fault}.")
    return Understood(head.dialect, header, resolve(header.cells, mapping, name), profile or "canonical")


def fold(header: str) -> str:
    """A header cell as it is compared: `Mobile_Phone ` → `mobile phone`."""
    visible = "".join(
        character for character in visible_header(header) if unicodedata.category(character) != "Cf"
    )
    return _SEPARATORS.sub(" ", unicodedata.normalize("NFKC", visible)).strip().casefold()


def is_password(header: str) -> bool:
    """Whether a column holds passwords. In doubt it does."""
    folded = fold(header)
    return bool(_PASSWORD.search(folded)) and not _ABOUT_PASSWORD.search(folded)


def score(header: Sequence[str], mapping: Mapping[str, str]) -> tuple[int, int]:
    """How well a line serves as header: recognised columns first, then cells. The better dialect has the higher one."""
    known = {fold(name) for name in CANONICAL_COLUMNS} | {fold(name) for name in mapping}
    return len({fold(cell) for cell in header} & known), len(header)


def resolve(header: Sequence[str], mapping: Mapping[str, str], name: str) -> Columns:
    """The columns of a file called `name`.

    `mapping`: header as it stands in the file → canonical column; it goes before the names of the columns.
    Raises `InputError` where a needed column is missing or stands twice, or the mapping fits nothing.
    """
    wanted = _wanted(mapping, header, name)
    chosen: dict[str, int] = {}
    for column in CANONICAL_COLUMNS:
        source = wanted.get(column, fold(column))
        places = [index for index, cell in enumerate(header) if fold(cell) == source]
        if len(places) > 1 and column in _DECISIVE:
            numbers = " and ".join(str(place + 1) for place in places)
            raise InputError(
                f'{name}: the header has "{mask_text(header[places[0]].strip())}" {len(places)} times '
                f"(columns {numbers}). Rename or delete all but the one that is meant."
            )
        if places and places[0] not in chosen.values():
            chosen[column] = places[0]
    missing = [column for column in NEEDED_COLUMNS if column not in chosen]
    if missing:
        raise InputError(_missing(missing, header, name))
    kept = tuple(
        index for index, cell in enumerate(header) if fold(cell) not in OWN_COLUMNS and not is_password(cell)
    )
    dropped = [mask_text(cell.strip()) for cell in header if is_password(cell)]
    return Columns(
        kept=kept,
        header=tuple(visible_header(header[index]) for index in kept),
        canonical={column: (kept.index(index),) for column, index in chosen.items()},
        guarded=any(fold(cell) in OWN_COLUMNS for cell in header),
        passwords=bool(dropped),
        notes=tuple(f'The password column "{cell}" is not kept.' for cell in dropped),
    )


def visible_header(cell: str) -> str:
    """A header cell without the byte order mark that a careless tool left in it, or read in a wrong code page."""
    return cell.lstrip("\ufeff").removeprefix("ï»¿")


def _wanted(mapping: Mapping[str, str], header: Sequence[str], name: str) -> dict[str, str]:
    """Canonical column → folded header, as the mapping says."""
    present = {fold(cell) for cell in header}
    wanted: dict[str, str] = {}
    for source, column in mapping.items():
        if column not in CANONICAL_COLUMNS:
            known = ", ".join(CANONICAL_COLUMNS)
            raise InputError(
                f"--map {source}={column}: there is no column {column!r}. The columns are {known}."
            )
        if fold(source) not in present:
            raise InputError(f'--map {source}={column}: {name} has no column "{source}". {_found(header)}')
        if is_password(source):
            raise InputError(f"--map {source}={column}: a password column is never read.")
        if column in wanted and wanted[column] != fold(source):
            raise InputError(f"--map names two headers for {column}. Give one.")
        wanted[column] = fold(source)
    return wanted


def _missing(missing: Sequence[str], header: Sequence[str], name: str) -> str:
    columns = " and ".join(missing)
    if any(_DATA.search(cell) for cell in header):
        return (
            f"{name}: the first line seems to hold data, not a header; the column {columns} is not named. "
            f"Put a line with the column names above it (sspr template canonical prints one)."
        )
    return (
        f"{name}: the header has no column {columns}. {_found(header)} "
        f"Rename a column, or say which it is: --map 'HEADER={missing[0]}'."
    )


def _found(header: Sequence[str]) -> str:
    names = [mask_text(visible_header(cell).strip())[:40] for cell in header if cell.strip()]
    shown = ", ".join(f'"{cell}"' for cell in names[:SHOWN_AT_MOST])
    more = f" and {len(names) - SHOWN_AT_MOST} more" if len(names) > SHOWN_AT_MOST else ""
    return f"Found: {shown}{more}."
