from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from sspr.model import ResultRow, RunSummary, Source, Status, Target
from sspr.report.content import Report
from sspr.report.html import MOST_ROWS
from sspr.report.text import one_line, summary_lines, summary_markdown
from sspr.report.words import (
    CONTACT_ONLY,
    FLAG_MEANING,
    WHY_METHODS,
    details,
    flag_sentence,
    gates_sentence,
    headline,
)
from sspr.report.write import write_reports

Make = Callable[..., ResultRow]
MakeSource = Callable[..., Source]
MakeSummary = Callable[..., RunSummary]
Written = Callable[..., Report]


@pytest.fixture
def written(tmp_path: Path, make_summary: MakeSummary) -> Written:
    def write(*rows: ResultRow, **changes: Any) -> Report:
        return write_reports(tmp_path, make_summary(rows=(len(rows),), **changes), rows, lambda _: "Ask.")

    return write


@pytest.mark.parametrize(
    ("command", "statuses", "flag", "line"),
    [
        (
            "run",
            [Status.UPDATED, Status.REJECTED],
            True,
            "1 updated, 0 unchanged, 1 rejected, 0 failed; flag on",
        ),
        ("run", [Status.PENDING], False, "0 updated, 0 unchanged, 0 rejected, 0 failed, 1 pending; flag off"),
        ("plan", [Status.PLANNED, Status.PLANNED], True, "0 unchanged, 2 planned, 0 rejected; flag on"),
        ("check", [Status.VALID], None, "1 valid, 0 rejected"),
    ],
)
def test_one_line_has_the_counts_of_the_command_and_the_flag(
    written: Written, make_row: Make, command: str, statuses: list[Status], flag: bool | None, line: str
) -> None:
    rows = [make_row(number, status) for number, status in enumerate(statuses, 2)]
    assert one_line(written(*rows, command=command, feature_after=flag)) == line


@pytest.mark.parametrize(
    ("command", "ready", "flag", "said"),
    [
        ("run", ["yes", "no"], True, "1 of 2 administrators can now reset their password without help."),
        (
            "run",
            ["no", "no"],
            False,
            "No administrator can reset their password without help: the flag is off.",
        ),
        (
            "run",
            ["", ""],
            None,
            "It is not known which of 2 administrators can reset their password without help.",
        ),
        ("undo", ["no", "no"], True, "2 of 2 administrators hold again what they held before."),
    ],
)
def test_the_headline_is_the_verdict(
    written: Written, make_row: Make, command: str, ready: list[str], flag: bool | None, said: str
) -> None:
    rows = [make_row(number, ready=word) for number, word in enumerate(ready, 2)]
    assert headline(written(*rows, command=command, feature_after=flag)) == said


def test_a_run_that_stopped_before_its_first_row_has_a_report(
    tmp_path: Path, make_summary: MakeSummary
) -> None:
    summary = replace(make_summary(rows=()), sources=(), stopped_because="The file is gone.", exit_code=3)
    report = write_reports(tmp_path, summary, ())
    assert headline(report) == "No row was read."
    assert {path.name for path in tmp_path.iterdir()} == {"results.csv", "report.json", "report.html"}


@pytest.mark.parametrize(
    ("gates", "said"),
    [
        (None, ""),
        (2, "Microsoft asks the administrators of this tenant for two methods at a reset (two gates)."),
        (1, "This tenant has no domain of its own"),
    ],
)
def test_the_gates_are_told_where_they_are_known_and_on_the_terminal_where_it_is_one(
    written: Written, make_row: Make, tmp_path: Path, gates: int | None, said: str
) -> None:
    report = written(make_row(2), gates=gates)
    assert report["gates"] == gates
    assert gates_sentence(report).startswith(said)
    assert bool(gates_sentence(report)) is (gates is not None)
    page = html.unescape((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert gates_sentence(report) in page
    for text in ("\n".join(summary_lines(report)), summary_markdown(report)):
        assert ("one gate" in text, "two gates" in text) == (gates == 1, False)


def test_a_report_of_a_version_that_knew_no_gates_is_told_all_the_same(
    written: Written, make_row: Make
) -> None:
    report = {key: value for key, value in written(make_row(2), gates=1).items() if key != "gates"}
    assert "one gate" not in "\n".join(summary_lines(report))  # type: ignore[arg-type]


def test_the_page_says_once_what_a_registered_method_is(
    written: Written, make_row: Make, tmp_path: Path
) -> None:
    written(*(make_row(line, warnings=("sms_ends",)) for line in range(2, 30)))
    page = html.unescape((tmp_path / "report.html").read_text(encoding="utf-8"))
    for words in ("needs no confirmation by the person", "a factor of multifactor authentication"):
        assert page.count(words) == 1


def test_warnings_of_every_row_are_one_line_on_the_terminal(written: Written, make_row: Make) -> None:
    rows = [make_row(line, warnings=("sms_ends",), message="m") for line in range(2, 500)]
    assert sum("sms_ends" in line for line in summary_lines(written(*rows))) == 1


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (None, None, "The flag was not asked."),
        (True, None, "The flag was not read again at the end."),
        (True, True, "The flag is on."),
        (False, True, "The flag is on (it was off before)."),
        (None, False, "The flag is off: no administrator can reset a password until it is on."),
    ],
)
def test_the_flag_in_a_sentence(
    written: Written, make_row: Make, before: bool | None, after: bool | None, said: str
) -> None:
    assert flag_sentence(written(make_row(2), feature_before=before, feature_after=after)) == said


