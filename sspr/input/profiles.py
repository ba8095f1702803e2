"""Header profiles: which header of a known export means which column. Data: a TOML file each in `input_templates`,
described in the README there; the name of a profile is that of its file.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, cached_property
from pathlib import Path

import msgspec

from sspr.input import templates
from sspr.input.errors import InputError
from sspr.input.folding import fold, squeeze
from sspr.model import CANONICAL_COLUMNS

CANONICAL = "canonical"
# What an export may say of the account itself, for warnings before the tenant is asked.
FACTS = ("account_enabled", "account_blocked", "directory_synced", "user_type")


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """One profile. Headers as the export writes them; those of `signatures` are compared folded, the others squeezed.

    `signatures`: any one of these sets of headers shows the export. `known`: further headers of it, which tell
    it from another whose signature is there too. `columns`: canonical column → headers that mean it, the first
    that is in the file counts (of those for `country`, the first whose cell is not blank). `lists`: headers whose
    cells hold a list of which the first entry counts. `unsure`: headers that may mean the column, and are taken for it
    only by `--map`. `missing`: what to say where the column is not there. `facts`: see `FACTS`. `example`: how a row
    begins that is an example under the header. `labels`: texts of a second line of headers under the first.
    """

    title: str
    about: str
    signatures: tuple[tuple[str, ...], ...] = ()
    known: tuple[str, ...] = ()
    columns: dict[str, tuple[str, ...]] = {}
    lists: tuple[str, ...] = ()
    unsure: dict[str, tuple[str, ...]] = {}
    missing: dict[str, str] = {}
    facts: dict[str, tuple[str, ...]] = {}
    example: str = ""
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for table, allowed in (
            (self.columns, CANONICAL_COLUMNS),
            (self.unsure, CANONICAL_COLUMNS),
            (self.missing, CANONICAL_COLUMNS),
            (self.facts, FACTS),
        ):
            for column in table:
                if column not in allowed:
                    raise ValueError(f"{column!r} is none of {', '.join(allowed)}")
        if () in self.signatures:
            raise ValueError("an empty signature would be that of every file")

    @cached_property
    def folded_signatures(self) -> tuple[frozenset[str], ...]:
        """The signatures as they are compared."""
        return tuple(frozenset(map(fold, signature)) for signature in self.signatures)

    @cached_property
    def candidates(self) -> dict[str, tuple[str, ...]]:
        """Column → its headers, squeezed."""
        return {column: squeezed(headers) for column, headers in self.columns.items()}

    @cached_property
    def recognised(self) -> frozenset[str]:
        """Every header of the export that the profile names, squeezed."""
        named = [*self.known, *(header for signature in self.signatures for header in signature)]
        for headers in (*self.columns.values(), *self.unsure.values(), *self.facts.values()):
            named.extend(headers)
        return frozenset(squeezed(named))

    def fits(self, folded: frozenset[str]) -> int:
        """How many headers the longest signature has that is among those of a line; 0: none is."""
        return max((len(each) for each in self.folded_signatures if each <= folded), default=0)


def squeezed(headers: Iterable[str]) -> tuple[str, ...]:
    """Headers as they are compared where spaces make no difference."""
    return tuple(squeeze(fold(header)) for header in headers)


def names() -> tuple[str, ...]:
    """The names of the profiles, in alphabetical order."""
    return tuple(sorted(path.stem for path in templates.template_folder().glob("*.toml")))


def profile(name: str) -> Profile:
    """A profile by its name. Raises `InputError` where there is none, or its file is not as it should be."""
    if name not in names():
        raise InputError(f"There is no profile {name!r}. There are {', '.join(names())}.")
    return _load(templates.template_folder() / f"{name}.toml")


def every() -> dict[str, Profile]:
    """All profiles by name, in alphabetical order."""
    folder = templates.template_folder()
    return {name: _load(folder / f"{name}.toml") for name in names()}


@cache
def _load(path: Path) -> Profile:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Profile)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise InputError(
            f"The header profile {path.name} cannot be read: {error}. Mend or remove it."
        ) from None
