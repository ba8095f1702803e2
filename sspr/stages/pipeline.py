"""The writes of one chunk, and beside them the reads that they need not wait for.

While a chunk is written, the next one is compared and the one before is read back: the quota of writes is what a run
waits for, and reads draw on another. Each chunk is compared right before it is written, so that what was compared is
fresh; no account is in two chunks at once, unless two rows name it, and these the ledger keeps apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial

from sspr.errors import Busy
from sspr.stages.apply import apply, send
from sspr.stages.compare import compare
from sspr.stages.context import Chunk, Context
from sspr.stages.limits import TooManyFailures
from sspr.stages.verify import verify


def advance(context: Context, chunks: Sequence[Chunk], number: int) -> None:
    """Writes `chunks[number]`, compares the chunk behind it and reads back the one before it.

    Raises the first error of the writes, else of the others, once all have ended. Where another run is working on some
    of the accounts and the host waits, this run first comes to its end with those that it has begun: the other may be
    waiting for them.
    """
    compare(context, chunks[number])  # at the start of a run, and where one is taken up again
    while True:
        try:
            _side_by_side(context, chunks, number)
            break
        except Busy as busy:
            if context.wait is None:
                raise
            context.wait(busy.what)
            for begun in chunks[:number]:
                verify(context, begun)
                send(context, begun.first, begun.last)
    context.progress("apply", chunks[number].last, context.run.last_seq())


def _side_by_side(context: Context, chunks: Sequence[Chunk], number: int) -> None:
    lanes: list[Callable[[], None]] = [partial(_write, context, chunks[number])]
    if number + 1 < len(chunks):
        lanes.append(partial(compare, context, chunks[number + 1]))
    if number:
        lanes.append(partial(verify, context, chunks[number - 1]))
    with ThreadPoolExecutor(len(lanes), thread_name_prefix="lane") as pool:
        running = [pool.submit(lane) for lane in lanes]
        wait(running)
    for ended in running:
        ended.result()


def _write(context: Context, chunk: Chunk) -> None:
    try:
        apply(context, chunk)
    except TooManyFailures:
        # The person who set the limit wants to see which rows failed and which were written.
        verify(context, chunk)
        raise
