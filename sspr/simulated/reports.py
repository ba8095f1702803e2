"""The report of registered authentication methods, which may be hours behind the directory.

learn.microsoft.com, "userRegistrationDetails resource type"; it needs Microsoft Entra ID P1 or P2.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sspr.simulated import odata
from sspr.simulated.errors import GraphError, Json, not_found
from sspr.simulated.filters import prop
from sspr.simulated.state import Account, State
from sspr.simulated.store import Store
from sspr.simulated.wire import Answer, Call

_FLAGS = (
    "isAdmin",
    "isMfaCapable",
    "isMfaRegistered",
    "isPasswordlessCapable",
    "isSsprCapable",
    "isSsprEnabled",
    "isSsprRegistered",
    "isSystemPreferredAuthenticationMethodEnabled",
)
_FILTERS = {
    **{name: prop("eq", kind=bool) for name in _FLAGS},
    "id": prop("eq"),
    "userPrincipalName": prop("eq startswith"),
    "userDisplayName": prop("eq startswith"),
    "userType": prop("eq"),
    "methodsRegistered": prop("eq", many=True),
}
_NAMES = (
    *_FILTERS,
    "systemPreferredAuthenticationMethods",
    "userPreferredMethodForSecondaryAuthentication",
    "lastUpdatedDateTime",
)
_PHONE_NAMES = {"mobile": "mobilePhone", "alternateMobile": "alternateMobilePhone", "office": "officePhone"}
# What counts towards a reset: mail, mobile and authenticator; administrators need two of them.
_FOR_RESET = {"email", "mobilePhone", "microsoftAuthenticatorPush"}
_SECOND_FACTORS = {"mobilePhone", "alternateMobilePhone", "officePhone", "microsoftAuthenticatorPush"}


def _row(state: State, account: Account, seen: float) -> Json:
    methods = [_PHONE_NAMES[phone.kind] for phone in account.phones]
    methods += ["email"] if account.email_method is not None else []
    methods += ["microsoftAuthenticatorPush", "softwareOneTimePasscode"] if account.authenticators else []
    admin = bool(state.roles_of(account.id))
    registered = len(_FOR_RESET.intersection(methods)) >= (2 if admin else 1)
    enabled = state.policy.sspr if admin else True
    second = not _SECOND_FACTORS.isdisjoint(methods)
    return {
        "id": account.id,
        "userPrincipalName": account.upn,
        "userDisplayName": account.display_name or "",
        "userType": "guest" if account.guest else "member",
        "isAdmin": admin,
        "isSsprRegistered": registered,
        "isSsprEnabled": enabled,
        "isSsprCapable": registered and enabled,
        "isMfaRegistered": second,
        "isMfaCapable": second,
        "isPasswordlessCapable": bool(account.authenticators),
        "methodsRegistered": methods,
        "isSystemPreferredAuthenticationMethodEnabled": True,
        "systemPreferredAuthenticationMethods": [],
        "userPreferredMethodForSecondaryAuthentication": "none",
        "lastUpdatedDateTime": datetime.fromtimestamp(seen, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def list_registrations(call: Call, store: Store) -> Answer:
    """GET /reports/authenticationMethods/userRegistrationDetails."""
    call.only("select", "filter", "top", "skip", "skiptoken", "orderby", "count")
    seen, accounts = _report(store)
    found = list(accounts.values())

    def row(account: Account) -> Json:
        return _row(store.state, account, seen)

    chosen = odata.read_filter(call, _FILTERS, "userRegistrationDetails")
    if chosen is not None:
        found = [account for account in found if chosen.test(row(account))]
    found = odata.ordered(call, found, ("userPrincipalName", "userDisplayName"), row)
    names = odata.selected(call, _NAMES, "userRegistrationDetails")
    return Answer(
        200,
        odata.page(
            call,
            found,
            context="reports/authenticationMethods/userRegistrationDetails",
            size=store.behaviour().page_size,
            names=names,
            shape=row,
        ),
    )


def get_registration(call: Call, store: Store) -> Answer:
    """GET /reports/authenticationMethods/userRegistrationDetails/{userId}."""
    call.only("select")
    seen, accounts = _report(store)
    account = accounts.get(call.params["user"])
    if account is None:
        raise not_found(call.params["user"])
    row = _row(store.state, account, seen)
    names = odata.selected(call, _NAMES, "userRegistrationDetails")
    return Answer(
        200,
        odata.entity(call, row, names=names, context="reports/authenticationMethods/userRegistrationDetails"),
    )


def _report(store: Store) -> tuple[float, dict[str, Account]]:
    if store.state.license == "free":
        raise GraphError(
            403,
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            "Neither tenant is B2C or tenant doesn't have premium license",
        )
    return store.report()
