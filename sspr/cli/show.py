"""The plan and the outcome of a run, as text for a person. Contact values are masked."""

from __future__ import annotations

from collections.abc import Iterable

import click

from sspr.cli.terminal import Terminal
from sspr.contacts.codes import message
from sspr.job import Job
from sspr.ledger import RowRecord, RowState
from sspr.masking import mask_email, mask_phone, mask_text
from sspr.model import Change, ChangeKind
from sspr.report.content import Report
from sspr.report.text import summary_lines
from sspr.report.words import FLAG_MEANING
from sspr.stages.report import how_to_mend

MOST_ROWS = 40

_LABELS = {
    "otherMails": "alternate email",
    "mobilePhone": "mobile phone",
    "emailAddress": "email method",
    "phoneNumber": "phone method",
}


def plan(job: Job, terminal: Terminal) -> None:
    """What would be written, property by property, on standard output."""
    terminal.pause()
    sources = {source.number: source.name for source in job.run.sources()}
    shown, total = 0, job.counts().get(RowState.PLANNED, 0)
    for chunk in job.chunks():
        rows = job.run.rows(chunk.first, chunk.last, [RowState.PLANNED])
        changes: dict[int, list[Change]] = {}
        for record in job.run.changes(chunk.first, chunk.last):
            changes.setdefault(record.seq, []).append(record.change)
        for row in rows:
            if shown == MOST_ROWS and not terminal.verbose:
                break
            shown += 1
            click.echo(f"{sources[row.source]} line {row.line}  {row.upn}")
            for change in changes.get(row.seq, []):
                for line in _change_lines(change):
                    click.echo(f"    {line}")
    if shown < total:
        click.echo(
            f"… and {total - shown} more (--verbose shows all; {job.folder / 'results.csv'} holds them)."
        )
    if job.turns_flag_on:
        click.echo(f"The flag: off → on. {FLAG_MEANING}")


def outcome(job: Job, report: Report, terminal: Terminal) -> None:
    """The rows that need a person on standard output, the summary on standard error."""
    shown, total = 0, 0
    sources = {source.number: source.name for source in job.run.sources()}
    for chunk in job.chunks():
        rows = job.run.rows(chunk.first, chunk.last, [RowState.REJECTED, RowState.FAILED])
        total += len(rows)
        for row in rows if terminal.verbose else rows[: max(0, MOST_ROWS - shown)]:
            shown += 1
            click.echo(f"{sources[row.source]} line {row.line}  {row.upn or '(no account)'}  {row.state}")
            for line in _reason_lines(row):
                click.echo(f"    {line}")
    if shown < total:
        click.echo(
            f"… and {total - shown} more (--verbose shows all; {job.folder / 'results.csv'} holds them)."
        )
    for line in summary_lines(report, explain=how_to_mend):
        terminal.say(line)


def _reason_lines(row: RowRecord) -> Iterable[str]:
    for reason in row.reasons:
        yield f"{reason.code}: {message((reason,))}"
    if row.message:
        yield mask_text(row.message)


def _change_lines(change: Change) -> Iterable[str]:
    replaces = " (replaced)" if change.method_id and change.kind is not ChangeKind.CONTACT else ""
    for name, after in change.after.items():
        yield f"{_LABELS[name]}: {_masked(name, change.before.get(name))} → {_masked(name, after)}{replaces}"


def _masked(name: str, value: object) -> str:
    if not value:
        return "nothing"
    values = value if isinstance(value, list) else [value]
    mask = mask_phone if name in {"mobilePhone", "phoneNumber"} else mask_email
    return ", ".join(mask(str(each)) for each in values)
