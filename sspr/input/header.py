"""The first records of a file → its dialect, its header line and the profile by which the columns are named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from sspr.input import profiles
from sspr.input.blocks import Dialect
from sspr.input.columns import Columns, Heading, Naming, locate, resolve
from sspr.input.errors import InputError
from sspr.input.folding import fold, forms, squeeze, visible_header
from sspr.input.profiles import CANONICAL, Profile
from sspr.input.records import Record
from sspr.input.unreadable import explained
from sspr.model import NEEDED_COLUMNS

# A line further down must show two columns: a lone word that a header would have may stand in any cell.
_SHOWS_A_HEADER = 2


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


@dataclass(frozen=True)
class _Line:
    """A record that may be the header: the `position`-th of its head."""

    head: Head
    position: int

    @property
    def record(self) -> Record:
        return self.head.records[self.position]

    @cached_property
    def heading(self) -> Heading:
        return Heading(self.record.cells)

    @cached_property
    def folded(self) -> frozenset[str]:
        return frozenset(form for cell in self.record.cells for form in forms(cell))

    def mapped(self, mapping: Mapping[str, str]) -> int:
        """How many of the headers stand here that the command line names."""
        return sum(bool(self.heading.find(header)) for header in mapping)

    def columns(self, candidates: Mapping[str, tuple[str, ...]]) -> int:
        """How many canonical columns are named here."""
        places = self.heading.places
        return sum(any(header in places for header in headers) for headers in candidates.values())

    def known(self, profile: Profile) -> int:
        """How many of a profile's headers stand here."""
        return len(profile.recognised & self.heading.places.keys())


@dataclass(frozen=True)
class _Choice:
    """The header line and the profile; `told`: how the profile was found, in a sentence."""

    line: _Line
    name: str
    profile: Profile
    told: str


def understand(
    heads: Sequence[Head], mapping: Mapping[str, str], profile: str | None, name: str
) -> Understood:
    """Which dialect, which line is the header, and which column is which, of a file called `name`.

    `mapping`: header as it stands in the file → canonical column. `profile`: the name of the profile to read by; None:
    the one whose headers are recognised. Raises `InputError`.
    """
    lines = [_Line(head, position) for head in heads for position in range(len(head.records))]
    if not lines:
        raise InputError(f"{name} is empty.")
    choice = _said(lines, mapping, profile, name) if profile else _recognised(lines, mapping, name)
    line, header = choice.line, choice.line.record
    if header.fault:
        raise InputError(f"{name}: the header on line {header.line} cannot be read: {header.fault}.")
    naming = Naming(mapping, choice.profile, profiles.profile(CANONICAL))
    columns = resolve(line.heading, naming, name)
    labels = _labels(line, choice.profile, columns)
    if labels:
        columns = resolve(Heading(header.cells, labels), naming, name)
    _nothing_lost_above(line, name)
    skipped, notes = _no_data(line, choice.profile, columns)
    return Understood(
        dialect=line.head.dialect,
        header=header,
        columns=replace(columns, notes=(choice.told, *columns.notes, *notes)),
        profile=choice.name,
        skipped=skipped,
    )


def _recognised(lines: Sequence[_Line], mapping: Mapping[str, str], name: str) -> _Choice:
    """The line and the profile whose headers it shows; the general vocabulary where it shows none's.

    Raises `InputError` where two fit equally well and would read the file differently, and where nothing is a header.
    """
    general = profiles.profile(CANONICAL)
    for line in lines:  # our own names: no other profile need be read from disk
        if {*NEEDED_COLUMNS} <= {visible_header(cell).strip() for cell in line.record.cells}:
            return _Choice(line, CANONICAL, general, "Read by the columns of sspr itself.")
    ranked = [
        ((line.mapped(mapping), line.known(profile), length, -line.position), line, profile_name, profile)
        for profile_name, profile in profiles.every().items()
        for line in lines
        if (length := profile.fits(line.folded))
    ]
    if not ranked:
        return _by_vocabulary(lines, mapping, general, name)
    best = max(rank for rank, *_ in ranked)
    _, line, profile_name, profile = next(each for each in ranked if each[0] == best)
    equal = [
        (other, other_profile)
        for rank, other_line, other, other_profile in ranked
        if rank == best and other_line is line and other != profile_name
    ]
    told = f"Read as {profile_name}: {profile.title}, by its headers."
    for other, other_profile in equal:
        if not _alike(line, Naming(mapping, profile, general), Naming(mapping, other_profile, general), name):
            raise InputError(
                f"{name}: the header is that of {profile_name} ({profile.title}) and just as well that of {other} "
                f"({other_profile.title}). Say which: --profile {profile_name} or --profile {other}."
            )
        told += f" It is that of {other} as well, which reads it alike."
    return _Choice(line, profile_name, profile, told)


