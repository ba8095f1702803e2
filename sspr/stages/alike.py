"""Which of very many rows have a value in common, found within little memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import BinaryIO

_PARTS = 64
_IN_MEMORY = 4096  # entries of a part that wait in memory before they go to the file


class Alike:
    """Groups of rows whose values have the same hash. Entries are spread over parts by their hash and kept in a file,
    so that a part at a time is looked at: memory does not grow with the rows that are all different.
    """

    def __init__(self, file: BinaryIO) -> None:
        """`file`: open for reading and writing; others may append to it as well."""
        self._file = file
        self._hashes = [array("q") for _ in range(_PARTS)]
        self._seqs = [array("I") for _ in range(_PARTS)]
        self._stored: list[list[tuple[int, int]]] = [[] for _ in range(_PARTS)]

    def add(self, first: int, values: Iterable[str]) -> None:
        """Takes in the values of consecutive rows, of which the first has the number `first`; empty ones are alike
        to nothing.
        """
        hashes, seqs = self._hashes, self._seqs
        for seq, value in enumerate(values, first):
            if value:
                number = hash(value)
                part = number % _PARTS
                hashes[part].append(number)
                seqs[part].append(seq)
        for part in range(_PARTS):
            if len(seqs[part]) >= _IN_MEMORY:
                self._store(part)

    def groups(self) -> Iterator[array[int]]:
        """The numbers of the rows of each group of two or more, in ascending order within a group."""
        for part in range(_PARTS):
            first: dict[int, int] = {}
            several: dict[int, array[int]] = {}
            for hashes, seqs in self._entries(part):
                for number, seq in zip(hashes, seqs, strict=True):
                    before = first.setdefault(number, seq)
                    if before != seq:
                        several.setdefault(number, array("I", (before,))).append(seq)
            yield from several.values()

    def _store(self, part: int) -> None:
        at = self._file.seek(0, 2)
        self._file.write(self._hashes[part].tobytes())
        self._file.write(self._seqs[part].tobytes())
        self._stored[part].append((at, len(self._seqs[part])))
        self._hashes[part], self._seqs[part] = array("q"), array("I")

    def _entries(self, part: int) -> Iterator[tuple[array[int], array[int]]]:
        for at, count in self._stored[part]:
            self._file.seek(at)
            hashes, seqs = array("q"), array("I")
            hashes.frombytes(self._file.read(count * hashes.itemsize))
            seqs.frombytes(self._file.read(count * seqs.itemsize))
            yield hashes, seqs
        yield self._hashes[part], self._seqs[part]
