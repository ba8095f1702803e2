from __future__ import annotations

import json
import stat
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sspr.errors import Stopped
from sspr.model import ResultRow, RunSummary, Source, Status
from sspr.report.write import write_reports

Make = Callable[..., ResultRow]
MakeSource = Callable[..., Source]
MakeSummary = Callable[..., RunSummary]


def test_the_report_counts_what_the_rows_say(
    tmp_path: Path, make_row: Make, make_source: MakeSource, make_summary: MakeSummary
) -> None:
    rows = [
        make_row(2, warnings=("phone_replaces",)),
        make_row(3, Status.UNCHANGED, ready="no"),
        make_row(4, Status.UPDATED, ready="no", warnings=("user_disabled", "phone_replaces")),
        make_row(5, Status.REJECTED, reasons=("phone_invalid", "email_missing"), ready=""),
        make_row(6, Status.REJECTED, reasons=("phone_invalid", "phone_invalid")),
        make_row(7, Status.FAILED, reasons=("tenant_rejected",), message="HTTP 400", ready="no"),
    ]
    summary = make_summary(make_source(notes=("Column 9 was left out.",)), rows=(6,), exit_code=1)
    report = write_reports(tmp_path, summary, rows)
    assert report == json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["inputs"] == [{"file": "new-admins.csv", "sha256": "5f" * 32, "rows": 6}]
    assert report["read_as"] == [
        {
            "encoding": "utf-8",
            "delimiter": ",",
            "profile": "",
            "columns": {
                "user_principal_name": "Account",
                "alternate_email": "Recovery email",
                "mobile_phone": "Mobile",
            },
            "ignored": ["Department"],
            "notes": ["Column 9 was left out."],
        }
    ]
    assert report["counts"] == {
        "updated": 2,
        "unchanged": 1,
        "planned": 0,
        "valid": 0,
        "rejected": 2,
        "failed": 1,
        "pending": 0,
    }
    assert report["reasons"] == {"phone_invalid": 2, "email_missing": 1, "tenant_rejected": 1}
    assert report["warnings"] == {"phone_replaces": 2, "user_disabled": 1}
    assert report["ready"] == {"yes": 1, "no": 4, "unknown": 1}
    assert report["not_ready"] == {"row_not_applied": 2, "account_disabled": 1, "too_few_methods": 1}
    assert report["feature"] == {"enabled_before": True, "enabled_after": True}
    assert report["graph"] == {
        "requests": 12,
        "batches": 10,
        "writes": 3,
        "throttled": 0,
        "retried": 0,
        "seconds": 1.235,
    }
    assert (report["exit_code"], report["rejected"]) == (1, ["rejected.csv"])
    assert report["folder"] == str(tmp_path.resolve())


def test_with_the_flag_off_that_is_why_nobody_is_ready(
    tmp_path: Path, make_row: Make, make_summary: MakeSummary
) -> None:
    summary = make_summary(rows=(2,), feature_after=False)
    report = write_reports(tmp_path, summary, [make_row(line, ready="no") for line in (2, 3)])
    assert report["not_ready"] == {"flag_off": 2}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps others out by access lists, not modes")
def test_nobody_else_may_read_what_is_left(tmp_path: Path, make_row: Make, make_summary: MakeSummary) -> None:
    folder = tmp_path / "runs" / "r-7f3a"
    write_reports(folder, make_summary(), [make_row(2, Status.REJECTED)])
    names = {path.name for path in folder.iterdir()}
    assert names == {"results.csv", "rejected.csv", "report.json", "report.html"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_rows_that_break_off_leave_the_files_of_the_earlier_writing(
    tmp_path: Path, make_row: Make, make_summary: MakeSummary
) -> None:
    write_reports(tmp_path, make_summary(), [make_row(2, Status.REJECTED)])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def rows() -> Iterator[ResultRow]:
        yield make_row(2, Status.REJECTED, message="of the second writing")
        raise RuntimeError("the ledger is gone")

    with pytest.raises(RuntimeError, match="ledger"):
        write_reports(tmp_path, make_summary(), rows())
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_a_killed_writer_left_is_cleared_away(
    tmp_path: Path, make_row: Make, make_summary: MakeSummary
) -> None:
    (tmp_path / ".results.csv.k3j2.part").write_text("half")
    write_reports(tmp_path, make_summary(), [make_row(2)])
    assert not list(tmp_path.glob(".*"))


def test_a_file_that_cannot_be_written_stops_the_run_with_a_sentence(
    tmp_path: Path, make_row: Make, make_summary: MakeSummary
) -> None:
    (tmp_path / "results.csv").mkdir()
    with pytest.raises(Stopped, match=r"results\.csv.*sspr resume r-7f3a"):
        write_reports(tmp_path, make_summary(), [make_row(2)])


def test_memory_does_not_grow_with_the_rows(
    tmp_path: Path, make_row: Make, make_summary: MakeSummary
) -> None:
    def peak(count: int) -> int:
        rows = (make_row(line, Status.REJECTED) for line in range(2, count + 2))
        tracemalloc.start()
        try:
            write_reports(tmp_path, make_summary(rows=(count,)), rows)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(600)  # templates compiled, caches warm
    assert peak(6_000) < peak(1_500) + 200_000
