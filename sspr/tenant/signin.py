"""Sign-in of the application by msal, and its token: kept, renewed in time, renewed once more after a 401."""

from __future__ import annotations

import base64
import binascii
import json
import logging
import random
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msal  # type: ignore[import-untyped]

from sspr.masking import mask_text
from sspr.settings import GRAPH_URLS, TenantSettings
from sspr.tenant.credentials import credential
from sspr.tenant.errors import NotSentError, SendError, SignInFailingError, SignInRefused, TenantUnavailable
from sspr.tenant.health import LONGEST_WAIT, back_off
from sspr.tenant.waiting import Pause

# msal writes answers that it cannot read to its log, whole.
logging.getLogger("msal").setLevel(logging.CRITICAL)

# A token is renewed when so much of its life is left: longer than a request may take and clocks may differ.
EARLY = 300.0
# When a renewal fails while the old token is still good, the next try comes after so many seconds.
TRY_AGAIN = 30.0
CLOSE = 10.0  # a token this near its end is not sent any more
ATTEMPTS = 4  # for failures of the sign-in service itself, with back-off between: some 10 seconds in all
BACK_OFF = (1.0, 8.0)

_SECRET = (
    "Make a new client secret in the app registration and put its value, not its id, where secret_env says."
)
_CERTIFICATE = (
    "Upload the certificate of certificate_file to the app registration, or name the one that is there."
)
_APP = "Check client_id and tenant_id: the application must exist in that tenant, with admin consent."
_TENANT = "Check tenant_id, and that cloud is the one the tenant belongs to."
_CONSENT = "Let an administrator grant consent to the application's permissions."
_POLICY = "A Conditional Access policy or security default stops it: exclude this application or allow this network."

# learn.microsoft.com, entra/identity-platform/reference-error-codes. The codes only choose the help text.
ADVICE: Mapping[int, str] = {
    7000215: _SECRET,
    7000222: "The client secret has expired. " + _SECRET,
    70002: _SECRET,
    700016: _APP,
    700011: _APP,
    70001: "The application is disabled or not in this tenant. " + _APP,
    7000112: "The application is disabled: an administrator can enable it under Enterprise applications.",
    700027: _CERTIFICATE,
    50012: _CERTIFICATE,
    700030: _CERTIFICATE,
    90002: _TENANT,
    900382: _TENANT,
    900432: _TENANT,
    90038: _TENANT,
    50059: _TENANT,
    50128: _TENANT,
    9001023: _TENANT,
    500011: "The address of Graph is not known there: check graph_url and cloud.",
    70011: "The address of Graph is not known there: check graph_url and cloud.",
    65001: _CONSENT,
    90094: _CONSENT,
    650056: _CONSENT,
    53003: _POLICY,
    530035: _POLICY,
    50076: _POLICY,
    50079: _POLICY,
    50196: "Too many sign-ins in a short time: wait some minutes.",
}
_RETRIABLE = frozenset({90006, 90012, 90024, 90033, 90055, 90090})
_OTHER_RESOURCE = frozenset({500011, 70011})


class Application(Protocol):
    """What is used of `msal.ConfidentialClientApplication`."""

    def acquire_token_for_client(
        self, scopes: list[str], claims_challenge: str | None = None
    ) -> dict[str, Any]:
        """The token endpoint's answer, of an error too."""
        ...

    def remove_tokens_for_client(self) -> None:
        """Forgets cached tokens, so that the next one is new."""
        ...


