"""When a run stops by itself: everything is refused for the same reason, or too many rows failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sspr.errors import CannotStart, Stopped
from sspr.ledger import ChangeState, RowState
from sspr.model import Answer, ChangeKind, Fate
from sspr.tenant.permissions import explain_403

if TYPE_CHECKING:
    from sspr.stages.context import Context

# So many first writes refused with 403 and none accepted: something is wrong with the permission, not with the rows.
FIRST_REFUSALS = 20
# Where a run has fewer writes than that, all of them, and more than one: a single account may be a protected one.
# So may all that are left where more rows than were refused hold their values already: an earlier run was let in.
FEWEST_REFUSALS = 2


def parse_max_failures(text: str | None, rows: int) -> int | None:
    """`5` or `10%` (of the run's rows) as a number of rows that may fail; None: no such limit.

    Raises `CannotStart` for anything else.
    """
    if text is None:
        return None
    number, is_share = text.strip().removesuffix("%"), text.strip().endswith("%")
    if not number.isdecimal() or (is_share and int(number) > 100):
        raise CannotStart(f"--max-failures takes a number of rows or a share such as 5%, not {text!r}.")
    return rows * int(number) // 100 if is_share else int(number)


class TooManyFailures(Stopped):
    """More rows failed than --max-failures allows."""


class Limits:
    """Watches the answers of one process's writes and raises `Stopped` where going on makes no sense.

    What is raised here stops batches that are not yet sent; answers of those in flight are still noted.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._most = parse_max_failures(context.options.max_failures, context.run.last_seq())
        self._forbidden: Counter[ChangeKind] = Counter()

    def after(self, answers: Sequence[Answer]) -> None:
        """Called with the answers of each batch, once they are noted."""
        refused = [answer for answer in answers if answer.fate is Fate.REFUSED]
        if refused:
            self._stop_where_nothing_is_permitted(refused)
            self._stop_past_max_failures()

    def _stop_where_nothing_is_permitted(self, refused: Sequence[Answer]) -> None:
        run = self._context.run
        for answer in refused:
            if answer.fault is not None and answer.fault.status == 403:
                self._forbidden[ChangeKind(answer.key[1])] += 1
        counts = run.change_counts()
        for kind, forbidden in self._forbidden.items():
            done = sum(
                counts.get((kind, state), 0) for state in (ChangeState.ACCEPTED, ChangeState.CONFIRMED)
            )
            open_ = sum(counts.get((kind, state), 0) for state in (ChangeState.PLANNED, ChangeState.SENT))
            enough = forbidden >= FIRST_REFUSALS or (forbidden >= FEWEST_REFUSALS and not open_)
            if enough and not done and forbidden > run.counts().get(RowState.UNCHANGED, 0):
                run.reopen_forbidden(kind)
                raise Stopped(
                    f"Microsoft Graph refused every one of the first {forbidden} writes with 403. "
                    f"{explain_403(kind)}"
                )

    def _stop_past_max_failures(self) -> None:
        if self._most is None:
            return
        failed = self._context.run.counts().get(RowState.FAILED, 0) + self._context.run.refused_rows()
        if failed > self._most:
            raise TooManyFailures(
                f"{failed} rows failed, more than --max-failures {self._context.options.max_failures} allows. "
                "What was sent was read back; nothing more was sent."
            )
