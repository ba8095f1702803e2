"""A header and a profile → which column is which, or the sentence that says what is missing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sspr.input.errors import InputError
from sspr.input.folding import fold, forms, is_password, squeeze, visible_header
from sspr.input.profiles import Profile, squeezed
from sspr.masking import mask_text
from sspr.model import CANONICAL_COLUMNS, NEEDED_COLUMNS

# What our own rejected.csv adds; ignored when it is given back.
OWN_COLUMNS = frozenset({"sspr reason", "sspr message"})
SHOWN_AT_MOST = 12
# A second one of these could not be chosen between without a guess about somebody's contact data.
_DECISIVE = frozenset({*NEEDED_COLUMNS, "country"})
# These mean the same in every export, and somebody may have added them to it; a name of the sign-in goes before an
# address at work. (`mobile_phone` is not among them: spaces aside it is Google's "Mobile Phone", which is not the one
# that Google keeps for recovery.)
_ANYWHERE: Mapping[str, tuple[str, ...]] = {
    "user_principal_name": squeezed(
        (
            "user_principal_name",
            "UPN",
            "Login",
            "Login Name",
            "Sign-in name",
            "User name",
            "User Account Name",
        )
    ),
    "alternate_email": squeezed(("alternate_email",)),
}
# An address, or a phone number: seven digits with nothing but what separates them between.
_DATA = re.compile(r"@|\d(?:[\s()./\-\u2010-\u2015]*\d){6}")


@dataclass(frozen=True, slots=True)
class Columns:
    """A header read. `kept`: indices of the cells that are carried on, in order; `header`: their names as written;
    `canonical`: canonical column → its places among them, the first that is not blank counts; beside the canonical
    columns there may be the facts of `profiles.FACTS`; `lists`: columns that hold a list of which the first entry
    counts; `guarded`: whether the file is one of our own, whose cells `guard_cell` wrote; `passwords`: whether a
    column of passwords was left out; `notes`: what a person should know.
    """

    kept: tuple[int, ...]
    header: tuple[str, ...]
    canonical: Mapping[str, tuple[int, ...]]
    guarded: bool
    passwords: bool
    lists: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Naming:
    """By what a header is read: the mapping of the command line, then the profile, then the general vocabulary.

    `mapping`: header as it stands in the file → canonical column.
    """

    mapping: Mapping[str, str]
    profile: Profile
    general: Profile

    def candidates(self, column: str) -> tuple[str, ...]:
        """The headers that may mean a column, squeezed, the best first."""
        ordered = (_ANYWHERE, self.profile.candidates, self.general.candidates)
        return tuple(dict.fromkeys(header for each in ordered for header in each.get(column, ())))

    @property
    def lists(self) -> frozenset[str]:
        """The headers whose cells hold a list, squeezed."""
        return frozenset(squeezed((*self.profile.lists, *self.general.lists)))


class Heading:
    """The cells of a header under the texts by which they are looked up. `labels`: what a second line of headers calls
    the columns, where there is one; it only shows more of the passwords.
    """

    def __init__(self, cells: Sequence[str], labels: Sequence[str] = ()) -> None:
        self.cells = cells
        self._labels = labels
        self.places: dict[str, list[int]] = {}
        for place, cell in enumerate(cells):
            for key in dict.fromkeys(map(squeeze, forms(cell))):
                self.places.setdefault(key, []).append(place)

    def has_own(self, column: str) -> bool:
        """Whether a column has its own name here, to the letter."""
        return any(visible_header(cell).strip() == column for cell in self.cells)

    def is_password(self, place: int) -> bool:
        """Whether a column holds passwords by any of its names."""
        return any(is_password(names[place]) for names in (self.cells, self._labels) if names)

    @property
    def holds_data(self) -> bool:
        """Whether this seems to be a row and no header. Its cells may be anything, so no message may show them."""
        return any(map(_DATA.search, self.cells))

    def text(self, place: int) -> str:
        """A header for a message: masked, on one line, and not too long."""
        return mask_text(" ".join(visible_header(self.cells[place]).split()))[:60]

    def find(self, header: str) -> list[int]:
        """Where a header stands that a person named: as it is written; else case and spaces aside."""
        wanted = visible_header(header).strip()
        exact = [place for place, cell in enumerate(self.cells) if visible_header(cell).strip() == wanted]
        alike = [place for place, cell in enumerate(self.cells) if forms(cell)[:1] == (fold(header),)]
        return exact or alike or self.places.get(squeeze(fold(header)), [])

    def shown(self, places: Iterable[int]) -> str:
        """Headers for a message, in quotes and not too many."""
        names = [f'"{text}"' for text in map(self.text, places) if text]
        more = f" and {len(names) - SHOWN_AT_MOST} more" if len(names) > SHOWN_AT_MOST else ""
        return ", ".join(names[:SHOWN_AT_MOST]) + more

    @property
    def found(self) -> str:
        """`Found: "…", "…".`, unless these may be somebody's data."""
        if self.holds_data:
            return "The line taken for its header seems to hold data, so it is not shown."
        return f"Found: {self.shown(range(len(self.cells)))}."


