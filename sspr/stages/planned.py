"""What is planned and not written yet, as a person is shown it before they say yes: counts, what is replaced, examples.

Values are masked: the texts go to terminals, and into Prefect's database.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sspr.ledger import ChangeState, RowRecord, RowState, RunLedger
from sspr.masking import mask_email, mask_phone
from sspr.model import Change, ChangeKind

MOST_EXAMPLES = 5
_PAGE_ROWS = 2000
_TURN = {kind: turn for turn, kind in enumerate(ChangeKind)}

LABELS = {
    "otherMails": "alternate email",
    "mobilePhone": "mobile phone",
    "emailAddress": "email method",
    "phoneNumber": "phone method",
    "smsSignInState": "SMS sign-in",
}
_PHONES = ("mobilePhone", "phoneNumber")


@dataclass(frozen=True, slots=True)
class Planned:
    """A row and the writes that it needs."""

    row: RowRecord
    changes: tuple[Change, ...]

    @property
    def replaces(self) -> bool:
        """Whether a value that the account holds makes way for another."""
        return any(_replaced(change) for change in self.changes)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is planned. `digest`: of every change of every row, both sides of it, in their order.

    `states`: rows by where they stand. `added`, `replaced`: values by what they are (see `LABELS`), set where there was
    none, or put in the place of another. `global_replaced`: Global Administrators of whom a value is replaced;
    `unknown_replaced`: accounts of whom one is, and of whom it could not be read whether they are one. `undoes`:
    the plan is that of an undo.
    """

    digest: str
    states: Mapping[RowState, int]
    added: Mapping[str, int]
    replaced: Mapping[str, int]
    global_replaced: int
    unknown_replaced: int
    examples: tuple[Planned, ...]
    undoes: bool = False

    @property
    def administrators(self) -> int:
        """How many are to be written."""
        return self.states.get(RowState.PLANNED, 0)


def planned_rows(run: RunLedger) -> Iterator[Planned]:
    """The rows that are planned and not written yet, in input order, so many at a time that memory stays flat."""
    for first in range(1, run.last_seq() + 1, _PAGE_ROWS):
        last = first + _PAGE_ROWS - 1
        changes: dict[int, list[Change]] = {}
        for record in run.changes(first, last, [ChangeState.PLANNED]):
            changes.setdefault(record.seq, []).append(record.change)
        for row in run.rows(first, last, [RowState.PLANNED]):
            yield Planned(row, tuple(sorted(changes.get(row.seq, []), key=lambda change: _TURN[change.kind])))


def survey(run: RunLedger) -> Plan:
    """The plan as the ledger has it."""
    record = run.record()
    # What is approved beside the rows: where they are written, whether the flag is turned.
    turned = [bool(record.options.get(name)) for name in ("enable_feature", "disable_feature")]
    digest = hashlib.sha256(_canonical([record.tenant, record.target.value, *turned]))
    added: Counter[str] = Counter()
    replaced: Counter[str] = Counter()
    replacing: Counter[bool | None] = Counter()
    examples: list[Planned] = []
    for each in planned_rows(run):
        for change in each.changes:
            digest.update(_canonical([each.row.seq, each.row.account_id, change.kind.value, dict(change.before),
                                      dict(change.after), change.method_id]))  # fmt: skip
            gone = _replaced(change)
            replaced.update(gone)
            added.update(name for name in change.after if name not in gone)
        if each.replaces:
            replacing[each.row.now.global_administrator if each.row.now else None] += 1
        # What replaces something is what a person wants to see: it comes first.
        if len(examples) < MOST_EXAMPLES or (each.replaces and not examples[-1].replaces):
            examples = sorted([*examples, each], key=lambda one: not one.replaces)[:MOST_EXAMPLES]
    return Plan(
        digest=digest.hexdigest(),
        states=run.counts(),
        added=added,
        replaced=replaced,
        global_replaced=replacing[True],
        unknown_replaced=replacing[None],
        examples=tuple(examples),
        undoes=bool(record.options.get("undoes")),
    )


def totals(plan: Plan) -> str:
    """`Plan: 412 to change, 80 unchanged, 8 rejected.`"""
    words = [
        (RowState.PLANNED, "to change"),
        (RowState.UNCHANGED, "unchanged"),
        (RowState.REJECTED, "rejected"),
    ]
    said = [f"{plan.states.get(state, 0):,} {word}" for state, word in words]
    if failed := plan.states.get(RowState.FAILED):
        said.append(f"{failed:,} failed")
    return f"Plan: {', '.join(said)}."


def replacements(plan: Plan) -> str:
    """`Replaced: 3 alternate email (the earlier ones are kept behind the new one), 2 phone method.`"""
    if not plan.replaced:
        return "No value that an account holds is replaced."
    kept = {} if plan.undoes else {"otherMails": " (what was there is kept behind it)"}
    said = [
        f"{plan.replaced[name]:,} × {label}{kept.get(name, '')}"
        for name, label in LABELS.items()
        if plan.replaced.get(name)
    ]
    return f"{'Replaced or taken away' if plan.undoes else 'Replaced'}: {', '.join(said)}."


def change_lines(change: Change) -> Iterator[str]:
    """The values of a change, masked: `+` where there was none, `~` where another makes way, `-` where it goes."""
    gone = _replaced(change)
    for name, after in change.after.items():
        mark = "-" if not after else "~" if name in gone else "+"
        yield f"{mark} {LABELS[name]}: {_masked(name, change.before.get(name))} → {_masked(name, after)}"


def example_line(each: Planned, source: str) -> str:
    """A row and its changes in one masked line."""
    lines = "; ".join(line for change in each.changes for line in change_lines(change))
    return f"{source} line {each.row.line}, {mask_email(each.row.upn)}: {lines}"


def _replaced(change: Change) -> list[str]:
    """The names of the values that make way."""
    return [name for name in change.after if change.before.get(name)]


def _masked(name: str, value: object) -> str:
    if not value:
        return "nothing"
    if name not in _PHONES and name not in {"otherMails", "emailAddress"}:
        return str(value)
    values = value if isinstance(value, list) else [value]
    mask = mask_phone if name in _PHONES else mask_email
    return ", ".join(mask(str(each)) for each in values)


def _canonical(value: object) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"{text}\n".encode()
