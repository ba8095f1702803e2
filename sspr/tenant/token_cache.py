"""A person's sign-in between commands: encrypted by the operating system, or not kept at all."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msal  # type: ignore[import-untyped]
import msal_extensions  # type: ignore[import-untyped]

from sspr.settings import TenantSettings

log = logging.getLogger("sspr.tenant")
# It writes what it could not decrypt to its log.
logging.getLogger("msal_extensions").setLevel(logging.CRITICAL)

NOT_KEPT = (
    "This machine has no encrypted store that can be used (see docs/set-up.md), so the sign-in is not kept: the next "
    "command asks for it again."
)


class Store(Protocol):
    """What is used of a persistence of msal-extensions."""

    def save(self, content: str) -> None:
        """Keeps the text, encrypted."""
        ...

    def load(self) -> str:
        """The text kept last. Raises `PersistenceNotFound` where there is none."""
        ...


def location(settings: TenantSettings, home: Path) -> Path:
    """Where the sign-in of one application in one tenant at one sign-in service is kept, in a folder of mode 0700."""
    folder = home / "sign-ins"
    folder.mkdir(mode=0o700, exist_ok=True)
    whose = f"{settings.login}/{settings.tenant_id}/{settings.client_id}".lower()
    return folder / f"{hashlib.sha256(whose.encode()).hexdigest()[:32]}.bin"


class TokenCache:
    """Msal's cache of one application's tokens, kept by DPAPI on Windows, the keychain on macOS, libsecret on Linux.

    What is kept is the whole cache under one name, replaced by each change: of two commands at once the later one
    stays, and its refresh token is as good as the other's. So no lock is needed, and none is left behind by a process
    that was killed, as one of msal-extensions' own `PersistedTokenCache` would be. Where the machine offers no
    encryption, or the store fails, the cache lives in memory, and `tell` says so once: tokens are never written in
    plain text.
    """

    def __init__(self, path: Path, tell: Callable[[str], None]) -> None:
        self.memory = msal.SerializableTokenCache()
        self._path = path
        self._tell = tell
        self._store: Store | None = None
        try:
            self._store = msal_extensions.build_encrypted_persistence(str(path))
            self.memory.deserialize(self._store.load())
        except msal_extensions.persistence.PersistenceNotFound:
            pass  # the first sign-in
        except Exception as error:  # noqa: BLE001
            # No libsecret, no keyring: ImportError, ValueError, RuntimeError, or an error of GLib, which is no OSError.
            self._give_up(error)

    def save(self) -> None:
        """Keeps what has changed since the last time."""
        if self._store is None or not self.memory.has_state_changed:
            return
        try:
            self._store.save(self.memory.serialize())
            if (
                self._path.exists()
            ):  # where the system's own store holds the content, an empty file marks its age
                self._path.chmod(0o600)
        except Exception as error:  # noqa: BLE001
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        log.debug("the sign-in is not kept: %s", type(error).__name__)
        self._store = None
        self._tell(NOT_KEPT)