def resolve(heading: Heading, naming: Naming, name: str) -> Columns:
    """The columns of a file called `name`.

    Raises `InputError` where a needed column is missing or stands twice, or the mapping fits nothing.
    """
    cells = heading.cells
    found, passed_over = locate(heading, naming, name)
    missing = [column for column in NEEDED_COLUMNS if column not in found]
    if missing:
        raise InputError(_missing(missing, found, heading, naming, name))
    for column, places in _facts(heading, naming).items():
        found[column] = places
    passwords = [place for place in range(len(cells)) if heading.is_password(place)]
    kept = tuple(
        place for place, cell in enumerate(cells) if place not in passwords and fold(cell) not in OWN_COLUMNS
    )
    columns = Columns(
        kept=kept,
        header=tuple(visible_header(cells[place]) for place in kept),
        canonical={column: tuple(kept.index(place) for place in places) for column, places in found.items()},
        guarded=any(fold(cell) in OWN_COLUMNS for cell in cells),
        passwords=bool(passwords),
        lists=frozenset(
            column
            for column in NEEDED_COLUMNS
            if naming.lists & set(map(squeeze, forms(cells[found[column][0]])))
        ),
    )
    return replace(columns, notes=_notes(heading, columns, passed_over, passwords))


def locate(
    heading: Heading, naming: Naming, name: str
) -> tuple[dict[str, tuple[int, ...]], dict[str, list[int]]]:
    """Canonical column → its places, and → the places that might have been it too. Raises `InputError`."""
    found = _mapped(heading, naming.mapping, name)
    passed_over: dict[str, list[int]] = {}
    for column in CANONICAL_COLUMNS:
        if column in found:
            continue
        places: list[int] = []
        own = (squeeze(fold(column)),) if heading.has_own(column) else ()
        for key in dict.fromkeys((*own, *naming.candidates(column))):
            taken = {*places, *(place for each in found.values() for place in each)}
            fresh = [place for place in heading.places.get(key, ()) if place not in taken]
            if len(fresh) > 1 and column in _DECISIVE and (column == "country" or not places):
                raise InputError(_twice(heading, fresh, name))
            places.extend(place for place in fresh if not heading.is_password(place))
        if places:
            found[column] = tuple(places) if column == "country" else (places[0],)
            passed_over[column] = places[1:]
    return {column: found[column] for column in CANONICAL_COLUMNS if column in found}, passed_over


def _mapped(heading: Heading, mapping: Mapping[str, str], name: str) -> dict[str, tuple[int, ...]]:
    """Canonical column → its place, as the mapping says."""
    mapped: dict[str, tuple[int, ...]] = {}
    for source, column in mapping.items():
        if column not in CANONICAL_COLUMNS:
            known = ", ".join(CANONICAL_COLUMNS)
            raise InputError(
                f"--map {source}={column}: there is no column {column!r}. The columns are {known}."
            )
        places = heading.find(source)
        if not places:
            raise InputError(f'--map {source}={column}: {name} has no column "{source}". {heading.found}')
        if is_password(source) or heading.is_password(places[0]):
            raise InputError(f"--map {source}={column}: a password column is never read.")
        if fold(heading.cells[places[0]]) in OWN_COLUMNS:
            raise InputError(f"--map {source}={column}: this column is written by sspr, and never read.")
        if len(places) > 1 and column in _DECISIVE:
            raise InputError(_twice(heading, places, name))
        if column in mapped and mapped[column] != (places[0],):
            raise InputError(f"--map names two headers for {column}. Give one.")
        mapped[column] = (places[0],)
    return mapped


def _facts(heading: Heading, naming: Naming) -> dict[str, tuple[int, ...]]:
    """What the export says of the account. Named twice it says nothing."""
    facts: dict[str, tuple[int, ...]] = {}
    for column, headers in naming.profile.facts.items():
        places = [place for key in squeezed(headers) for place in heading.places.get(key, ())]
        if len(places) == 1 and not heading.is_password(places[0]):
            facts[column] = (places[0],)
    return facts


def _twice(heading: Heading, places: Sequence[int], name: str) -> str:
    numbers = " and ".join(str(place + 1) for place in places)
    spellings = " / ".join(dict.fromkeys(f'"{heading.text(place)}"' for place in places))
    return (
        f"{name}: the header has {spellings} {len(places)} times "
        f"(columns {numbers}). Rename or delete all but the one that is meant."
    )


def _missing(
    missing: Sequence[str], found: Mapping[str, tuple[int, ...]], heading: Heading, naming: Naming, name: str
) -> str:
    profile = naming.profile
    columns = _listed(missing)
    maybe = _unsure(missing, {place for places in found.values() for place in places}, heading, naming)
    if profile is naming.general:
        if not maybe and heading.holds_data:
            return (
                f"{name}: the first line seems to hold data, not a header; the column {columns} is not named. "
                f"Put a line with the column names above it (sspr template canonical prints one)."
            )
        others = [column for column in missing if column not in maybe]
        rename = [f"Rename a column, or say which it is: --map 'HEADER={column}'." for column in others[:1]]
        advice = " ".join([*maybe.values(), *rename])
        return f"{name}: the header has no column {columns}. {heading.found} {advice}"
    told = [profile.missing[column] for column in missing if column in profile.missing]
    for column in missing:
        usual = profile.columns.get(column, ())[:1]
        if usual and column not in profile.missing:
            told.append(f'It is usually called "{usual[0]}".')
    advice = " ".join(maybe.values()) or f"Or say which column it is: --map 'HEADER={missing[0]}'."
    return f"{name} ({profile.title}) has no column {columns}. {' '.join(told)} {advice}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[:-1] else names)


def _unsure(missing: Sequence[str], used: set[int], heading: Heading, naming: Naming) -> dict[str, str]:
    """Missing column → the question about headers that may be it, but just as well another one. What a profile says of
    a column goes before the general vocabulary.
    """
    asked = {}
    for column in missing:
        own, profile = naming.profile.unsure.get(column, ()), naming.profile
        known = column in profile.unsure or column in profile.missing
        keys = squeezed(own if known else naming.general.unsure.get(column, ()))
        places = dict.fromkeys(place for key in keys for place in heading.places.get(key, ()))
        unused = [place for place in places if place not in used]
        if unused:
            which = " or ".join(f'"{heading.text(place)}"' for place in unused[:3])
            asked[column] = f"If {which} is {column}, say so: --map '{heading.text(unused[0])}={column}'."
    return asked


def _notes(
    heading: Heading, columns: Columns, passed_over: Mapping[str, list[int]], passwords: Sequence[int]
) -> tuple[str, ...]:
    """Which header was used for which column, which were ignored, which were not kept."""
    header = [f'"{heading.text(place)}"' for place in columns.kept]
    notes = []
    used = {place for places in columns.canonical.values() for place in places}
    named = []
    for column, places in columns.canonical.items():
        own = [columns.header[place] for place in places] == [column]
        named.append(column if own else f"{column} is {' or '.join(header[place] for place in places)}")
    notes.append(f"Columns: {', '.join(named)}.")
    for column, others in passed_over.items():
        if others and column in _DECISIVE and column != "country":
            chosen = header[columns.canonical[column][0]]
            notes.append(f"For {column}, {chosen} was preferred to {heading.shown(others)}.")
    notes.extend(
        f"{header[columns.canonical[column][0]]} holds a list; its first entry counts."
        for column in sorted(columns.lists)
    )
    ignored = [columns.kept[place] for place in range(len(columns.kept)) if place not in used]
    if shown := heading.shown(ignored):
        notes.append(f"Not used, carried through: {shown}.")
    notes.extend(f'The password column "{heading.text(place)}" is not kept.' for place in passwords)
    return tuple(notes)
