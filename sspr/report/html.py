"""`report.html`: one file for a person, without anything from outside, of bounded size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

import jinja2

from sspr.masking import mask_email, mask_phone, mask_text
from sspr.model import ResultRow, Status
from sspr.report import words
from sspr.report.content import DISABLED, TOO_FEW_METHODS, Report

# A table of this many rows opens at once in a browser; beyond, a person works in the CSV files anyway.
MOST_ROWS = 500


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row as the page shows it: the account in full, contact values and foreign text masked."""

    file: str
    line: int
    user_principal_name: str = field(repr=False)
    status: str
    codes: tuple[str, ...]
    message: str = field(repr=False)
    alternate_email: str = field(repr=False)
    mobile_phone: str = field(repr=False)


@dataclass(slots=True)
class Excerpt:
    """The first rows of a kind, and how many there were in all."""

    rows: list[ShownRow] = field(default_factory=list)
    count: int = 0

    def add(self, row: ResultRow, file: str, codes: tuple[str, ...], *, keep: bool) -> None:
        """Count a row, and keep it if that is wanted and it is among the first."""
        self.count += 1
        if keep and self.count <= MOST_ROWS:
            self.rows.append(
                ShownRow(
                    file=file,
                    line=row.line,
                    user_principal_name=row.user_principal_name,
                    status=row.status.value,
                    codes=tuple(dict.fromkeys(codes)),
                    message=mask_text(row.message),
                    alternate_email=mask_email(row.alternate_email) if row.alternate_email else "",
                    mobile_phone=mask_phone(row.mobile_phone) if row.mobile_phone else "",
                )
            )

    def extend(self, other: Excerpt) -> None:
        """Take in the rows that come after."""
        self.count += other.count
        self.rows.extend(other.rows[: MOST_ROWS - len(self.rows)])

    @property
    def asks(self) -> bool:
        """Whether any of the rows shown asks for a value that was accepted."""
        return any(row.alternate_email or row.mobile_phone for row in self.rows)

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.count - len(self.rows)


@dataclass(slots=True)
class Excerpts:
    """The rows that the page names: those that need a person, and those carried out and yet not ready."""

    needing: Excerpt = field(default_factory=Excerpt)
    not_ready: Excerpt = field(default_factory=Excerpt)

    def add(self, row: ResultRow, file: str, obstacle: str, *, keep: bool = True) -> None:
        """Look at one row. `obstacle`: why its administrator is not ready, empty where that is not so; `keep`: whether
        the page has room for it, or it is only to be counted.
        """
        if row.status is Status.REJECTED or row.status is Status.FAILED:
            self.needing.add(row, file, row.reasons, keep=keep)
        elif obstacle in (TOO_FEW_METHODS, DISABLED):
            self.not_ready.add(row, file, row.warnings, keep=keep)

    def extend(self, other: Excerpts) -> None:
        """Take in the rows that come after."""
        self.needing.extend(other.needing)
        self.not_ready.extend(other.not_ready)


def render_html(report: Report, excerpts: Excerpts, explain: Callable[[str], str]) -> str:
    """The page. `explain`: code → what to do about it, empty where there is nothing to say."""
    return _template().render(
        report=report,
        words=words,
        excerpts=excerpts,
        explain=explain,
        mood=_mood(report),
        duration=_duration(report["started_at"], report["finished_at"]),
    )


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("sspr.report", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(thousands="{:,}".format, moment=_moment)
    return environment.get_template("report.html.j2")


def _mood(report: Report) -> str:
    """The colour of the verdict: `good`, `mixed` (a person is needed) or `bad` (stopped, or nobody can reset)."""
    if report["stopped_because"] or report["exit_code"] >= 2:
        return "bad"
    if report["command"] == "undo":
        return "mixed" if words.needing_a_person(report) else "good"
    nobody = report["ready"]["no"] and not report["ready"]["yes"]
    if report["feature"]["enabled_after"] is False or nobody:
        return "bad"
    return "mixed" if words.needing_a_person(report) or report["ready"]["no"] else "good"


def _moment(text: str) -> str:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{when.day} {when:%B %Y, %H:%M} UTC"


def _duration(start: str, end: str) -> str:
    try:
        seconds = int((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())
    except ValueError:
        return ""
    minutes, seconds = divmod(max(seconds, 0), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
