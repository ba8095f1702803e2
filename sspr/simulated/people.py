"""People who sign in: device codes that wait for somebody, and the refresh tokens of those who came.

learn.microsoft.com, "OAuth 2.0 device authorization grant", "Refresh tokens in the Microsoft identity platform";
RFC 8628.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from sspr.simulated.assertions import SignInError
from sspr.simulated.errors import Json
from sspr.simulated.state import Account, App, State

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
REFRESH_TOKEN = "refresh_token"
LIFETIME = 900
INTERVAL = 5
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ23456789"


@dataclass(slots=True)
class _Device:
    client_id: str
    user_code: str
    ends: float
    account: str | None = None
    declined: bool = False


class People:
    """Who has signed in to which application, and who is expected. ``clock`` gives epoch seconds."""

    def __init__(self, state: State, clock: Callable[[], float]) -> None:
        self._state, self._clock = state, clock
        self._devices: dict[str, _Device] = {}
        self._refresh: dict[str, tuple[str, str]] = {}
        self._ended: set[str] = set()

    # What a person does, called from Python --------------------------------------------------------------------

    @property
    def expected(self) -> list[str]:
        """The user codes that nobody has entered yet, the oldest first."""
        now = self._clock()
        return [
            device.user_code
            for device in self._devices.values()
            if device.account is None and not device.declined and now < device.ends
        ]

    def approve(self, user_code: str, upn: str) -> None:
        """The account enters the code and consents. Raises LookupError where code or account is unknown."""
        account = self._state.account(upn)
        if account is None:
            raise LookupError("no such account")
        self._device(user_code).account = account.id

    def decline(self, user_code: str) -> None:
        """Somebody enters the code and says no. Raises LookupError where it is unknown."""
        self._device(user_code).declined = True

    def end_sessions(self) -> None:
        """Revokes every refresh token given so far (revokeSignInSessions of everybody)."""
        self._ended.update(self._refresh)

    # What the sign-in service does ----------------------------------------------------------------------------

    def begin(self, app: App, base: str) -> Json:
        """The answer of /devicecode."""
        code = "".join(secrets.choice(_LETTERS) for _ in range(9))
        device_code = secrets.token_urlsafe(48)
        self._devices[device_code] = _Device(app.client_id, code, self._clock() + LIFETIME)
        page = f"{base}/device"
        return {
            "user_code": code,
            "device_code": device_code,
            "verification_uri": page,
            "expires_in": LIFETIME,
            "interval": INTERVAL,
            "message": f"To sign in, use a web browser to open the page {page} and enter the code {code} to "
            "authenticate.",
        }

    def arrived(self, app: App, device_code: str) -> Account:
        """Who entered the code; it is good for one sign-in. Raises :class:`SignInError` as RFC 8628 names it."""
        device = self._devices.get(device_code)
        if device is None or device.client_id != app.client_id:
            raise SignInError("bad_verification_code", 70018, "Bad verification code.")
        if device.declined:
            raise SignInError("authorization_declined", 65004, "User declined to consent to access the app.")
        if self._clock() >= device.ends:
            raise SignInError("expired_token", 70019, "Verification code expired.")
        if device.account is None:
            raise SignInError(
                "authorization_pending",
                70016,
                "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
            )
        del self._devices[device_code]
        return self._state.accounts[device.account]

    def admit(self, app: App, account: Account) -> str:
        """A refresh token for the account in the application."""
        token = secrets.token_urlsafe(96)
        self._refresh[token] = (app.client_id, account.id)
        return token

    def returned(self, app: App, refresh_token: str) -> Account:
        """Whose refresh token it is. Raises :class:`SignInError`: invalid_grant."""
        client_id, account_id = self._refresh.get(refresh_token, ("", ""))
        if client_id != app.client_id:
            raise SignInError("invalid_grant", 9002313, "Invalid request. Request is malformed or invalid.")
        account = self._state.accounts.get(account_id)
        if refresh_token in self._ended or account is None or not account.enabled:
            raise SignInError(
                "invalid_grant",
                50173,
                "The provided grant has expired due to it being revoked, a fresh auth token is needed.",
            )
        return account

    def _device(self, user_code: str) -> _Device:
        for device in self._devices.values():
            if device.user_code == user_code:
                return device
        raise LookupError("no such code")