def _by_vocabulary(
    lines: Sequence[_Line], mapping: Mapping[str, str], general: Profile, name: str
) -> _Choice:
    def rank(line: _Line) -> tuple[int, int, int, bool, int]:
        mapped, columns, record = line.mapped(mapping), line.columns(general.candidates), line.record
        lone = columns < _SHOWS_A_HEADER and not mapped and bool(line.position or record.fault)
        return mapped, 0 if lone else columns, -line.position, not record.fault, len(record.cells)

    line = max(lines, key=rank)
    if not line.mapped(mapping) and line.columns(general.candidates) < _SHOWS_A_HEADER:
        cells = [record.cells for record in line.head.records]
        reason = explained(cells, general.recognised, name)
        if reason:
            raise InputError(reason)
    return _Choice(line, CANONICAL, general, "No known export was recognised; the columns go by their names.")


def _said(lines: Sequence[_Line], mapping: Mapping[str, str], wanted: str, name: str) -> _Choice:
    """The line that a profile fits best which a person named. Raises `InputError` where it fits none."""
    profile = profiles.profile(wanted)

    def rank(line: _Line) -> tuple[int, int, int, int, int]:
        known = line.known(profile)
        fits = profile.fits(line.folded)
        return line.mapped(mapping), fits, known, -line.position, len(line.record.cells)

    line = max(lines, key=rank)
    needed = {column: profile.candidates.get(column, ()) for column in NEEDED_COLUMNS}
    absent = len(NEEDED_COLUMNS) - line.columns(needed) - line.mapped(mapping)
    if profile.signatures and absent > 0 and not profile.fits(line.folded):
        nearest = max(profile.signatures, key=lambda each: len({*map(fold, each)} & line.folded))
        lacking = ", ".join(f'"{header}"' for header in nearest if fold(header) not in line.folded)
        raise InputError(
            f"{name} does not fit the profile {wanted} ({profile.title}): the header has no {lacking}. "
            f"{line.heading.found} Leave --profile out, or name another (sspr template lists them)."
        )
    return _Choice(line, wanted, profile, f"Read as {wanted}: {profile.title}, as --profile says.")


def _alike(line: _Line, one: Naming, other: Naming, name: str) -> bool:
    """Whether two namings find the same columns at the same places."""
    headers = line.heading.places.keys()
    same = one.lists & headers == other.lists & headers
    return same and locate(line.heading, one, name)[0] == locate(line.heading, other, name)[0]


def _nothing_lost_above(line: _Line, name: str) -> None:
    """Refuses a header under lines that look like rows. A title has a word or two; an export's date is no address."""
    for record in line.head.records[: line.position]:
        filled = [cell for cell in record.cells if cell.strip()]
        if len(filled) >= len(NEEDED_COLUMNS) and any("@" in cell for cell in filled):
            raise InputError(
                f"{name}: the header seems to be on line {line.record.line}, but line {record.line} above it looks "
                f"like a row. Put the header first."
            )


def _no_data(line: _Line, profile: Profile, columns: Columns) -> tuple[frozenset[int], tuple[str, ...]]:
    """The lines under the header that are no data, and what to say of them and of those above it."""
    records = line.head.records
    notes = []
    above = [str(record.line) for record in records[: line.position]]
    if above:
        notes.append(f"Above the header, not read: line {', '.join(above)}.")
    skipped = set()
    for record in records[line.position + 1 :]:
        if profile.example and _begins(record, profile.example):
            skipped.add(record.line)
            notes.append(f"Line {record.line} is an example and was skipped.")
        elif profile.labels and not skipped and _is_labels(line, record, profile, columns):
            skipped.add(record.line)
            notes.append(f"Line {record.line} is a second line of headers and was skipped.")
        else:
            break
    return frozenset(skipped), tuple(notes)


def _begins(record: Record, example: str) -> bool:
    return fold(next((cell for cell in record.cells if cell.strip()), "")).startswith(fold(example))


def _labels(line: _Line, profile: Profile, columns: Columns) -> Sequence[str]:
    """What the first record under the header calls the columns, if it does not name an account. This need not be as
    certain as for skipping the record: at worst a column is not kept.
    """
    below = line.head.records[line.position + 1 : line.position + 2]
    if not below or not profile.labels or len(below[0].cells) != len(line.record.cells):
        return ()
    return below[0].cells if _account(columns) in _label_places(line, below[0], profile) else ()


def _is_labels(line: _Line, record: Record, profile: Profile, columns: Columns) -> bool:
    """Whether a record under the header is certainly its labels: most cells are, that of the account is, and none is
    an address. An administrator must not be lost to a likeness.
    """
    cells = record.cells
    if record.fault or len(cells) != len(line.record.cells) or any("@" in cell for cell in cells):
        return False
    places = _label_places(line, record, profile)
    return _account(columns) in places and 2 * len(places) > sum(bool(cell.strip()) for cell in cells)


def _account(columns: Columns) -> int:
    """Where a record names its account."""
    return columns.kept[columns.canonical["user_principal_name"][0]]


def _label_places(line: _Line, record: Record, profile: Profile) -> frozenset[int]:
    """The places at which a record as wide as the header holds a label and no datum."""
    labels = {*profiles.squeezed(profile.labels), *profile.recognised}
    texts = [squeeze(fold(cell)) for cell in record.cells]
    names = [squeeze(fold(cell)) for cell in line.record.cells]
    return frozenset(
        place for place, text in enumerate(texts) if text and (text in labels or text == names[place])
    )
