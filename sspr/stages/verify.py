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
from sspr.model import Account, Change, ChangeKind, Fault, Finding
from sspr.stages.apply import send
from sspr.stages.compare import compare_one, read_methods
from sspr.stages.context import Chunk, Context
from sspr.stages.ending import end, sms_sign_in_off
from sspr.stages.limits import stop_where_nothing_is_shown
from sspr.stages.messages import fault_reason
from sspr.tenant.permissions import READ_USERS

CONFIRM_SECONDS = 120.0  # how long an accepted write may stay unseen before it is `not_confirmed`
# How old a write of unknown fate must be to count as not applied; and where a later write has been seen meanwhile.
UNKNOWN_SECONDS = 60.0
EVIDENCE_SECONDS = 10.0
MAX_ATTEMPTS = 8
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)

# What says nothing of the account: no answer, nothing shown of it, a token that was not taken, too many requests.
_UNSEEN = (0, 200, 401, 429)
_DONE = (ChangeState.CONFIRMED, ChangeState.DROPPED, ChangeState.LOST)


def verify(context: Context, chunk: Chunk) -> None:
    """One look at the chunk's written rows; what shows its values is finished."""
    _look(context, chunk.first, chunk.last, cheaply=True)


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
            _look(context, chunk.first, chunk.last, cheaply=not looks)
            send(context, chunk.first, chunk.last)
        looks += 1


def _look(context: Context, first: int, last: int, *, cheaply: bool) -> None:
    rows = context.run.rows(first, last, [RowState.WRITING])
    if not rows:
        return
    changes: dict[int, list[ChangeRecord]] = defaultdict(list)
    for record in context.run.changes(rows[0].seq, rows[-1].seq):
        changes[record.seq].append(record)
    asked_at = context.clock()
    accounts = _read_back(context, rows, changes, cheaply=cheaply)
    moves: list[ChangeMove] = []
    ends: list[Finished] = []
    more: list[tuple[int, Change]] = []
    for row in rows:
        account, records = accounts[row.seq], changes[row.seq]
        judged = [_judge(context, row, record, account, asked_at) for record in records]
        moves += [move for move, _ in judged if move is not None]
        states = {
            record.change.kind: move.state if move else record.state
            for record, (move, _) in zip(records, judged, strict=True)
        }
        put_back = sms_sign_in_off(records, states, account)
        if put_back is not None:
            more.append((row.seq, put_back))
        elif all(state in _DONE for state in states.values()):
            ends.append(end(context, row, account, records, states, [said for _, said in judged]))
    context.run.record_look(moves, ends, more)


def _read_back(
    context: Context,
    rows: Sequence[RowRecord],
    changes: Mapping[int, Sequence[ChangeRecord]],
    *,
    cheaply: bool,
) -> dict[int, Account | Fault | None]:
    """The accounts by row, as plain reads of the directory (no advanced query): at first the cheapest, then one by one.
    Methods are read where methods were written; of the others what comparing read still holds.
    """
    if cheaply:
        names = {row.account_id: row.now.user_principal_name if row.now else row.upn for row in rows}
        accounts = context.tenant.accounts_again(names)
    else:
        accounts = context.tenant.accounts_by_id(list(dict.fromkeys(row.account_id for row in rows)))
    stop_where_nothing_is_shown(accounts.values(), "read users", READ_USERS)
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
            known = row.now or account
            seen[row.seq] = replace(
                account,
                methods=held,
                administrator=known.administrator,
                global_administrator=known.global_administrator,
            )
    return seen


def _is_of_method(record: ChangeRecord) -> bool:
    return record.change.kind is not ChangeKind.CONTACT


_Verdict = tuple[ChangeMove | None, Finding | None]


def _judge(
    context: Context, row: RowRecord, record: ChangeRecord, account: Account | Fault | None, asked_at: float
) -> _Verdict:
    """Where one write goes after a look, and what is to be said of it where it did not succeed."""
    if record.state in _DONE:
        return None, _said_before(record)
    if isinstance(account, Account) and plan.shows(record.change, account):
        if record.state is ChangeState.ACCEPTED:
            context.sight.horizon = max(context.sight.horizon, record.sent_at or 0.0)
        return ChangeMove(record.seq, record.change.kind, ChangeState.CONFIRMED), None
    if isinstance(account, Fault) and (account.status in _UNSEEN or account.status >= 500):
        # Nothing was seen: it is looked at again, and never written again meanwhile.
        return _await(record, record.sent_at, asked_at)
    if record.state is ChangeState.ACCEPTED:
        context.sight.lag = max(context.sight.lag, asked_at - (record.answered_at or asked_at))
        return _await(record, record.answered_at, asked_at)
    if record.state is ChangeState.REFUSED:
        return _judge_refused(context, row, record, account, asked_at)
    if record.state is ChangeState.SENT and _is_hidden_by_lag(context, record, asked_at):
        return None, None
    return _decide_again(context, row, record, account)


def _await(record: ChangeRecord, since: float | None, asked_at: float) -> _Verdict:
    """A write that no look has shown yet: looked for again, and given up in the end."""
    if asked_at - (since or asked_at) <= CONFIRM_SECONDS:
        return None, None
    return ChangeMove(record.seq, record.change.kind, ChangeState.LOST), Finding("not_confirmed")


def _judge_refused(
    context: Context, row: RowRecord, record: ChangeRecord, account: Account | Fault | None, asked_at: float
) -> _Verdict:
    said = _said_of(record)
    lost = ChangeMove(record.seq, record.change.kind, ChangeState.LOST), said
    if said.code == "synced_from_on_premises" and context.target.methods and not context.origin:
        return ChangeMove(record.seq, record.change.kind, ChangeState.DROPPED), said
    if said.code == "permission_denied" or not isinstance(account, Account):
        return lost
    of_method = _is_of_method(record)
    # Microsoft does not document how it refuses to register a method of a kind that is there by now, or to change one
    # that no longer is. What the account holds tells.
    if of_method and not plan.unmoved(record.change, account):
        return _decide_again(context, row, record, account)
    # That may not be seen yet. And a repeated write may be refused because its first sending did succeed.
    gone = of_method and record.fault is not None and record.fault.status in (404, 409)
    if (gone or record.attempts > 1) and _is_hidden_by_lag(context, record, asked_at):
        return None, None
    return lost


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
    moved = not plan.unmoved(record.change, account)
    if kind is ChangeKind.SMS_SIGN_IN:  # of a number that is no longer there nothing is to be put back
        return ChangeMove(record.seq, kind, ChangeState.DROPPED if moved else ChangeState.PLANNED), None
    if context.origin:  # what is put back never changes, and of what somebody has changed since nothing is
        move = ChangeState.LOST if moved else ChangeState.PLANNED
        return ChangeMove(record.seq, kind, move), Finding("changed_since_plan") if moved else None
    anew = {change.kind: change for change in compare_one(context, row, account).changes}.get(kind)
    if context.options.approved and moved:
        return ChangeMove(record.seq, kind, ChangeState.LOST), Finding("changed_since_plan")
    if anew is None:
        return ChangeMove(record.seq, kind, ChangeState.DROPPED), _NOT_OURS[kind]
    return ChangeMove(record.seq, kind, ChangeState.PLANNED, anew), None


# Why a write is no longer to be made that was: the person has registered another method meanwhile, and theirs is kept;
# the property is mastered on premises by now.
_NOT_OURS = {
    ChangeKind.CONTACT: Finding("synced_from_on_premises"),
    ChangeKind.EMAIL_METHOD: Finding("email_method_differs", "kept"),
    ChangeKind.PHONE_METHOD: Finding("phone_method_differs", "kept"),
}


def _said_before(record: ChangeRecord) -> Finding | None:
    """What an earlier look said of a write that it ended."""
    if record.state is ChangeState.CONFIRMED:
        return None
    said = _said_of(record)
    if record.state is ChangeState.DROPPED and said.code != "synced_from_on_premises":
        return _NOT_OURS.get(record.change.kind)
    return said


def _said_of(record: ChangeRecord) -> Finding:
    return fault_reason(record.fault) if record.fault else Finding("not_confirmed")
