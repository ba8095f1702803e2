from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sspr.model import ResultRow, RunSummary, Source, Status, Target, Traffic

HEADER = ("Account", "Recovery email", "Mobile", "Department")
COLUMNS = {"user_principal_name": 0, "alternate_email": 1, "mobile_phone": 2}


@pytest.fixture
def make_source() -> Callable[..., Source]:
    def make(name: str = "new-admins.csv", **changes: Any) -> Source:
        values: dict[str, Any] = {
            "sha256": "5f" * 32,
            "encoding": "utf-8",
            "delimiter": ",",
            "header": HEADER,
            "columns": COLUMNS,
        }
        return Source(name=name, **(values | changes))

    return make


@pytest.fixture
def make_row() -> Callable[..., ResultRow]:
    def make(line: int = 2, status: Status = Status.UPDATED, **changes: Any) -> ResultRow:
        account = changes.pop("user_principal_name", f"admin{line}@contoso.com")
        cells = (account, f"person{line}@fabrikam.com", "+1 2065550123", "Finance")
        values: dict[str, Any] = {
            "source": 0,
            "cells": cells,
            "reasons": ("phone_invalid",) if status is Status.REJECTED else (),
            "message": "The number is not a telephone number." if status is Status.REJECTED else "",
            "warnings": (),
            "ready": "no" if status is Status.REJECTED else "yes",
        }
        if status is not Status.REJECTED:
            values |= {"alternate_email": cells[1], "mobile_phone": cells[2]}
        return ResultRow(line=line, status=status, user_principal_name=account, **(values | changes))

    return make


@pytest.fixture
def make_summary(make_source: Callable[..., Source]) -> Callable[..., RunSummary]:
    def make(*sources: Source, rows: tuple[int, ...] = (1,), **changes: Any) -> RunSummary:
        values: dict[str, Any] = {
            "run_id": "r-7f3a",
            "command": "run",
            "tenant": "contoso",
            "target": Target.BOTH,
            "started_at": "2026-11-23T16:02:00+00:00",
            "finished_at": "2026-11-23T16:04:31+00:00",
            "exit_code": 0,
            "feature_before": True,
            "feature_after": True,
            "traffic": Traffic(requests=12, batches=10, writes=3, seconds=1.23456),
        }
        return RunSummary(sources=sources or (make_source(),), rows=rows, **(values | changes))

    return make
