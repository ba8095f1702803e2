"""When a run stops by itself: everything is refused for the same reason, or too many rows failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sspr.errors import CannotStart, Stopped
from sspr.ledger import RowState
from sspr.model import Answer, ChangeKind, Fate, Write
from sspr.tenant.permissions import explain_403

if TYPE_CHECKING:
    from sspr.stages.context import Context

# So many first writes refused with 403 and none accepted: something is wrong with the permission, not with the rows.
FIRST_REFUSALS = 20
# Where there are fewer writes than that, all of them, and more than one: a single account may be a protected one.
# So may all that are left where more rows than were refused hold their values already: an earlier run was let in.
FEWEST_REFUSALS = 2

# Writes that need the same permissions: of one kind, setting the same properties.
_Sort = tuple[ChangeKind, frozenset[str]]


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
    """Watches the answers to one process's writes and raises `Stopped` where going on makes no sense.

    What is raised here stops batches that are not yet sent; answers of those in flight are still noted.
    Rows that failed before this process took the run up do not count: the person has seen them, and resumed.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._most = parse_max_failures(context.options.max_failures, context.run.last_seq())
        self._failed_before = self._failed()
        self._sorts: dict[tuple[int, str], _Sort] = {}
        self._left: Counter[_Sort] = Counter()
        self._accepted: Counter[_Sort] = Counter()
        self._forbidden: Counter[_Sort] = Counter()

    def expect(self, writes: Sequence[Write]) -> None:
        """Called with the writes that are to be sent next."""
        self._sorts = {write.key: (write.change.kind, frozenset(write.change.after)) for write in writes}
        self._left.update(self._sorts.values())

    def after(self, answers: Sequence[Answer]) -> None:
        """Called with the answers of each batch, once they are noted."""
        for answer in answers:
            sort = self._sorts[answer.key]
            self._left[sort] -= 1
            self._accepted[sort] += answer.fate is Fate.ACCEPTED
            self._forbidden[sort] += answer.fault is not None and answer.fault.status == 403
        if any(answer.fate is Fate.REFUSED for answer in answers):
            self._stop_where_nothing_is_permitted()
            self._stop_past_max_failures()

    def _stop_where_nothing_is_permitted(self) -> None:
        run = self._context.run
        for sort, forbidden in self._forbidden.items():
            enough = FEWEST_REFUSALS if self._left[sort] <= 0 else FIRST_REFUSALS
            if forbidden < enough or self._accepted[sort]:
                continue
            if forbidden > run.counts().get(RowState.UNCHANGED, 0):
                run.reopen_forbidden(sort[0])
                raise Stopped(
                    f"Microsoft Graph refused every one of the first {forbidden} writes with 403. "
                    f"{explain_403(sort[0])}"
                )

    def _stop_past_max_failures(self) -> None:
        failed = self._failed() - self._failed_before
        if self._most is not None and failed > self._most:
            raise TooManyFailures(
                f"{failed} rows failed, more than --max-failures {self._context.options.max_failures} allows. "
                "What was sent was read back; nothing more was sent."
            )

    def _failed(self) -> int:
        return self._context.run.counts().get(RowState.FAILED, 0) + self._context.run.refused_rows()
