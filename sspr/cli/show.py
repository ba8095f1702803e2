"""The plan and the outcome of a run, as text for a person. Contact values are masked."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import click

from sspr.cells import unguard_cell
from sspr.cli.terminal import Terminal
from sspr.job import Job
from sspr.ledger import RowState
from sspr.masking import mask_email, mask_phone, mask_text
from sspr.model import Change, ChangeKind
from sspr.report.content import Report
from sspr.report.tables import RESULTS
from sspr.report.text import summary_lines
from sspr.report.words import FLAG_MEANING, needing_a_person
from sspr.stages.report import NEED_A_PERSON, how_to_mend

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


def outcome(report: Report, terminal: Terminal) -> None:
    """The rows that need a person on standard output, as `results.csv` has them; the summary on standard error."""
    folder = Path(report["folder"])
    total = needing_a_person(report)
    most = total if terminal.verbose else MOST_ROWS
    for row in islice(_needing(folder / RESULTS), min(most, total)):
        account = unguard_cell(row["user_principal_name"]) or "(no account)"
        click.echo(f"{row['file']} line {row['line']}  {account}  {row['status']}  {row['reason']}")
        click.echo(f"    {mask_text(row['message'])}")
    if most < total:
        click.echo(f"… and {total - most} more (--verbose shows all; {folder / RESULTS} holds them).")
    for line in summary_lines(report, explain=how_to_mend):
        terminal.say(line)


def _needing(results: Path) -> Iterator[dict[str, str]]:
    with results.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if row["status"] in NEED_A_PERSON:
                yield row


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
