"""Who gives the tokens: msal's application for each credential, behind one question.

| credential | msal | proof |
|---|---|---|
| `certificate`, `secret`, `workload-identity` | `ConfidentialClientApplication` | assertion or secret |
| `managed-identity` | `ManagedIdentityClient` | the machine itself |
| `device-code` | `PublicClientApplication` | a person, then the refresh token that the sign-in gave |
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import msal  # type: ignore[import-untyped]

from sspr.settings import TenantSettings, home, require_terminal
from sspr.tenant.credentials import Credential, credential
from sspr.tenant.errors import (
    CertificateUnreadable,
    HostUnreachable,
    NoManagedIdentity,
    NotSentError,
    SendError,
    SignInFailingError,
    SignInRefused,
    TokenFileUnreadable,
)
from sspr.tenant.refusals import AGAIN, TENANT, passing, person_needed, refused
from sspr.tenant.transport import ClientMaker, Connections, MsalClient
from sspr.tenant.waiting import Pause

log = logging.getLogger("sspr.tenant")
# msal writes answers that it cannot read to its log, whole.
logging.getLogger("msal").setLevel(logging.CRITICAL)

# Claims challenges come only to a client that declares that it can answer them; its tokens live up to 28 hours then.
# learn.microsoft.com, entra/identity-platform/claims-challenge.
_CAPABILITIES = ["cp1"]
_PENDING = frozenset({"authorization_pending", "slow_down"})  # RFC 8628, 3.5
_LONGEST_INTERVAL = 60.0
_HERE = "the managed identity of this machine"

T = TypeVar("T")


class Authority(Protocol):
    """Whoever is asked for a token."""

    def ask(self, resource: str, claims: str | None) -> Mapping[str, Any]:
        """A new token for a resource (`https://graph.microsoft.com`), or OAuth's error, as the token endpoint told it.

        Never one from a cache of our own. `claims`: those of a claims challenge. Raises `SignInRefused`, `CannotStart`
        where the credential cannot be used, and what `MsalClient` raises.
        """
        ...


def authority(
    settings: TenantSettings, connections: Connections, direct: ClientMaker, pause: Pause
) -> Authority:
    """The authority for a tenant's credential. `direct` makes clients that no proxy stands before."""
    if settings.credential == "managed-identity":
        return ManagedIdentity(settings, direct, pause)
    client = MsalClient(connections, urlsplit(settings.login).netloc, pause.clock)
    if settings.credential == "device-code":
        return DeviceCode(settings, client, pause)
    return Confidential(settings, client, pause)


class Confidential:
    """An application that proves itself by a secret, a certificate, or a token that another issuer gave it.

    The credential is read again for every token. A certificate that was renewed meanwhile is signed with from then
    on; one that is being replaced, or has gone, does not end a run whose old one still serves.
    """

    def __init__(self, settings: TenantSettings, client: MsalClient, pause: Pause) -> None:
        self._settings = settings
        self._client = client
        self._pause = pause
        self._remembered: dict[str, object] = {}
        self._credential: Credential | None = None
        self._application: Any = None
        self._served = False

    def ask(self, resource: str, claims: str | None) -> Mapping[str, Any]:
        """See `Authority`."""
        # msal replays failures from this dictionary (a 400 for 60 s); here we decide when to ask again.
        self._remembered.clear()
        self._renew()
        self._application.remove_tokens_for_client()
        try:
            answer: Mapping[str, Any] = self._application.acquire_token_for_client(
                [f"{resource}/.default"], claims_challenge=claims
            )
        except TokenFileUnreadable as error:
            if not self._served:
                raise
            raise NotSentError(str(error)) from None  # it was there before
        self._served = self._served or "access_token" in answer
        return answer

    def _renew(self) -> None:
        try:
            fresh = credential(self._settings, self._pause.clock())
        except CertificateUnreadable as error:
            if self._application is None:
                raise
            log.debug("the old certificate is used on: %s", error)
            return
        if self._application is None or fresh != self._credential:
            settings = self._settings
            self._application = _made(
                lambda: msal.ConfidentialClientApplication(
                    settings.client_id,
                    client_credential=fresh,
                    **_options(settings, self._client, self._remembered),
                )
            )
            self._credential = fresh


class ManagedIdentity:
    """The identity that Azure gives to a machine, a function, a container or, by Azure Arc, a machine elsewhere.

    It takes no claims: Azure keeps its tokens for about 24 hours and gives the same one again, whatever the reason
    for asking (learn.microsoft.com, entra/identity/managed-identities-azure-resources/managed-identities-faq).
    """

    def __init__(self, settings: TenantSettings, direct: ClientMaker, pause: Pause) -> None:
        # The endpoint is this machine itself: learn.microsoft.com, virtual-machines/instance-metadata-service.
        self._connections = Connections(direct)
        self._client = MsalClient(self._connections, _HERE, pause.clock)
        self._identity = (
            msal.UserAssignedManagedIdentity(client_id=settings.client_id)
            if settings.client_id
            else msal.SystemAssignedManagedIdentity()
        )

    def ask(self, resource: str, claims: str | None) -> Mapping[str, Any]:  # noqa: ARG002
        """See `Authority`. Raises `NoManagedIdentity` too."""
        if "IDENTITY_SERVER_THUMBPRINT" in os.environ:
            raise NoManagedIdentity("that of Azure Service Fabric is not supported")
        # A client of its own for each token: it would keep one, and failures.
        client = msal.ManagedIdentityClient(self._identity, http_client=self._client)
        try:
            answer: Mapping[str, Any] = client.acquire_token_for_client(resource=resource)
        except HostUnreachable:
            raise NoManagedIdentity("its endpoint cannot be reached") from None
        except OSError as error:  # Azure Arc: the file that proves who asks
            raise NoManagedIdentity(f"a file of Azure Arc cannot be read: {error.strerror}") from None
        except msal.ManagedIdentityError as error:
            raise NoManagedIdentity(str(error).rstrip(".")[:200]) from None
        finally:
            self._connections.close()
        return answer


