"""When a run stops by itself: everything is refused for the same reason, or too many rows failed."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sspr.errors import CannotStart, Stopped
from sspr.ledger import RowState
from sspr.model import Answer, ChangeKind, Fate, Fault, Write
from sspr.stages.messages import fault_reason
from sspr.tenant.errors import PermissionMissing
from sspr.tenant.permissions import explain_403

if TYPE_CHECKING:
    from sspr.stages.context import Context

# So many first writes refused for one reason and none accepted, or so many accounts read and none shown: something is
# wrong with the permission, the tenant or the file as a whole, not with single rows.
FIRST_REFUSALS = 20
# Where there are fewer writes than that, and all are refused with 403, more than one: a single account may be a
# protected one. So may all that are left where more rows than were refused hold their values already: an earlier run
# was let in.
FEWEST_REFUSALS = 2
# So many in a row for one reason, whatever was accepted before: a permission was withdrawn, or the tenant changed.
REFUSALS_IN_A_ROW = 50

# Writes that need the same permissions: of one kind, setting the same properties.
_Sort = tuple[ChangeKind, frozenset[str]]
_Reason = tuple[int, str]  # status and code

_FORBIDDEN = 403
_WITHHELD = frozenset({200, _FORBIDDEN})  # 200: the account is there, and nothing of it is shown


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
    """More rows failed than --max-failures allows, or, without it, so many for one and the same reason."""


def stop_where_nothing_is_shown(results: Iterable[object], what: str, needed: Sequence[str]) -> None:
    """Raises `Stopped` where all of many accounts that were read came back with one and the same fault.

    `results`: what a read gave for each: a value, its `Fault`, or None where there is none. `what` was read with one of
    the permissions `needed`. The rows stay where they are, so that a resumed run reads them again.
    """
    seen = list(results)
    faults = [result for result in seen if isinstance(result, Fault)]
    if len(faults) < max(len(seen), FIRST_REFUSALS) or len({(each.status, each.code) for each in faults}) > 1:
        return
    first = faults[0]
    if first.status in _WITHHELD:
        raise PermissionMissing(what, needed[:2], request_id=first.request_id)
    raise Stopped(
        f"The application could not {what}: Microsoft Graph refused it for every one of {len(faults)} accounts for the "
        f"same reason ({first}). sspr resume goes on once that is mended."
    )


@dataclass(slots=True)
class _Tally:
    """What became of the writes of one sort in this process."""

    left: int = 0
    accepted: int = 0
    refused: Counter[_Reason] = field(default_factory=Counter)
    in_a_row: int = 0
    last: Fault | None = None

    def add(self, answer: Answer) -> None:
        """Counts an answer. A property mastered on premises is no failure; a fate not known yet says nothing."""
        self.left -= 1
        if answer.fate is Fate.ACCEPTED:
            self.accepted += 1
            self.in_a_row = 0
        elif answer.fate is Fate.REFUSED and answer.fault is not None and not _on_premises(answer.fault):
            same = self.last is not None and _reason(self.last) == _reason(answer.fault)
            self.in_a_row = self.in_a_row + 1 if same else 1
            self.refused[_reason(answer.fault)] += 1
            self.last = answer.fault

    @property
    def forbidden(self) -> int:
        """How many were refused with 403."""
        return sum(count for (status, _), count in self.refused.items() if status == _FORBIDDEN)


def _reason(fault: Fault) -> _Reason:
    return fault.status, fault.code


def _on_premises(fault: Fault) -> bool:
    return fault_reason(fault).code == "synced_from_on_premises"


class Limits:
    """Watches the answers to one process's writes and raises `Stopped` where going on makes no sense.

    What is raised here stops batches that are not yet sent; answers of those in flight are still noted.
    Rows that failed before this process took the run up do not count: the person has seen them, and resumed.
    Thread-safe: the writes of one chunk may be answered while those of another are announced.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._most = parse_max_failures(context.options.max_failures, context.run.last_seq())
        self._failed_before = self._failed()
        self._lock = threading.Lock()
        self._sorts: dict[tuple[int, str], _Sort] = {}
        self._tallies: defaultdict[_Sort, _Tally] = defaultdict(_Tally)

    def expect(self, writes: Sequence[Write]) -> None:
        """Called with writes that are to be sent next."""
        with self._lock:
            for write in writes:
                sort = self._sorts[write.key] = (write.change.kind, frozenset(write.change.after))
                self._tallies[sort].left += 1

    def after(self, answers: Sequence[Answer]) -> None:
        """Called with the answers of each batch, once they are noted."""
        with self._lock:
            for answer in answers:
                self._tallies[self._sorts.pop(answer.key)].add(answer)
            if any(answer.fate is Fate.REFUSED for answer in answers):
                for sort, tally in self._tallies.items():
                    self._stop_where_nothing_is_permitted(sort[0], tally)
                    if self._most is None:
                        self._stop_where_all_fail_alike(sort[0], tally)
                self._stop_past_max_failures()

    def _stop_where_nothing_is_permitted(self, kind: ChangeKind, tally: _Tally) -> None:
        enough = FEWEST_REFUSALS if tally.left <= 0 else FIRST_REFUSALS
        if tally.forbidden >= enough and not tally.accepted and self._more_than_unchanged(tally.forbidden):
            self._context.run.reopen_forbidden(kind)
            raise Stopped(
                f"Microsoft Graph refused every one of the first {tally.forbidden} writes with 403. "
                f"{explain_403(kind)}"
            )

    def _stop_where_all_fail_alike(self, kind: ChangeKind, tally: _Tally) -> None:
        fault, enough = tally.last, REFUSALS_IN_A_ROW if tally.accepted else FIRST_REFUSALS
        if fault is None or tally.in_a_row < enough:
            return
        if not tally.accepted and not self._more_than_unchanged(tally.in_a_row):
            return
        if fault.status == _FORBIDDEN:
            self._context.run.reopen_forbidden(kind)
            raise Stopped(
                f"Microsoft Graph refused the last {tally.in_a_row} writes with 403. {explain_403(kind)}"
            )
        raise TooManyFailures(
            f"Microsoft Graph refused {tally.in_a_row} writes in a row for the same reason ({fault}). Mend that and "
            "run sspr resume; in a new run --max-failures says how many rows may fail."
        )

    def _more_than_unchanged(self, refused: int) -> bool:
        return refused > self._context.run.counts().get(RowState.UNCHANGED, 0)

    def _stop_past_max_failures(self) -> None:
        failed = self._failed() - self._failed_before
        if self._most is not None and failed > self._most:
            raise TooManyFailures(
                f"{failed} rows failed, more than --max-failures {self._context.options.max_failures} allows. "
                "What was sent was read back; nothing more was sent."
            )

    def _failed(self) -> int:
        return self._context.run.counts().get(RowState.FAILED, 0) + self._context.run.refused_rows()
