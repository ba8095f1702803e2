"""Who works on a run: one process at a time, told apart from all others, and known to be alive.

A lease is good for a minute and renewed four times in it. A holder that was killed on this machine locks nobody out:
its process is gone, which the number and the moment of its start tell. Of a holder on another machine only the end of
the minute can tell; the clocks of machines that share a ledger must therefore agree to some seconds. A holder that
could not renew lets go before its minute is over, so that there are never two.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from sspr.errors import Busy
from sspr.ledger.schema import claim, lease

LEASE_SECONDS = 60.0
RENEW_SECONDS = 15.0
# Not renewed for so long, it is given up: what is in flight has ended before another can take it.
LET_GO_SECONDS = 45.0
# What an orderly end has freed is remembered for so long: see `sspr.ledger.claims`.
REMEMBER_SECONDS = 600.0

Clock = Callable[[], float]
# Called with what stands in the way, again and again; returns after a pause. Raises where nobody waits any more.
Wait = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds a lease; as text, its number and its machine."""

    host: str
    process: str  # its number and the moment of its start
    until: float

    def __str__(self) -> str:
        return f"{self.process.partition(':')[0]} on {self.host}"

    def lives(self, now: float) -> bool:
        """Whether it still works: its lease runs, and, where that can be seen, its process is there."""
        if self.until <= now:
            return False
        if self.host != socket.gethostname():
            return True
        number, _, started = self.process.partition(":")
        try:
            return _started(int(number)) == started
        except psutil.Error:
            return False


def living(connection: sa.Connection, names: Iterable[str], now: float) -> dict[str, Holder]:
    """Those of the leases that a living process holds."""
    query = sa.select(lease.c.name, lease.c.host, lease.c.process, lease.c.until)
    found = connection.execute(query.where(lease.c.name.in_(sorted(names))))
    holders = {each.name: Holder(each.host, each.process, each.until) for each in found}
    return {name: holder for name, holder in holders.items() if holder.lives(now)}


@contextmanager
def leased(
    engine: sa.Engine, name: str, clock: Clock, wait: Wait | None, on_lost: Callable[[str], None]
) -> Iterator[None]:
    """Holds the lease `name` while the block runs, renewing it, and frees what was claimed under it at the end.

    Where another living process holds it, `wait` is called until it does not, and without `wait` `Busy` is raised.
    `on_lost` is told, from another thread and once, why the block must end: it holds the lease no longer.
    """
    held = _Lease(engine, name, clock)
    while (holder := held.take()) is not None:
        busy = Busy(
            f"The run {name} is being worked on by process {holder}.", "Wait for it to end, or end it first."
        )
        if wait is None:
            raise busy
        wait(busy.what)
    done = threading.Event()
    thread = threading.Thread(target=held.keep, args=(done, on_lost), name=f"lease-{name}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        with suppress(SQLAlchemyError):  # a lease that cannot be given back ends by itself
            held.give_back()


class _Lease:
    """One hold of one lease: a later one of the same process is another."""

    def __init__(self, engine: sa.Engine, name: str, clock: Clock) -> None:
        self._engine = engine
        self._name = name
        self._clock = clock
        self._holder = secrets.token_hex(8)
        self._renewed_at = 0.0

    def take(self) -> Holder | None:
        """Takes the lease, or tells who holds it. That of a holder who no longer lives is taken away."""
        while True:
            try:
                return self._try(self._clock())
            except IntegrityError:  # another was quicker: now it is seen who
                continue

    def _try(self, now: float) -> Holder | None:
        with self._engine.begin() as connection:
            found = connection.execute(sa.select(lease).where(lease.c.name == self._name)).one_or_none()
            if found is not None:
                holder = Holder(found.host, found.process, found.until)
                if holder.lives(now):
                    return holder
                # As it was seen: one that was taken or renewed since is not taken away.
                seen = (lease.c.holder == found.holder) & (lease.c.until == found.until)
                connection.execute(sa.delete(lease).where(lease.c.name == self._name, seen))
            mine = {
                "name": self._name,
                "holder": self._holder,
                "host": socket.gethostname(),
                "process": f"{os.getpid()}:{_started(os.getpid())}",
                "until": now + LEASE_SECONDS,
            }
            connection.execute(sa.insert(lease).values(**mine))
        self._renewed_at = now
        return None

    def keep(self, done: threading.Event, on_lost: Callable[[str], None]) -> None:
        """Renews until `done`."""
        while not done.wait(RENEW_SECONDS):
            why = self._renew()
            if why:
                on_lost(why)
                return

    def give_back(self) -> None:
        """The lease is free; so are the administrators that were claimed by the run, as far as it still holds them."""
        now = self._clock()
        with self._engine.begin() as connection:
            given = connection.execute(sa.delete(lease).where(self._mine)).rowcount
            if given:
                here = (claim.c.run_id == self._name) & claim.c.freed.is_(None)
                connection.execute(sa.update(claim).where(here).values(freed=now))
            # And what nobody needs any more: freed long ago, or left by holders that were killed long ago.
            long_ago = now - REMEMBER_SECONDS
            alive = sa.select(lease.c.name).where(lease.c.until > long_ago)
            left = claim.c.freed.is_(None) & claim.c.run_id.not_in(alive)
            connection.execute(sa.delete(claim).where((claim.c.freed < long_ago) | left))

    @property
    def _mine(self) -> sa.ColumnElement[bool]:
        return (lease.c.name == self._name) & (lease.c.holder == self._holder)

    def _renew(self) -> str:
        """Why the lease is lost; empty where it is not."""
        now = self._clock()
        try:
            with self._engine.begin() as connection:
                renew = sa.update(lease).where(self._mine).values(until=now + LEASE_SECONDS)
                held = connection.execute(renew).rowcount
        except SQLAlchemyError:
            silent = self._clock() - self._renewed_at
            if silent < LET_GO_SECONDS:
                return ""
            return (
                f"The ledger has not answered for {silent:.0f} s, so this process let go of the run {self._name}. "
                f"sspr resume {self._name} goes on once the ledger is there again."
            )
        if not held:
            return f"Another process has taken up the run {self._name}, so this one let go of it."
        self._renewed_at = now
        return ""


def _started(process: int) -> str:
    """The moment of its start, which tells a process apart from a later one of the same number."""
    return f"{psutil.Process(process).create_time():.2f}"
