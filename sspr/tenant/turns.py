"""How many batches of a kind may be under way at once: few, while nobody knows how many are too many."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from sspr.tenant.quotas import Quota
from sspr.tenant.waiting import SLICE, Pause


class Turns:
    """Counts what is under way by quota. `at_once`: how many at first; what it does not name is not counted.

    Thread-safe.
    """

    def __init__(self, pause: Pause, at_once: Mapping[Quota, int]) -> None:
        self._pause = pause
        self._changed = threading.Condition()
        self._at_once: dict[Quota, int | None] = dict(at_once)
        self._under_way: Counter[Quota] = Counter()

    def take(self, quotas: Iterable[Quota], unless: Callable[[], bool]) -> bool:
        """Waits for a turn and takes it. False, with none taken, as soon as `unless` holds."""
        counted = [quota for quota in quotas if quota in self._at_once]
        with self._changed:
            while any(self._is_full(quota) for quota in counted):
                self._pause.check()
                if unless():
                    return False
                self._changed.wait(SLICE)
            self._under_way.update(counted)
        return True

    def _is_full(self, quota: Quota) -> bool:
        most = self._at_once[quota]
        return most is not None and self._under_way[quota] >= most

    def end(self, quotas: Iterable[Quota]) -> None:
        """A turn that was taken is over."""
        with self._changed:
            self._under_way.subtract(quota for quota in quotas if quota in self._at_once)
            self._changed.notify_all()

    def allow(self, quota: Quota, at_once: int | None) -> None:
        """So many of this quota may be under way from now on; None: any number."""
        with self._changed:
            self._at_once[quota] = at_once
            self._changed.notify_all()
