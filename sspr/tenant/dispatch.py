"""Many requests → JSON batches, some in flight at once; each request sent again for as long as that is safe and wise.

The one difference between reads and writes is `resend_broken`: a request whose fate is not known is asked again when
it reads, and is given back when it writes, because a write may be repeated only after a look at the account.
"""

from __future__ import annotations

import base64
import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Generic, TypeVar

from sspr.errors import Stopped
from sspr.model import Fault
from sspr.tenant import batch
from sspr.tenant.batch import MAX_ITEMS, Reply, Request, retry_after
from sspr.tenant.errors import NoAnswerError, NotSentError, TenantRefused, TenantUnavailable
from sspr.tenant.health import BUSY, FAILURE, LONGEST_WAIT, THROTTLE, Health, back_off
from sspr.tenant.outcomes import Outcome, outcome
from sspr.tenant.pacing import MARGIN, Leave, Pacer
from sspr.tenant.parse import fault
from sspr.tenant.quotas import Cost
from sspr.tenant.signin import SignIn
from sspr.tenant.throttle import Tally, total
from sspr.tenant.traffic import Meter
from sspr.tenant.transport import Transport
from sspr.tenant.waiting import Pause

K = TypeVar("K")

IN_FLIGHT = 4
# How often one request is sent for one kind of reason before it is given up. With the back-off of `health` eight
# failures take a minute; refusals for throttling each wait as long as Microsoft asked.
TRIES: Mapping[Outcome, int] = {
    Outcome.THROTTLED: 12,
    Outcome.BUSY: 10,
    Outcome.BROKEN: 8,
    Outcome.UNREACHED: 1000,  # bounded by time instead: see `health.PATIENCE`
    Outcome.UNAUTHORIZED: 3,  # a challenge may follow a token that has expired
}
# While nothing is to do the coordinating thread looks up so often, so that Ctrl-C is heard on every system.
_LOOK_UP = 0.5
_WORTH_TELLING = 4.0  # seconds; shorter pauses nobody notices
_BACK_OFF = {Outcome.THROTTLED: THROTTLE, Outcome.BUSY: BUSY, Outcome.BROKEN: FAILURE}


@dataclass(slots=True, eq=False)
class Job(Generic[K]):
    """One request on its way. `key`: the caller's own."""

    key: K
    request: Request
    cost: Cost
    writes: bool = False
    not_before: float = 0.0
    sent: int = 0
    tries: Counter[Outcome] = field(default_factory=Counter)
    good_before: int = 0  # conclusive answers to anybody when this one was first sent


@dataclass(frozen=True, slots=True)
class Ending(Generic[K]):
    """What became of a request. `reply` is None where there was no answer; `why` then says so."""

    key: K
    outcome: Outcome
    reply: Reply | None
    why: str = ""

    @property
    def fault(self) -> Fault:
        """What is told of a request that brought nothing."""
        return Fault(0, "no_answer", self.why) if self.reply is None else fault(self.reply)

    @property
    def told(self) -> str:
        """The same as a part of a sentence."""
        return self.why if self.reply is None else str(fault(self.reply))


@dataclass(frozen=True, slots=True)
class Exchange:
    """What one HTTP request brought for each of its items. `why`: said of those without an answer."""

    results: list[tuple[Outcome, Reply | None]]
    bearer: str = field(repr=False)
    why: str

    @classmethod
    def same(cls, count: int, meaning: Outcome, reply: Reply | None, why: str) -> Exchange:
        """The whole request failed, and all of its items with it."""
        return cls([(meaning, reply)] * count, reply.bearer if reply else "", why)


@dataclass(frozen=True, slots=True)
class Line:
    """All that a request passes on its way to Graph."""

    transport: Transport
    signin: SignIn
    pacer: Pacer
    health: Health
    meter: Meter
    pause: Pause
    batch_size: int = MAX_ITEMS
    in_flight: int = IN_FLIGHT
    chance: Callable[[], float] = random.random


