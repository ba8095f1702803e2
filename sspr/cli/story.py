"""A run as the ledger tells it: facts for scripts, and the same in lines for a person. No contact data is in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sspr.ledger import Ledger, RunLedger, RunRecord, status_of
from sspr.masking import mask_text
from sspr.report.write import HTML
from sspr.stages.context import Options

# What is told in words of its own, not as an option.
_TOLD = {"approved", "digest", "approver", "question", "undoes"}
# Request ids shown to a person for each error; the JSON has all.
_SOME = 3

Facts = dict[str, Any]


def facts(run: RunLedger, record: RunRecord) -> Facts:
    """What the list of runs tells of one."""
    return {
        "run_id": record.id,
        "command": record.command,
        "tenant": record.tenant,
        "target": record.target.value,
        "who": record.who,
        "started_at": _moment(record.started_at),
        "finished_at": _moment(record.finished_at),
        "outcome": _outcome(record),
        "counts": _counts(run, record),
        "stopped_because": mask_text(record.stopped_because),
        "files": [source.name for source in run.sources()],
        "folder": record.out,
        "undoes": record.options.get("undoes") or "",
        "pruned_at": _moment(record.pruned_at),
    }


def story(ledger: Ledger, run: RunLedger, now: float) -> Facts:
    """All that the ledger can tell of one run at the moment `now`."""
    record = run.record()
    reasons, warnings = run.codes()
    usual = asdict(Options())
    options = {name: value for name, value in record.options.items() if name not in _TOLD}
    return {
        **facts(run, record),
        "in_hand": ledger.history.holder(record.id, now),
        "inputs": [
            {
                "file": source.name,
                "path": source.path,
                "sha256": source.facts.sha256 if source.facts else "",
                "rows": source.rows,
            }
            for source in run.sources()
        ],
        "options": {name: value for name, value in options.items() if value != usual.get(name)},
        "approved_by": record.options.get("approver") or "",
        "approved_plan": record.options.get("digest") or "",
        "reasons": dict(reasons.most_common()),
        "warnings": dict(warnings.most_common()),
        "feature": {"enabled_before": record.feature_before, "enabled_after": record.feature_after},
        "sessions": [
            {
                **asdict(each),
                "began_at": _moment(each.began_at),
                "ended_at": _moment(each.ended_at),
            }
            for each in run.trail.sessions()
        ],
        "writes": run.trail.fates(),
        "faults": [asdict(each) for each in run.trail.faults()],
        "undone_by": ledger.history.undone_by(record.id),
    }


def line(told: Facts) -> str:
    """One run as a line of the list."""
    counts = _counted(told["counts"]) or "no rows"
    pruned = ", contact data forgotten" if told["pruned_at"] else ""
    command = f"{told['command']} of {told['undoes']}" if told["undoes"] else told["command"]
    return (
        f"{told['run_id']}  {told['started_at']}  {command:8} {told['tenant']:12} {told['who']}  "
        f"{told['outcome']}: {counts}{pruned}  {', '.join(told['files'])}".rstrip()
    )


def lines(told: Facts) -> Iterator[str]:
    """One run, told to a person."""
    for label, text in _told(told):
        yield f"{label:10}{text}".rstrip()


def _told(told: Facts) -> Iterator[tuple[str, str]]:
    yield "run", f"{told['run_id']}: {told['command']}, tenant {told['tenant']}, target {told['target']}"
    yield "outcome", f"{told['outcome']}: {_counted(told['counts']) or 'no rows'}"
    if told["stopped_because"]:
        yield "", told["stopped_because"]
    yield "began", f"{told['started_at']} by {told['who']}"
    yield from _hands(told)
    for each in told["inputs"]:
        read = f"{each['rows']} rows, sha256 {each['sha256']}" if each["sha256"] else "not read yet"
        yield "input", f"{each['file']}: {read}"
    if told["options"]:
        yield "options", ", ".join(f"{name}: {value}" for name, value in told["options"].items())
    for label in ("reasons", "warnings"):
        if told[label]:
            yield label, _counted(told[label])
    before, after = told["feature"]["enabled_before"], told["feature"]["enabled_after"]
    yield "flag", f"{_flag(before)} before, {_flag(after)} after"
    if told["writes"]:
        yield "writes", f"{_counted(told['writes'])} (each sending counts)"
    for fault in told["faults"]:
        ids = fault["request_ids"]
        more = f" and {len(ids) - _SOME} more (--json has all)" if len(ids) > _SOME else ""
        named = f", request ids {', '.join(ids[:_SOME])}{more}" if ids else ""
        yield "", f"HTTP {fault['status']} {fault['code']}: {fault['times']} times{named}"
    if told["undoes"]:
        yield "undoes", told["undoes"]
    if told["undone_by"]:
        yield "undone by", ", ".join(told["undone_by"])
    if told["pruned_at"]:
        yield "pruned", f"{told['pruned_at']}: contact data forgotten, the rest is kept"
    folder = Path(told["folder"])
    gone = "" if (folder / HTML).is_file() else " (not there)"
    yield "report", f"{folder / HTML}{gone}"


def _hands(told: Facts) -> Iterator[tuple[str, str]]:
    """Who had the run in hand, and who approved it."""
    last = len(told["sessions"])
    for each in told["sessions"]:
        if each["ended_at"]:
            how = f"until {each['ended_at']}, exit code {each['exit_code']}"
        elif told["in_hand"] and each["number"] == last:
            how = f"at work: process {told['in_hand']}"
        else:
            how = "killed: it did not let go in order"
        yield "in hand", f"{each['began_at']} {each['command']} by {each['who']}, {how}"
    if told["approved_by"]:
        yield "approved", f"by {told['approved_by']}, the plan {told['approved_plan']}"


def _counts(run: RunLedger, record: RunRecord) -> Mapping[str, int]:
    """Status → rows: as its report said, or as they stand where it has none yet."""
    if record.counts is not None and record.finished_at is not None:
        return dict(record.counts)
    counts: dict[str, int] = {}
    for state, count in run.counts().items():
        status = status_of(state, record.command).value
        counts[status] = counts.get(status, 0) + count
    return counts


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _outcome(record: RunRecord) -> str:
    if record.ended:
        return f"ended with {record.exit_code}"
    return "stopped" if record.exit_code is not None else "open"


def _flag(enabled: bool | None) -> str:
    return {True: "on", False: "off", None: "not asked"}[enabled]


def _moment(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
