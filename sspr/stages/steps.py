"""The stages of a job, and one of them at a time as a host takes it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from sspr.stages.context import Chunk

# Two envelopes of 20 filters of 15 values read 600 accounts, which are written in half a minute; files of more than
# 120,000 rows take larger chunks, so that a run stays within some hundred steps.
CHUNK_ROWS = 600
MOST_CHUNKS = 200


class Stage(StrEnum):
    """A stage, as progress displays and task runs name it."""

    CHECK = "check"
    FLAG = "flag"
    ENABLE = "enable"
    DISABLE = "disable"
    COMPARE = "compare"
    APPLY = "apply"
    VERIFY = "verify"
    SETTLE = "settle"


@dataclass(frozen=True, slots=True)
class Step:
    """One stage, or one chunk of it. Holds ids and counts only."""

    stage: Stage
    chunk: Chunk | None = None

    @property
    def name(self) -> str:
        """`compare 3/14`"""
        return f"{self.stage} {self.chunk.number}/{self.chunk.of}" if self.chunk else str(self.stage)


def chunks_of(rows: int) -> list[Chunk]:
    """So many rows in consecutive chunks."""
    size = CHUNK_ROWS * max(1, math.ceil(rows / (CHUNK_ROWS * MOST_CHUNKS)))
    count = math.ceil(rows / size)
    return [Chunk(n * size + 1, min((n + 1) * size, rows), n + 1, count) for n in range(count)]
