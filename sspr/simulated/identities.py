"""Managed identities: the endpoint that Azure App Service gives to what runs there, and to nobody else.

learn.microsoft.com, app-service/overview-managed-identity, "REST endpoint reference".
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from sspr.simulated.assertions import SignInError
from sspr.simulated.errors import Json
from sspr.simulated.signin import SignIn
from sspr.simulated.state import App, State

PATH = "/msi/token"


def environment(state: State, base: str) -> dict[str, str]:
    """The variables by which what runs on the simulated machine finds the endpoint, and proves that it runs there."""
    return {"IDENTITY_ENDPOINT": f"{base}{PATH}", "IDENTITY_HEADER": _secret(state)}


def answer(
    signin: SignIn, state: State, headers: Mapping[str, str], query: Mapping[str, str], base: str
) -> tuple[int, Json]:
    """Status and body for a request; a refusal has the endpoint's own form, not that of OAuth."""
    app = _meant(state, query.get("client_id"))
    if headers.get("x-identity-header") != _secret(state):
        return _refused("The X-IDENTITY-HEADER is missing or wrong.")
    if query.get("api-version") != "2019-08-01" or not query.get("resource"):
        return _refused("The parameters api-version and resource are needed.")
    if app is None:
        return _refused("No managed identity was found for what was asked.")
    try:
        return 200, signin.managed_identity(app, query["resource"], base)
    except SignInError as error:
        return _refused(f"AADSTS{error.code}: {error.text}")


def _meant(state: State, client_id: str | None) -> App | None:
    """By `client_id` the user-assigned identity, else the machine's own."""
    if client_id:
        app = state.app(client_id)
        return app if app is not None and app.managed == "user" else None
    return next((app for app in state.apps if app.managed == "system"), None)


def _refused(text: str) -> tuple[int, Json]:
    return 400, {"statusCode": 400, "message": text}


def _secret(state: State) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, state.tenant_id))
