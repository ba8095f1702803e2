"""Read back: a row is `updated` only when a later read shows what was written.

Reads may lag behind writes (learn.microsoft.com devblogs, "Designing for Eventual Consistency for Microsoft
Entra"): rows that do not yet show their values are read again with growing pauses. A write whose fate is
unknown is sent again only when it can no longer be hidden by that lag: a stale read never triggers a write.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sspr import plan
from sspr.errors import Stopped
from sspr.ledger import ChangeMove, ChangeRecord, ChangeState, Finished, RowRecord, RowState
from sspr.model import Account, ChangeKind, Fault, Finding
from sspr.stages.apply import send
from sspr.stages.compare import compare_one, fault_reason, read_methods
from sspr.stages.context import Chunk, Context

CONFIRM_SECONDS = 120.0  # how long an accepted write may stay unseen before it is `not_confirmed`
# How old a write of unknown fate must be to count as not applied; and where a later write has been seen meanwhile.
UNKNOWN_SECONDS = 60.0
EVIDENCE_SECONDS = 10.0
MAX_ATTEMPTS = 8
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)

_DONE = (ChangeState.CONFIRMED, ChangeState.DROPPED, ChangeState.LOST)


def verify(context: Context, chunk: Chunk) -> None:
    """One look at the chunk's written rows; what shows its values is finished."""
    _look(context, chunk.first, chunk.last)
    context.progress("verify", chunk.last, context.run.last_seq())


def settle(context: Context, chunks: Sequence[Chunk]) -> None:
    """Looks again, with growing pauses, until no row is open; sends again what certainly was not applied."""
    looks = 0
    while True:
        open_rows = context.run.counts().get(RowState.WRITING, 0)
        if not open_rows:
            return
        if context.cancelled.is_set():
            raise Stopped("Interrupted.")
        context.progress("settle", context.run.last_seq() - open_rows, context.run.last_seq())
        if looks:
            context.sleep(PAUSES[min(looks - 1, len(PAUSES) - 1)])
        for chunk in chunks:
            _look(context, chunk.first, chunk.last)
            send(context, chunk.first, chunk.last)
        looks += 1


def _look(context: Context, first: int, last: int) -> None:
    rows = context.run.rows(first, last, [RowState.WRITING])
    if not rows:
        return
    changes: dict[int, list[ChangeRecord]] = defaultdict(list)
    for record in context.run.changes(rows[0].seq, rows[-1].seq):
        changes[record.seq].append(record)
    asked_at = context.clock()
    accounts = _read_back(context, rows, changes)
    moves: list[ChangeMove] = []
    ends: list[Finished] = []
    for row in rows:
        judged = [_judge(context, row, record, accounts[row.seq], asked_at) for record in changes[row.seq]]
        moves += [move for move, _ in judged if move is not None]
        states = {
            record.change.kind: move.state if move else record.state
            for record, (move, _) in zip(changes[row.seq], judged, strict=True)
        }
        if all(state in _DONE for state in states.values()):
            ends.append(_end(row, accounts[row.seq], changes[row.seq], states, [said for _, said in judged]))
    context.run.record_look(moves, ends)


def _read_back(
    context: Context, rows: Sequence[RowRecord], changes: Mapping[int, Sequence[ChangeRecord]]
) -> dict[int, Account | Fault | None]:
    """The accounts by row, read by id, as plain reads of the directory (no advanced query). Methods are read where
    methods were written; of the others what comparing read still holds.
    """
    accounts = context.tenant.accounts_by_id(list(dict.fromkeys(row.account_id for row in rows)))
    written = {row.account_id for row in rows if any(_is_of_method(record) for record in changes[row.seq])}
    methods = read_methods(context, sorted(written))
    seen: dict[int, Account | Fault | None] = {}
    for row in rows:
        account = accounts[row.account_id]
        held = methods.get(row.account_id, row.now.methods if row.now else None)
        if not isinstance(account, Account):
            seen[row.seq] = account
        elif isinstance(held, Fault):
            seen[row.seq] = held
        else:
            known = row.now.administrator if row.now else None
            seen[row.seq] = replace(account, methods=held, administrator=known)
    return seen


def _is_of_method(record: ChangeRecord) -> bool:
    return record.change.kind is not ChangeKind.CONTACT


_Verdict = tuple[ChangeMove | None, Finding | None]


