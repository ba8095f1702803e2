"""The writes: recorded, sent in rate-limited batches, their answers noted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sspr.errors import Busy, Stopped
from sspr.ledger import ChangeRecord, ChangeState, RowState
from sspr.model import Answer, ChangeKind, Fate, Write
from sspr.stages.compare import compare_again
from sspr.stages.context import Chunk, Context
from sspr.stages.limits import Limits
from sspr.stages.messages import fault_reason


def apply(context: Context, chunk: Chunk) -> None:
    """Sends the chunk's planned writes. What was compared too long ago, or written by another run since, is compared
    anew first. Raises `Busy`, and sends nothing, where another run is working on some of these accounts.
    """
    moved = _claim(context, chunk.first, chunk.last)
    stale = set(context.run.compared_before(chunk.first, chunk.last, context.fresh_since))
    if stale or moved:
        rows = context.run.rows(chunk.first, chunk.last, [RowState.PLANNED])
        compare_again(context, [row for row in rows if row.seq in stale or row.account_id in moved])
    _send(context, chunk.first, chunk.last)


def send(context: Context, first: int, last: int) -> None:
    """Sends those writes of these rows that a look has planned again. What another run has written since is left for
    the next look; so is all of it, after a pause, where another run is working on some, and the host waits for that.
    """
    if not context.run.changes(first, last, [ChangeState.PLANNED]):
        return
    try:
        moved = _claim(context, first, last)
    except Busy as busy:
        if context.wait is None:
            raise
        context.wait(busy.what)
        return
    _send(context, first, last, leave=moved)


def _claim(context: Context, first: int, last: int) -> frozenset[str]:
    """Keeps other runs off the accounts of these rows. Returns the ids of those that another may have written to since
    they were looked at.
    """
    if context.claims is None:
        return frozenset()
    tenant = context.organization.id or context.tenant.settings.tenant_id
    try:
        return context.claims.take(tenant, first, last, context.fresh_since)
    except Busy as busy:
        states = context.run.counts()
        if states.get(RowState.WRITING) or states.get(RowState.UPDATED):
            busy.exit_code = Stopped.exit_code
        raise


def _send(context: Context, first: int, last: int, leave: frozenset[str] = frozenset()) -> None:
    """Sends the planned writes, one kind after the other: never two of one account at a time."""
    if context.limits is None:
        context.limits = Limits(context)
    for kind in ChangeKind:
        records = context.run.changes(first, last, [ChangeState.PLANNED], [kind])
        _send_kind(context, [record for record in records if record.account_id not in leave], context.limits)


def _send_kind(context: Context, records: Sequence[ChangeRecord], limits: Limits) -> None:
    not_sent: list[Answer] = []

    def on_answers(answers: Sequence[Answer]) -> None:
        context.run.record_answers(answers, context.clock())
        not_sent.extend(answer for answer in answers if answer.fate is Fate.NOT_SENT)
        limits.after(answers)

    for wave in _waves(records):
        limits.expect(wave)
        context.tenant.write(
            wave,
            before_send=lambda writes: context.run.record_sent(writes, context.clock()),
            on_answers=on_answers,
        )
    if not_sent:
        code = fault_reason(not_sent[0].fault).code if not_sent[0].fault else "no answer"
        raise Stopped(f"Microsoft Graph kept putting off {len(not_sent)} writes ({code}). Nothing is lost.")


def _waves(records: Sequence[ChangeRecord]) -> list[list[Write]]:
    """The writes in the order in which they are sent, one wave after the other.

    Those that set most properties go first: where a permission is missing they are refused before any other is
    written. Two rows may name one account (its name and its alias): never two writes of one account in a wave.
    """
    waves: dict[tuple[int, tuple[str, ...], int], list[Write]] = {}
    seen: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for record in records:
        sets = tuple(sorted(record.change.after))
        turn = seen[record.account_id, sets]
        seen[record.account_id, sets] += 1
        write = Write((record.seq, record.change.kind.value), record.account_id, record.change)
        waves.setdefault((-len(sets), sets, turn), []).append(write)
    return [waves[key] for key in sorted(waves)]
