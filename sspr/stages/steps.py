"""The stages of a job, and one of them at a time as a host takes it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sspr.stages.context import Chunk


class Stage(StrEnum):
    """A stage, as progress displays and task runs name it."""

    CHECK = "check"
    FLAG = "flag"
    ENABLE = "enable"
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