def _judge(
    context: Context, row: RowRecord, record: ChangeRecord, account: Account | Fault | None, asked_at: float
) -> _Verdict:
    """Where one write goes after a look, and what is to be said of it where it did not succeed."""
    if record.state in _DONE:
        return None, _said_of(record) if record.state is not ChangeState.CONFIRMED else None
    if isinstance(account, Account) and plan.shows(record.change, account):
        if record.state is ChangeState.ACCEPTED:
            context.sight.horizon = max(context.sight.horizon, record.sent_at or 0.0)
        return ChangeMove(record.seq, record.change.kind, ChangeState.CONFIRMED), None
    if isinstance(account, Fault) and (account.status == 429 or account.status >= 500):
        # Nothing was seen: it is looked at again, and never written again meanwhile.
        return _await(record, record.sent_at, asked_at)
    if record.state is ChangeState.ACCEPTED:
        context.sight.lag = max(context.sight.lag, asked_at - (record.answered_at or asked_at))
        return _await(record, record.answered_at, asked_at)
    if record.state is ChangeState.REFUSED:
        return _judge_refused(context, record, asked_at)
    if record.state is ChangeState.SENT and _is_hidden_by_lag(context, record, asked_at):
        return None, None
    return _decide_again(context, row, record, account)


def _await(record: ChangeRecord, since: float | None, asked_at: float) -> _Verdict:
    """A write that no look has shown yet: looked for again, and given up in the end."""
    if asked_at - (since or asked_at) <= CONFIRM_SECONDS:
        return None, None
    return ChangeMove(record.seq, record.change.kind, ChangeState.LOST), Finding("not_confirmed")


def _judge_refused(context: Context, record: ChangeRecord, asked_at: float) -> _Verdict:
    said = _said_of(record)
    if said.code == "synced_from_on_premises" and context.target.methods:
        return ChangeMove(record.seq, record.change.kind, ChangeState.DROPPED), said
    # A repeated write may be refused because its first sending did succeed (`already exists`), unseen yet.
    if (
        record.attempts > 1
        and said.code != "permission_denied"
        and _is_hidden_by_lag(context, record, asked_at)
    ):
        return None, None
    return ChangeMove(record.seq, record.change.kind, ChangeState.LOST), said


def _is_hidden_by_lag(context: Context, record: ChangeRecord, asked_at: float) -> bool:
    """Whether the write may have been applied although the read did not show it."""
    sent_at = record.sent_at or 0.0
    age = asked_at - sent_at
    seen_later = context.sight.horizon > sent_at
    patience = max(EVIDENCE_SECONDS if seen_later else UNKNOWN_SECONDS, 4 * context.sight.lag)
    return age < min(patience, CONFIRM_SECONDS)


def _decide_again(
    context: Context, row: RowRecord, record: ChangeRecord, account: Account | Fault | None
) -> _Verdict:
    """A write that was certainly not applied: to be sent again against what the account holds now, or given up."""
    kind = record.change.kind
    if not isinstance(account, Account) or record.attempts >= MAX_ATTEMPTS:
        said = fault_reason(account) if isinstance(account, Fault) else Finding("not_confirmed")
        return ChangeMove(record.seq, kind, ChangeState.LOST), said
    anew = {change.kind: change for change in compare_one(context, row, account).changes}.get(kind)
    if context.options.approved and not plan.unmoved(record.change, account):
        return ChangeMove(record.seq, kind, ChangeState.LOST), Finding("changed_since_plan")
    if anew is None:  # the person has registered another one meanwhile: theirs is kept
        differs = "email_method_differs" if kind is ChangeKind.EMAIL_METHOD else "phone_method_differs"
        return ChangeMove(record.seq, kind, ChangeState.DROPPED), Finding(differs, "kept")
    return ChangeMove(record.seq, kind, ChangeState.PLANNED, anew), None


def _said_of(record: ChangeRecord) -> Finding:
    return fault_reason(record.fault) if record.fault else Finding("not_confirmed")


def _end(
    row: RowRecord,
    account: Account | Fault | None,
    records: Sequence[ChangeRecord],
    states: dict[ChangeKind, ChangeState],
    said: Sequence[Finding | None],
) -> Finished:
    lost = [
        finding
        for state, finding in zip(states.values(), said, strict=True)
        if state is ChangeState.LOST and finding
    ]
    dropped = [
        finding
        for state, finding in zip(states.values(), said, strict=True)
        if state is ChangeState.DROPPED
        and finding
        and finding.code not in {known.code for known in row.warnings}
    ]
    held = account if isinstance(account, Account) else None
    if not lost:
        done = ChangeState.CONFIRMED in states.values()
        return Finished(row.seq, RowState.UPDATED if done else RowState.UNCHANGED, held, (), tuple(dropped))
    faults = {
        str(record.fault)
        for record in records
        if record.fault and states[record.change.kind] is ChangeState.LOST
    }
    parts = [f"{kind.value.replace('_', ' ')}: {_WORDS[state]}" for kind, state in states.items()]
    message = ". ".join(["; ".join(parts), *sorted(faults)])
    reasons = tuple(dict.fromkeys(lost))
    return Finished(row.seq, RowState.FAILED, held, reasons, tuple(dropped), message)


_WORDS = {
    ChangeState.CONFIRMED: "written and read back",
    ChangeState.DROPPED: "left as it was",
    ChangeState.LOST: "not written, or not seen",
}
