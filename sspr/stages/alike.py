"""Which of very many rows have a value in common, found within little memory.

Whoever judges a batch of rows packs what is to be compared (`pack`), spread over parts by its checksum. Later a part
of all batches at a time is looked at: rows whose values are alike are in the same part.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import BinaryIO
from zlib import crc32

import msgspec

_PARTS = 32


class Packed(msgspec.Struct, frozen=True, array_like=True):
    """The values of a batch: in each part `sizes` entries, of the checksum and the place within the batch."""

    sizes: list[int]
    entries: bytes


def pack(values: Iterable[str]) -> Packed:
    """The values of a batch's rows, in their order; empty ones are alike to nothing."""
    parts = [array("Q") for _ in range(_PARTS)]
    for place, value in enumerate(values):
        if value:
            checksum = crc32(value.encode())
            parts[checksum % _PARTS].append(checksum << 32 | place)
    return Packed([len(part) for part in parts], b"".join(part.tobytes() for part in parts))


class Alike:
    """Groups of rows whose values have the same checksum, which almost always means the same value."""

    def __init__(self, file: BinaryIO) -> None:
        """`file`: open for reading and writing; others may append to it as well."""
        self._file = file
        self._stored: list[tuple[int, int, list[int]]] = []

    def add(self, first: int, packed: Packed) -> None:
        """Takes in the values of a batch, of which the first row has the number `first`."""
        at = self._file.seek(0, 2)
        self._file.write(packed.entries)
        self._stored.append((first, at, packed.sizes))

    def groups(self) -> Iterator[array[int]]:
        """The numbers of the rows of each group of two or more, in ascending order within a group."""
        for part in range(_PARTS):
            first: dict[int, int] = {}
            several: dict[int, array[int]] = {}
            for checksum, number in self._entries(part):
                before = first.setdefault(checksum, number)
                if before != number:
                    several.setdefault(checksum, array("Q", (before,))).append(number)
            yield from several.values()

    def _entries(self, part: int) -> Iterator[tuple[int, int]]:
        for first, at, sizes in self._stored:
            entries = array("Q")
            self._file.seek(at + entries.itemsize * sum(sizes[:part]))
            entries.frombytes(self._file.read(entries.itemsize * sizes[part]))
            for entry in entries:
                yield entry >> 32, first + (entry & 0xFFFFFFFF)