class DeviceCode:
    """A person who signs in with a browser, on this or another device, by a code that is shown at the terminal.

    Delegated: the permissions are those of the application, the rights the person's. Asked for once; from then on
    the refresh token serves, through the run and, where the machine can keep it encrypted, through the next ones.
    learn.microsoft.com, entra/identity-platform/v2-oauth2-device-code.
    """

    def __init__(
        self,
        settings: TenantSettings,
        client: MsalClient,
        pause: Pause,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._settings = settings
        self._client = client
        self._pause = pause
        self._tell = tell or _to_person
        self._remembered: dict[str, object] = {}
        self._cache: Any = None
        self._application: Any = None
        self._signed_in = False

    def ask(self, resource: str, claims: str | None) -> Mapping[str, Any]:
        """See `Authority`. Raises `SignInRefused` where the person's sign-in has ended in the middle of a run."""
        self._remembered.clear()
        if self._application is None:
            self._open()
        scopes = [f"{resource}/.default"]
        answer = self._silently(scopes, claims)
        if answer is None or person_needed(answer):
            if self._signed_in:
                raise refused(answer or {"error": "signed_out"}, AGAIN)
            answer = self._by_person(scopes, claims)
        if answer.get("access_token"):
            self._signed_in = True
            self._cache.save()
        return answer

    def _open(self) -> None:
        from sspr.tenant.token_cache import TokenCache, location

        require_terminal()
        settings = self._settings
        self._cache = self._cache or TokenCache(location(settings, home()), self._tell)
        self._application = _made(
            lambda: msal.PublicClientApplication(
                settings.client_id,
                token_cache=self._cache.memory,
                **_options(settings, self._client, self._remembered),
            )
        )

    def _silently(self, scopes: list[str], claims: str | None) -> Mapping[str, Any] | None:
        """By the refresh token; None where there is none."""
        accounts = self._application.get_accounts()
        if not accounts:
            return None
        answer: Mapping[str, Any] | None = self._application.acquire_token_silent_with_error(
            scopes, accounts[0], force_refresh=True, claims_challenge=claims
        )
        return answer

    def _by_person(self, scopes: list[str], claims: str | None) -> Mapping[str, Any]:
        require_terminal()
        for account in self._application.get_accounts():  # one person at a time: whoever signs in now
            self._application.remove_account(account)
        flow: dict[str, Any] = self._application.initiate_device_flow(scopes)
        if "user_code" not in flow:
            return flow
        life = float(flow["expires_in"])
        self._tell(f"To sign in to {self._settings.tenant_id}, open {flow.get('verification_uri')} in a browser and "
                   f"enter the code {flow['user_code']} within {life // 60:.0f} minutes.")  # fmt: skip
        ends = self._pause.clock() + life
        interval = max(1.0, float(flow["interval"]))
        answer: Mapping[str, Any] = {}
        while self._pause.clock() < ends:
            self._pause.until(self._pause.clock() + interval)
            flow.pop("latest_attempt_at", None)  # by msal's clock, which may be another than ours
            try:
                answer = self._application.acquire_token_by_device_flow(
                    flow, claims_challenge=claims, exit_condition=lambda _: True
                )
            except SignInFailingError as error:
                interval = min(max(interval, error.wait or 0.0), _LONGEST_INTERVAL)
                continue
            except SendError:
                continue
            if answer.get("error") not in _PENDING and not passing(answer):
                return answer
            interval = max(interval, float(flow["interval"]))
        return {**answer, "error": "expired_token", "error_codes": [70019]}


def _options(
    settings: TenantSettings, client: MsalClient, remembered: dict[str, object]
) -> dict[str, object]:
    return {
        "authority": f"{settings.login}/{settings.tenant_id}",
        "http_client": client,
        "http_cache": remembered,
        "client_capabilities": _CAPABILITIES,
        # The authorities are the four of Microsoft's clouds or one that the operator named: nothing to look up, and
        # nothing that a host other than the named one need be asked for.
        "instance_discovery": False,
    }


def _made(make: Callable[[], T]) -> T:
    """Msal's application. Raises `SignInRefused` where the tenant's discovery document was answered 4xx, or is none."""
    try:
        return make()
    except ValueError:
        raise SignInRefused("tenant not found", TENANT) from None


def _to_person(sentence: str) -> None:
    """Past every quiet display: without it the person would wait for nothing."""
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()