class Dispatch(Generic[K]):
    """One call of `run`: its queue, its workers, the first error that stops it."""

    def __init__(
        self,
        line: Line,
        *,
        resend_broken: bool,
        batched: bool = True,
        on_endings: Callable[[Sequence[Ending[K]]], None],
        before_send: Callable[[Sequence[K]], None] | None = None,
    ) -> None:
        self._line = line
        self._resend = frozenset(TRIES) - (frozenset() if resend_broken else {Outcome.BROKEN})
        self._batched = batched
        self._on_endings = on_endings
        self._before_send = before_send
        self._waiting: list[tuple[float, int, Job[K]]] = []  # a heap: what may go first, in the order it came
        self._order = count()
        self._stop = threading.Event()
        self._callback = threading.Lock()

    def run(self, jobs: Sequence[Job[K]]) -> None:
        """Sends all, tells `on_endings` of each exactly once, in any order, one call at a time.

        `before_send` is called with the keys of a batch right before each time that it goes out. After an error (of
        a callback, of the sign-in, of a service that stays away) nothing more is sent; what is in flight ends and
        is told, then the first error is raised. A request that was not told of was not sent, or was last refused
        as throttled.
        """
        self._put(jobs)
        errors: list[BaseException] = []
        with ThreadPoolExecutor(self._line.in_flight, thread_name_prefix="graph") as pool:
            try:
                self._coordinate(pool, errors)
            finally:
                self._stop.set()
        if errors:
            raise errors[0]

    def _coordinate(self, pool: ThreadPoolExecutor, errors: list[BaseException]) -> None:
        running: set[Future[list[Job[K]]]] = set()
        while running or (self._waiting and not self._stop.is_set()):
            while len(running) < self._line.in_flight and not self._stop.is_set():
                ready = self._take()
                if not ready:
                    break
                running.add(pool.submit(self._send, ready))
            if not running:
                self._line.pause.until(self._waiting[0][0])
                continue
            done, running = wait(running, timeout=_LOOK_UP, return_when=FIRST_COMPLETED)
            for future in done:
                error = future.exception()
                if error is None:
                    self._put(future.result())
                else:
                    errors.append(error)
                    self._stop.set()

    def _put(self, jobs: Sequence[Job[K]]) -> None:
        for job in jobs:
            heappush(self._waiting, (job.not_before, next(self._order), job))

    def _take(self) -> list[Job[K]]:
        """Up to a batch of what may go now, all of it drawing on the same quotas: a hold on one stops no other."""
        now = self._line.pause.clock()
        size = self._line.batch_size if self._batched else 1
        ready: list[Job[K]] = []
        while self._waiting and self._waiting[0][0] <= now:
            job = self._waiting[0][2]
            # One item may break the request of all: what broke again and again travels in ever smaller company.
            size = min(size, max(1, self._line.batch_size >> max(0, job.tries[Outcome.BROKEN] - 2)))
            if len(ready) >= size or (ready and job.cost.keys() != ready[0].cost.keys()):
                break
            ready.append(heappop(self._waiting)[2])
        return ready

    # --- in a worker thread --------------------------------------------------------------------------------------

    def _send(self, jobs: list[Job[K]]) -> list[Job[K]]:
        """One batch, once. Returns what is to be sent again; tells of the rest."""
        leave = self._leave(jobs)
        if leave is None:
            return jobs
        try:
            return self._send_by(leave, jobs)
        finally:
            self._line.pacer.done(leave)

    def _send_by(self, leave: Leave, jobs: list[Job[K]]) -> list[Job[K]]:
        if self._before_send is not None:
            with self._callback:
                self._before_send([job.key for job in jobs])
            if self._line.pacer.is_held(leave.cost):  # a refusal came while the writes were recorded
                self._line.pacer.give_back(leave)
                return jobs
        good = self._line.health.good_answers
        for job in jobs:
            job.good_before = job.good_before if job.sent else good
            job.sent += 1
        self._line.meter.count(
            batches=int(self._batched),
            writes=sum(job.writes for job in jobs),
            retried=sum(job.sent > 1 for job in jobs),
        )
        exchange = self._exchange([job.request for job in jobs])
        again, endings, stop = self._judge(jobs, exchange, leave)
        if endings:
            with self._callback:
                self._on_endings(endings)
        if stop is not None:
            raise stop
        return again

    def _leave(self, jobs: Sequence[Job[K]]) -> Leave | None:
        """Waits for leave; None where the run was stopped meanwhile."""
        line, stopped = self._line, self._stop.is_set
        cost = total(job.cost for job in jobs)
        with line.meter.waiting():
            while True:
                if not line.pause.until(line.health.resume_at, stopped):
                    return None
                try:
                    line.signin.token()  # renewed before leave is asked for, so that what has leave goes at once
                except NotSentError as error:
                    self._outage(str(error))
                else:
                    return line.pacer.acquire(cost, stopped)

    def _outage(self, why: str) -> None:
        """The whole service failed: nobody sends for a while. Raises at the end of our patience."""
        seconds = self._line.health.failed(why)
        if seconds >= _WORTH_TELLING:
            self._line.pacer.tell(seconds, f"Microsoft's service does not answer ({why})")

    def _exchange(self, requests: Sequence[Request]) -> Exchange:
        """One HTTP request. Raises what stops a run at once."""
        single = None if self._batched else requests[0]
        try:
            if single is not None:
                reply = self._line.transport.request(single.method, single.path, single.body)
                return Exchange([(outcome(reply), reply)], reply.bearer, f"HTTP {reply.status}")
            envelope = self._line.transport.request("POST", "/$batch", batch.pack(requests))
        except NotSentError as error:
            return Exchange.same(len(requests), Outcome.UNREACHED, None, str(error))
        except NoAnswerError as error:
            return Exchange.same(len(requests), Outcome.BROKEN, None, str(error))
        meaning = outcome(envelope)
        if meaning is Outcome.REFUSED:
            raise TenantRefused("take a JSON batch", fault(envelope))
        if meaning is not Outcome.OK:
            return Exchange.same(len(requests), meaning, envelope, f"HTTP {envelope.status}")
        replies = batch.unpack(envelope.body, len(requests))
        return Exchange(
            [(outcome(reply), reply) for reply in replies], envelope.bearer, "no answer to this item"
        )

    def _judge(
        self, jobs: Sequence[Job[K]], exchange: Exchange, leave: Leave
    ) -> tuple[list[Job[K]], list[Ending[K]], Exception | None]:
        """What is sent again, what is told, and what stops the run."""
        again: list[Job[K]] = []
        endings: list[Ending[K]] = []
        stop: Exception | None = None
        try:
            self._weigh(exchange)
        except Stopped as error:
            stop = error
        now = self._line.pause.clock()
        tally = Tally()
        for job, (meaning, reply) in zip(jobs, exchange.results, strict=True):
            job.tries[meaning] += 1
            tally.answered(job.cost, meaning, reply)
            seconds = self._pause_after(job, meaning, reply, now, tally)
            if seconds > LONGEST_WAIT:
                stop = stop or TenantUnavailable(f"it asks to wait for {seconds:.0f} s")
            if stop is None and meaning in self._resend and job.tries[meaning] < TRIES[meaning]:
                job.not_before = now + seconds
                again.append(job)
                continue
            # "Busy" again and again for this item, while others are answered: it is the item that is refused.
            others = job.good_before != self._line.health.good_answers
            ended = Outcome.REFUSED if meaning is Outcome.BUSY and others and stop is None else meaning
            ending = Ending(job.key, ended, reply, exchange.why)
            endings.append(ending)
            if ended in self._resend and not others:
                stop = stop or _hopeless(ending)
        tally.tell(self._line.pacer, leave)
        return again, endings, stop

    def _weigh(self, exchange: Exchange) -> None:
        """What an exchange says of the service as a whole, and a new token where the old one was refused."""
        line = self._line
        meanings = Counter(meaning for meaning, _ in exchange.results)
        line.meter.count(throttled=meanings[Outcome.THROTTLED])
        conclusive = meanings[Outcome.OK] + meanings[Outcome.REFUSED]
        if conclusive:
            line.health.good(conclusive)
        elif meanings[Outcome.UNREACHED] + meanings[Outcome.BROKEN] == len(exchange.results):
            self._outage(exchange.why)
        refused = next(
            (reply for meaning, reply in exchange.results if meaning is Outcome.UNAUTHORIZED), None
        )
        if refused is not None:
            try:
                line.signin.refresh(exchange.bearer, challenge(refused))
            except NotSentError as error:
                self._outage(str(error))

    def _pause_after(
        self, job: Job[K], meaning: Outcome, reply: Reply | None, now: float, tally: Tally
    ) -> float:
        """Seconds before this request may go again; what Microsoft asks for holds its quotas for everybody."""
        if meaning not in _BACK_OFF or reply is None:
            return (
                back_off(job.tries[meaning], FAILURE, self._line.chance) if meaning is Outcome.BROKEN else 0.0
            )
        asked = retry_after(reply.headers, now)
        seconds = (
            back_off(job.tries[meaning], _BACK_OFF[meaning], self._line.chance) if asked is None else asked
        )
        if meaning is Outcome.THROTTLED or (meaning is Outcome.BROKEN and asked):
            self._line.health.asked_to_wait(seconds)
        if meaning is Outcome.THROTTLED:
            tally.throttled(job.cost, reply, asked, seconds)
        elif meaning is Outcome.BROKEN and asked:
            tally.unavailable(job.cost, seconds)
        return seconds + MARGIN


def _hopeless(ending: Ending[K]) -> Stopped:
    """Why a run stops when a request was given up and no other had a conclusive answer in all that time."""
    if ending.outcome is Outcome.UNAUTHORIZED:
        return TenantRefused("take the application's token", ending.fault)
    return TenantUnavailable(ending.told)


def challenge(reply: Reply) -> str | None:
    """The claims that a 401 asks for (continuous access evaluation), decoded; None where it asks for none.

    learn.microsoft.com, entra/identity-platform/claims-challenge.
    """
    header = reply.headers.get("www-authenticate", "")
    found = re.search(r'claims="([A-Za-z0-9+/=_-]+)"', header) if "insufficient_claims" in header else None
    if found is None:
        return None
    encoded = found.group(1).replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except ValueError:
        return None
