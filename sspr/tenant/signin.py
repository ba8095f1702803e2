"""The token that requests carry: kept, renewed in time, renewed once more after a 401."""

from __future__ import annotations

import base64
import binascii
import json
import random
import threading
from collections.abc import Callable, Mapping
from typing import Any

from sspr.settings import GRAPH_URLS, TenantSettings
from sspr.tenant.authorities import Authority
from sspr.tenant.errors import NotSentError, SendError, SignInFailingError, TenantUnavailable
from sspr.tenant.health import LONGEST_WAIT, back_off
from sspr.tenant.refusals import other_resource, passing, refused
from sspr.tenant.waiting import Pause

# A token is renewed when so much of its life is left: longer than a request may take and clocks may differ.
EARLY = 300.0
# When a renewal fails while the old token is still good, the next try comes after so many seconds.
TRY_AGAIN = 30.0
CLOSE = 10.0  # a token this near its end is not sent any more
ATTEMPTS = 4  # for failures of the sign-in service itself, with back-off between: some 10 seconds in all
BACK_OFF = (1.0, 8.0)


class SignIn:
    """The token of one application, or person, in one tenant. Thread-safe. `authority`: who is asked for it."""

    def __init__(
        self,
        settings: TenantSettings,
        authority: Authority,
        pause: Pause,
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._authority = authority
        self._pause = pause
        self._chance = chance
        self._lock = threading.Lock()
        self._resources = list(dict.fromkeys((settings.graph, GRAPH_URLS[settings.cloud])))
        self._token = ""
        self._expires_at = 0.0
        self._renew_at = 0.0
        self._ask_again_at = 0.0

    def connect(self) -> None:
        """The first token, with some patience for a sign-in service that fails.

        Raises `HostUnreachable`, `CertificateUntrusted`, `CannotStart` (a credential that cannot be used),
        `SignInRefused`, `NoManagedIdentity`, `TenantUnavailable`.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self.token()
            except NotSentError as error:
                if attempt == ATTEMPTS:
                    raise TenantUnavailable(str(error)) from None
                again = max(
                    self._pause.clock() + back_off(attempt, BACK_OFF, self._chance), self._ask_again_at
                )
                self._pause.until(again)
            else:
                return

    def token(self) -> str:
        """A token that is good for some minutes. Raises `SignInRefused`, and `NotSentError` where the service fails."""
        with self._lock:
            now = self._pause.clock()
            if now < self._renew_at:
                return self._token
            try:
                self._acquire(None)
            except NotSentError:
                if now >= self._expires_at - CLOSE:
                    raise
                self._renew_at = min(now + TRY_AGAIN, self._expires_at - CLOSE)
            return self._token

    def refresh(self, stale: str, claims: str | None = None) -> str:
        """A new token in place of `stale`, which was answered 401; where another thread was faster, its token."""
        with self._lock:
            if self._token == stale:
                self._renew_at = self._expires_at = 0.0
                self._acquire(claims)
            return self._token

    def claims(self) -> Mapping[str, object]:
        """What the token says of itself; nothing where it cannot be read. A hint only.

        Tokens for Graph are opaque by contract (learn.microsoft.com, entra/identity-platform/access-tokens).
        """
        with self._lock:
            payload = self._token.split(".")[1] if self._token.count(".") == 2 else ""
        try:
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except (ValueError, binascii.Error):
            return {}
        return claims if isinstance(claims, dict) else {}

    def _acquire(self, claims: str | None) -> None:
        """Keeps a new token, or raises; a failure of the service as `NotSentError`: it was not sent."""
        if self._pause.clock() < self._ask_again_at:
            raise NotSentError("the sign-in service asked to wait")
        try:
            answer = self._ask(claims)
            if len(self._resources) > 1 and other_resource(answer):
                # With a graph_url of one's own the resource may still be that of the cloud.
                self._resources.pop(0)
                answer = self._ask(claims)
        except SignInFailingError as error:
            if (error.wait or 0.0) > LONGEST_WAIT:
                raise TenantUnavailable(f"{error} and asks to wait for {error.wait:.0f} s") from None
            self._ask_again_at = self._pause.clock() + (error.wait or 0.0)
            raise NotSentError(str(error)) from None
        except SendError as error:
            raise NotSentError(f"sign-in: {error}") from None
        if not answer.get("access_token"):
            if passing(answer):
                raise NotSentError("the sign-in service is unavailable for the moment")
            raise refused(answer)
        self._keep(answer)

    def _ask(self, claims: str | None) -> Mapping[str, Any]:
        """One question to the sign-in service."""
        try:
            return self._authority.ask(self._resources[0], claims)
        except ValueError:
            raise NotSentError("what the sign-in service answered is not JSON") from None

    def _keep(self, answer: Mapping[str, Any]) -> None:
        now = self._pause.clock()
        life = max(0.0, float(answer.get("expires_in") or 0))
        self._token = str(answer["access_token"])
        self._expires_at = now + life
        self._renew_at = now + max(life - EARLY, life / 2)
