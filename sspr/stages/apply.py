"""The writes: recorded, sent in rate-limited batches, their answers noted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sspr.errors import Stopped
from sspr.ledger import ChangeRecord, ChangeState, RowState
from sspr.model import Answer, ChangeKind, Fate, Write
from sspr.stages.compare import compare_again, fault_reason
from sspr.stages.context import Chunk, Context
from sspr.stages.limits import Limits


def apply(context: Context, chunk: Chunk) -> None:
    """Sends the chunk's planned writes. What was compared too long ago is compared anew first."""
    stale = set(context.run.compared_before(chunk.first, chunk.last, context.fresh_since))
    if stale:
        rows = context.run.rows(chunk.first, chunk.last, [RowState.PLANNED])
        compare_again(context, [row for row in rows if row.seq in stale])
    send(context, chunk.first, chunk.last)


def send(context: Context, first: int, last: int) -> None:
    """Sends the planned writes of these rows, one kind after the other: never two of one account at a time."""
    if context.limits is None:
        context.limits = Limits(context)
    for kind in ChangeKind:
        records = context.run.changes(first, last, [ChangeState.PLANNED], [kind])
        _send_kind(context, records, context.limits)


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
