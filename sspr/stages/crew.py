"""Work on blocks, one after the other here, or several at once in processes of our own."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from sspr.errors import Stopped

if TYPE_CHECKING:  # imported where processes are started: small files need none of it
    from concurrent.futures import Future, ProcessPoolExecutor

T = TypeVar("T")

# Below so many bytes of input, starting processes takes longer than they save.
WORTH_IT = 3 << 20
MOST = 8


class Crew:
    """Some processes, or none. They begin with the first job, and end with `close` or when this process dies."""

    def __init__(self, size: int) -> None:
        """`size`: bytes of input, by which it is decided whether processes are worth while."""
        self._processes = min(MOST, _processors()) if size >= WORTH_IT else 1
        self._pool: ProcessPoolExecutor | None = None

    def close(self) -> None:
        """Ends the processes; what was not begun is left undone."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def map(self, function: Callable[..., T], jobs: Iterable[tuple[Any, ...]]) -> Iterator[T]:
        """`function(*job)` of each job, in order. Jobs are taken from their source only as fast as they are done."""
        if self._processes == 1:
            for job in jobs:
                yield function(*job)
            return
        from concurrent.futures.process import BrokenProcessPool

        pool = self._running()
        waiting: deque[Future[T]] = deque()
        try:
            for job in jobs:
                with _nameless_main():  # a process begins when there is work for it
                    waiting.append(pool.submit(function, *job))
                if len(waiting) > 2 * self._processes:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise Stopped(
                "A process that judged rows was ended from outside, perhaps for want of memory."
            ) from None

    def _running(self) -> ProcessPoolExecutor:
        if self._pool is None:
            import multiprocessing
            from concurrent.futures import ProcessPoolExecutor

            # Not forked: this process has threads, and one of them may hold a lock at that moment.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._processes, context, initializer=_prepare)
        return self._pool


@contextmanager
def _nameless_main() -> Iterator[None]:
    """While it lasts, a new process does not run the main program again, which may be a script of somebody's."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _processors() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _prepare() -> None:
    """In a new process: Ctrl-C is the parent's to answer, and the parent's death ends this one."""
    import multiprocessing

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:

        def follow() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=follow, daemon=True).start()
