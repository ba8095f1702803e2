"""Where a row and a write may stand, and from where to where they may move. Data, printed into the docs.

The crash windows of one write, in the order in which they open. A process may be killed in any:

1. compared, not recorded      nothing was sent; the row is compared anew
2. recorded, not sent          the write may have been sent: read before writing
3. sent, not answered          the same: the ledger cannot tell 2 from 3, and need not
4. answered, not noted         the same
5. noted, not read back        read back
6. read back, not noted        read back again

So a write that is recorded and has no noted answer has an unknown fate, whoever asks: it is sent again
only after reads have shown for longer than the tenant's replication lag that it was not applied.
"""

from __future__ import annotations

from enum import StrEnum

from sspr.model import Status


class RowState(StrEnum):
    """The fine state of a row, which steers; `Status` is what people are told."""

    READ = "read"  # fit to be applied; to be compared with the tenant
    PLANNED = "planned"  # compared: writes are needed
    WRITING = "writing"  # at least one write is recorded as sent
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"
    FAILED = "failed"


class ChangeState(StrEnum):
    """The state of one write of a row."""

    PLANNED = "planned"
    SENT = "sent"  # recorded before it is sent; the fate is unknown until an answer is noted
    ACCEPTED = "accepted"
    REFUSED = "refused"
    CONFIRMED = "confirmed"  # a read has shown it
    DROPPED = "dropped"  # given up without fault: mastered on premises, or the person's own by now
    LOST = "lost"  # refused for good, or never seen within our patience


FINAL = frozenset({RowState.UPDATED, RowState.UNCHANGED, RowState.REJECTED, RowState.FAILED})

MOVES: dict[RowState, frozenset[RowState]] = {
    RowState.READ: frozenset({RowState.PLANNED, RowState.UNCHANGED, RowState.REJECTED, RowState.FAILED}),
    RowState.PLANNED: frozenset(
        {RowState.PLANNED, RowState.WRITING, RowState.UNCHANGED, RowState.REJECTED, RowState.FAILED}
    ),
    RowState.WRITING: frozenset({RowState.WRITING, RowState.UPDATED, RowState.UNCHANGED, RowState.FAILED}),
    RowState.UPDATED: frozenset(),
    RowState.UNCHANGED: frozenset(),
    RowState.REJECTED: frozenset(),
    RowState.FAILED: frozenset(),
}

CHANGE_MOVES: dict[ChangeState, frozenset[ChangeState]] = {
    ChangeState.PLANNED: frozenset(
        {ChangeState.PLANNED, ChangeState.SENT, ChangeState.CONFIRMED, ChangeState.DROPPED, ChangeState.LOST}
    ),
    ChangeState.SENT: frozenset(
        {
            ChangeState.SENT,
            ChangeState.ACCEPTED,
            ChangeState.REFUSED,
            ChangeState.PLANNED,
            ChangeState.CONFIRMED,
            ChangeState.DROPPED,
            ChangeState.LOST,
        }
    ),
    ChangeState.ACCEPTED: frozenset({ChangeState.CONFIRMED, ChangeState.LOST}),
    ChangeState.REFUSED: frozenset(
        {ChangeState.CONFIRMED, ChangeState.DROPPED, ChangeState.LOST, ChangeState.PLANNED}
    ),
    ChangeState.CONFIRMED: frozenset(),
    ChangeState.DROPPED: frozenset(),
    ChangeState.LOST: frozenset(),
}


def status_of(state: RowState, command: str) -> Status:
    """What a person is told of a row in this state, at the end of this command."""
    if state in FINAL:
        return Status(state.value)
    if command == "check" and state is RowState.READ:
        return Status.VALID
    if command == "plan" and state is RowState.PLANNED:
        return Status.PLANNED
    return Status.PENDING