class SignIn:
    """The token of one application in one tenant. Thread-safe. `http_client`: see msal's argument of that name."""

    def __init__(
        self,
        settings: TenantSettings,
        http_client: object,
        pause: Pause,
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._settings = settings
        self._http_client = http_client
        self._pause = pause
        self._chance = chance
        self._lock = threading.Lock()
        self._application: Application | None = None
        # msal replays failures from this dictionary (a 400 for 60 s); here we decide when to ask again.
        self._remembered: dict[str, object] = {}
        self._scopes = list(
            dict.fromkeys(f"{root}/.default" for root in (settings.graph, GRAPH_URLS[settings.cloud]))
        )
        self._token = ""
        self._expires_at = 0.0
        self._renew_at = 0.0
        self._ask_again_at = 0.0

    def connect(self) -> None:
        """The first token, with some patience for a sign-in service that fails.

        Raises `HostUnreachable`, `CertificateUntrusted`, `CertificateUnreadable`, `CannotStart` (no secret),
        `SignInRefused`, `TenantUnavailable`.
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

    def roles(self) -> frozenset[str] | None:
        """The application permissions that the token names, or None where it cannot be read. A hint only.

        Tokens for Graph are opaque by contract (learn.microsoft.com, entra/identity-platform/access-tokens), and one
        without any permission has no such claim.
        """
        with self._lock:
            payload = self._token.split(".")[1] if self._token.count(".") == 2 else ""
        try:
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except (ValueError, binascii.Error):
            return None
        roles = claims.get("roles") if isinstance(claims, dict) else None
        return frozenset(role for role in roles if isinstance(role, str)) if isinstance(roles, list) else None

    def _acquire(self, claims: str | None) -> None:
        """Keeps a new token, or raises; a failure of the service as `NotSentError`: it was not sent."""
        if self._pause.clock() < self._ask_again_at:
            raise NotSentError("the sign-in service asked to wait")
        try:
            answer = self._ask(claims)
            if len(self._scopes) > 1 and _OTHER_RESOURCE & _codes(answer):
                # With a graph_url of one's own the resource may still be that of the cloud.
                self._scopes.pop(0)
                answer = self._ask(claims)
        except SignInFailingError as error:
            if (error.wait or 0.0) > LONGEST_WAIT:
                raise TenantUnavailable(f"{error} and asks to wait for {error.wait:.0f} s") from None
            self._ask_again_at = self._pause.clock() + (error.wait or 0.0)
            raise NotSentError(str(error)) from None
        except SendError as error:
            raise NotSentError(f"sign-in: {error}") from None
        if not answer.get("access_token"):
            if _RETRIABLE & _codes(answer) or answer.get("error") == "temporarily_unavailable":
                raise NotSentError("the sign-in service is unavailable for the moment")
            raise refused(answer)
        self._keep(answer)

    def _ask(self, claims: str | None) -> dict[str, Any]:
        """One question to the sign-in service."""
        self._remembered.clear()
        if self._application is None:
            self._application = self._make()
        self._application.remove_tokens_for_client()
        try:
            return self._application.acquire_token_for_client([self._scopes[0]], claims_challenge=claims)
        except ValueError:
            raise NotSentError("what the sign-in service answered is not JSON") from None

    def _make(self) -> Application:
        settings = self._settings
        try:
            application: Application = msal.ConfidentialClientApplication(
                settings.client_id,
                authority=f"{settings.login}/{settings.tenant_id}",
                client_credential=credential(settings, self._pause.clock()),
                http_client=self._http_client,
                http_cache=self._remembered,
                # The authorities are the four of Microsoft's clouds or one that the operator named: nothing to look
                # up, and nothing that a host other than the named one need be asked for.
                instance_discovery=False,
            )
            return application
        except ValueError:  # msal: its discovery document was answered 4xx, or is none
            raise SignInRefused("tenant not found", _TENANT) from None

    def _keep(self, answer: Mapping[str, Any]) -> None:
        now = self._pause.clock()
        life = max(0.0, float(answer.get("expires_in") or 0))
        self._token = str(answer["access_token"])
        self._expires_at = now + life
        self._renew_at = now + max(life - EARLY, life / 2)


def _codes(answer: Mapping[str, Any]) -> frozenset[int]:
    listed = answer.get("error_codes")
    codes = {code for code in listed if isinstance(code, int)} if isinstance(listed, list) else set()
    codes.update(int(code) for code in re.findall(r"AADSTS(\d+)", str(answer.get("error_description", ""))))
    return frozenset(codes)


def refused(answer: Mapping[str, Any]) -> SignInRefused:
    """The sentence for an error answer of the token endpoint."""
    codes = sorted(_codes(answer))
    known = next((code for code in codes if code in ADVICE), None)
    code = known or (codes[0] if codes else None)
    name = f"AADSTS{code}" if code else mask_text(str(answer.get("error", "no reason given")))[:60]
    # Of a code without a sentence of ours, Microsoft's first line: it names neither secrets nor people.
    told = mask_text(str(answer.get("error_description", "")).partition("\n")[0].strip())[:200]
    advice = ADVICE[known] if known else f"It said: {told}" if told else _APP
    return SignInRefused(name, advice, str(answer.get("trace_id", ""))[:64])
