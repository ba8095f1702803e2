"""All rows of a run as they were judged, kept in a private file: they may be more than fit into memory.

First each row is judged by itself, then all against each other; only then is the first row's last word spoken.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

import msgspec

from sspr.contacts import across
from sspr.contacts.across import Place
from sspr.model import Finding
from sspr.stages.alike import Alike
from sspr.stages.judging import Batch, Judged, unpack

# Rows looked at together when groups are judged: bounds the memory where most rows have a value in common.
_AT_ONCE = 50_000

Found = dict[int, tuple[Finding, ...]]


_pack = msgspec.msgpack.Encoder().encode
_unpack_found = msgspec.msgpack.Decoder(list[tuple[int, Finding]]).decode


class Piece(NamedTuple):
    """Where something lies in the file."""

    at: int
    size: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A batch in the file. Its rows are numbered from `first` on."""

    source: int
    first: int
    count: int
    piece: Piece


class Judgement:
    """The judged rows. Nothing is left on the disk when the process ends, however it ends."""

    def __init__(self, names: Sequence[str], folder: Path) -> None:
        """`names` of the input files, as a person gave them; `folder`: where the file may lie, closed to others."""
        self._names = names
        # Without a name from the moment it is made (on Windows: removed when it is closed).
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - closed by `close`
        self._stored: list[Stored] = []
        self._firsts: list[int] = []  # of each batch, its first row
        self._found: dict[int, list[Piece]] = defaultdict(list)  # of each batch, what was found
        self._accounts, self._mailboxes, self._numbers = (Alike(self._file) for _ in range(3))
        self.rows = 0
        self.rows_of = [0] * len(names)
        self.domains: set[str] = set()

    def close(self) -> None:
        """Forgets all rows."""
        self._file.close()

    def add(self, batch: Batch) -> None:
        """Takes in the next rows, in the order of the input."""
        if not batch.count:
            return
        first = self.rows + 1
        self._firsts.append(first)
        self._stored.append(Stored(batch.source, first, batch.count, self._put(batch.packed)))
        self.rows += batch.count
        self.rows_of[batch.source] += batch.count
        self._accounts.add(first, batch.accounts)
        self._mailboxes.add(first, batch.mailboxes)
        self._numbers.add(first, batch.numbers)
        self.domains |= batch.domains

    def compare(self) -> None:
        """Judges the rows against each other; to be called once, after the last row."""
        for alike, key, judge, cut in (
            (self._accounts, _account, across.judge_account, False),
            (self._mailboxes, across.same_mailbox, across.judge_email, True),
            (self._numbers, _number, across.judge_phone, True),
        ):
            for groups in _at_once(alike.groups(), cut=cut):
                places = self._places([group for group, _ in groups])
                found: dict[int, list[tuple[int, Finding]]] = defaultdict(list)
                for group, elsewhere in groups:
                    for seq, finding in _judged(group, elsewhere, places, key, judge):
                        found[self._batch_of(seq)].append((seq, finding))
                for number, findings in found.items():
                    self._found[number].append(self._put(_pack(findings)))

    def stored(self) -> Iterator[tuple[Stored, bytes, Found]]:
        """The batches in the order of the input, packed, with what the other rows say of theirs."""
        for number, stored in enumerate(self._stored):
            found: Found = {}
            for piece in self._found[number]:
                for seq, finding in _unpack_found(self._get(piece)):
                    found[seq] = (*found.get(seq, ()), finding)
            yield stored, self._get(stored.piece), found

    def every_row(self) -> Iterator[tuple[int, Judged, tuple[Finding, ...]]]:
        """The number of its file, the row, and all findings of it, in the order of the input."""
        for stored, packed, found in self.stored():
            for seq, row in enumerate(unpack(packed), stored.first):
                yield stored.source, row, (*row.findings, *found.get(seq, ()))

    def _put(self, content: bytes) -> Piece:
        at = self._file.seek(0, 2)
        self._file.write(content)
        return Piece(at, len(content))

    def _get(self, piece: Piece) -> bytes:
        self._file.seek(piece.at)
        return self._file.read(piece.size)

    def _batch_of(self, seq: int) -> int:
        return bisect_right(self._firsts, seq) - 1

    def _places(self, groups: Sequence[array[int]]) -> dict[int, Place]:
        """The rows of the groups. Each batch that holds some is unpacked once."""
        wanted: dict[int, list[int]] = defaultdict(list)
        for group in groups:
            for seq in group:
                wanted[self._batch_of(seq)].append(seq)
        places = {}
        for number in sorted(wanted):
            stored = self._stored[number]
            rows = unpack(self._get(stored.piece))
            for seq in wanted[number]:
                row = rows[seq - stored.first]
                places[seq] = across.place(
                    seq,
                    self._where(stored.source, row.line),
                    row.user_principal_name,
                    row.alternate_email,
                    row.mobile_phone,
                )
        return places

    def _where(self, source: int, line: int) -> str:
        return f"line {line}" if len(self._names) == 1 else f"line {line} of {self._names[source]}"


def _account(place: Place) -> str:
    return place.account


def _number(place: Place) -> str:
    return place.phone


def _at_once(groups: Iterator[array[int]], *, cut: bool) -> Iterator[list[tuple[array[int], int]]]:
    """The groups in lots of so many rows, each with how many of its rows are elsewhere. `cut`: one that is larger than
    a lot (a mailbox of everybody) may be taken in pieces, of which each names its own lines.
    """
    lot: list[tuple[array[int], int]] = []
    rows = 0
    for group in groups:
        if cut and len(group) > _AT_ONCE:
            for start in range(0, len(group), _AT_ONCE):
                piece = group[start : start + _AT_ONCE]
                yield [(piece, len(group) - len(piece))]
            continue
        lot.append((group, 0))
        rows += len(group)
        if rows >= _AT_ONCE:
            yield lot
            lot, rows = [], 0
    if lot:
        yield lot


def _judged(
    group: array[int],
    elsewhere: int,
    places: dict[int, Place],
    key: Callable[[Place], str],
    judge: Callable[[Sequence[Place], int], Iterator[tuple[int, Finding]]],
) -> Iterator[tuple[int, Finding]]:
    """Judges a group whose values have the same checksum: what only has that in common is told apart first."""
    really: dict[str, list[Place]] = defaultdict(list)
    for seq in group:
        really[key(places[seq])].append(places[seq])
    for same in really.values():
        if len(same) > 1 or len(really) == 1:
            yield from judge(same, elsewhere)