def test_the_details_name_the_stop_the_obstacles_and_what_waits_for_a_person(
    written: Written, make_row: Make
) -> None:
    report = written(
        make_row(2, ready="no"),
        make_row(3, Status.REJECTED, ready=""),
        make_row(4, Status.FAILED, reasons=("not_confirmed",), message="m"),
        make_row(5, Status.PENDING, ready=""),
        target=Target.CONTACT,
        stopped_because="The tenant cannot be reached.",
    )
    stop, cannot, unknown, rejected, failed, contact = details(report)
    assert stop == (
        "The run stopped before its end: The tenant cannot be reached. 1 row was not reached. "
        "`sspr resume r-7f3a` goes on."
    )
    assert cannot.startswith("1 cannot: 1 because fewer than two methods are registered")
    assert unknown.startswith("For 2 it is not known")
    assert "correct rejected.csv" in rejected
    assert "results.csv says why" in failed
    assert contact == CONTACT_ONLY


CONTACTS = ("admin3", "person2", "fabrikam", "2065550123", "0123")


def test_terminal_and_artifact_hold_no_account_and_no_contact_data(written: Written, make_row: Make) -> None:
    report = written(
        make_row(2),
        make_row(3, Status.REJECTED, message="admin3@contoso.com has +1 2065550123"),
        stopped_because="Graph said: no mailbox person2@fabrikam.com, +1 2065550123",
    )

    def explain(code: str) -> str:
        return {"phone_invalid": "Ask for a mobile | number."}.get(code, "")

    terminal = "\n".join(summary_lines(report, masked=True, explain=explain))
    artifact = summary_markdown(report, explain)
    for text in (terminal, artifact):
        assert "phone_invalid" in text
        assert FLAG_MEANING in text
        assert WHY_METHODS in text
        assert [
            word
            for word in CONTACTS
            if word in text.replace("p•••@fabrikam.com", "").replace("•••• 0123", "")
        ] == []
    assert "| 1 | `phone_invalid` | Ask for a mobile \\| number. |" in artifact
    assert report["folder"] in terminal
    assert report["folder"] not in artifact
    assert "p•••@fabrikam.com" in terminal


class Page(HTMLParser):
    """The elements of a page, and every address it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [
            value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")
        ]


def test_the_page_stands_alone_and_runs_nothing(written: Written, make_row: Make, tmp_path: Path) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    written(
        make_row(2, Status.REJECTED, user_principal_name=evil, message=evil, reasons=("phone_invalid",)),
        make_row(3, ready="no", warnings=("user_disabled",)),
        tenant=evil,
    )
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.loads == []
    assert {"script", "img", "link", "iframe"}.isdisjoint(page.tags)
    assert "url(" not in text
    assert "&lt;script&gt;" in text


def test_the_page_shows_the_account_in_full_and_contact_values_masked(
    written: Written, make_row: Make, tmp_path: Path
) -> None:
    written(
        make_row(
            2,
            Status.FAILED,
            reasons=("tenant_rejected",),
            message="HTTP 400 for person2@fabrikam.com, request id 3f1c",
        )
    )
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "admin2@contoso.com" in text
    assert "p•••@fabrikam.com" in text
    assert "+1 •••• 0123" in text
    assert "person2" not in text
    assert "2065550123" not in text
    assert "request id 3f1c" in text


def test_the_page_stays_bounded_and_says_what_it_leaves_out(
    written: Written, make_row: Make, tmp_path: Path
) -> None:
    written(*(make_row(line, Status.REJECTED) for line in range(2, MOST_ROWS + 1_236)))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.count('<span class="line">') == MOST_ROWS
    assert "And 1,234 more, in rejected.csv" in text


@pytest.mark.parametrize("moment", ["", "yesterday"])
def test_a_run_without_an_end_still_has_a_page(
    written: Written, make_row: Make, tmp_path: Path, moment: str
) -> None:
    written(
        make_row(2, Status.PENDING, ready=""), finished_at=moment, exit_code=3, stopped_because="Interrupted."
    )
    assert "The run stopped before its end: Interrupted." in (tmp_path / "report.html").read_text(
        encoding="utf-8"
    )
