"""The tenant's state in use: writes, reads as a lagging replica shows them, and the file it is kept in."""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from sspr.simulated.behaviour import Behaviour
from sspr.simulated.state import ACCOUNT, STATE, Account, Policy, State


class Store:
    """A :class:`State` with replication lag and, where ``path`` is given, a file that is written before answers leave.

    All methods run on the server's event loop. The lag is the behaviour's ``read_lag`` at the time of the write.
    """

    def __init__(
        self, state: State, behaviour: Callable[[], Behaviour], clock: Callable[[], float], path: Path | None
    ) -> None:
        self.state, self.behaviour, self.clock = state, behaviour, clock
        self._older: dict[str, deque[tuple[float, Account]]] = {}
        self._older_policy: deque[tuple[float, Policy]] = deque()
        self._file = None if path is None else _File(path, state)
        self._report: tuple[float, dict[str, Account]] | None = None
        self._chance = random.Random(f"{behaviour().seed}:replica")

    def account(self, key: str) -> Account | None:
        """The account as it is now, by id or UPN."""
        return self.state.account(key)

    def shown(self, account: Account) -> Account:
        """The account as a read shows it: the oldest version whose successor has not been replicated yet, or, from
        a replica that is ahead of the others, the newest.
        """
        older = self._older.get(account.id)
        if older is None:
            return account
        now = self.clock()
        while older and older[0][0] <= now:
            older.popleft()
        if not older:
            del self._older[account.id]
            return account
        return older[0][1] if self._chance.random() < self.behaviour().stale_share else account

    def all_shown(self) -> Iterable[Account]:
        """Every account as a read shows it, in the order of the directory."""
        if not self._older:
            return list(self.state.accounts.values())
        return [self.shown(account) for account in self.state.accounts.values()]

    def write(self, account: Account) -> None:
        """Takes the place of the account with this id, at once for writes, after the lag for reads."""
        before = self.state.accounts[account.id]
        lag = self.behaviour().read_lag
        if lag > 0:
            self._older.setdefault(account.id, deque()).append((self.clock() + lag, before))
        self.state.put(account)
        if self._file is not None:
            self._file.changed(account)

    def policy(self) -> Policy:
        """The authorization policy as a read shows it."""
        now = self.clock()
        while self._older_policy and self._older_policy[0][0] <= now:
            self._older_policy.popleft()
        return self._older_policy[0][1] if self._older_policy else self.state.policy

    def write_policy(self, policy: Policy) -> None:
        """Sets the authorization policy."""
        lag = self.behaviour().read_lag
        if lag > 0:
            self._older_policy.append((self.clock() + lag, self.state.policy))
        self.state.policy = policy
        if self._file is not None:
            self._file.head_changed()

    def report(self) -> tuple[float, dict[str, Account]]:
        """The accounts as the usage report last saw them, and when that was."""
        now = self.clock()
        if self._report is None or now - self._report[0] >= self.behaviour().report_lag:
            self._report = (now, dict(self.state.accounts))
        return self._report

    async def saved(self) -> None:
        """Returns once everything written so far is in the file."""
        if self._file is not None:
            await self._file.saved()


class _File:
    """The state as JSON, replaced whole and atomically; the text of each account is kept, so that a write costs
    one account's encoding and a join. Writers that wait at the same time share one replacement.
    """

    def __init__(self, path: Path, state: State) -> None:
        self._path, self._state = path, state
        self._texts = {key: ACCOUNT.dump_json(account) for key, account in state.accounts.items()}
        self._head = b""
        self._version = self._written = 0
        self._lock = asyncio.Lock()
        self.head_changed()
        _replace(self._path, self._text())
        self._written = self._version

    def changed(self, account: Account) -> None:
        self._texts[account.id] = ACCOUNT.dump_json(account)
        self._version += 1

    def head_changed(self) -> None:
        self._head = STATE.dump_json(replace(self._state, accounts={}))
        self._version += 1

    def _text(self) -> bytes:
        accounts = b",".join(b'"' + key.encode() + b'":' + text for key, text in self._texts.items())
        return self._head.replace(b'"accounts":{}', b'"accounts":{' + accounts + b"}", 1)

    async def saved(self) -> None:
        wanted = self._version
        while self._written < wanted:
            async with self._lock:
                if self._written >= wanted:
                    return
                version, text = self._version, self._text()
                await asyncio.to_thread(_replace, self._path, text)
                self._written = version


def _replace(path: Path, text: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise
