"""Users: read one, list, update. learn.microsoft.com, "user resource type", "Get user", "List users", "Update user"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from sspr.simulated import odata, permissions
from sspr.simulated.builtin_roles import may_change_contacts
from sspr.simulated.errors import (
    GraphError,
    Json,
    bad_request,
    denied,
    invalid_value,
    mastered_on_premises,
    not_found,
    not_simulated,
)
from sspr.simulated.filters import prop
from sspr.simulated.state import Account
from sspr.simulated.store import Store
from sspr.simulated.wire import Answer, Call

# Without $select only these are returned.
DEFAULT = (
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
)
# What User.ReadBasic.All lets an application see; the rest is shown as null.
BASIC = {"id", "displayName", "givenName", "surname", "mail", "userPrincipalName"}
_COLLECTIONS = (
    "businessPhones",
    "otherMails",
    "proxyAddresses",
    "imAddresses",
    "identities",
    "assignedLicenses",
    "assignedPlans",
    "provisionedPlans",
    "licenseAssignmentStates",
    "onPremisesProvisioningErrors",
    "serviceProvisioningErrors",
    "interests",
    "pastProjects",
    "responsibilities",
    "schools",
    "skills",
)
_HELD = (
    "id",
    "userPrincipalName",
    "displayName",
    "givenName",
    "surname",
    "mail",
    "mobilePhone",
    "otherMails",
    "businessPhones",
    "proxyAddresses",
    "usageLocation",
    "jobTitle",
    "officeLocation",
    "preferredLanguage",
    "department",
    "employeeId",
    "accountEnabled",
    "userType",
    "onPremisesSyncEnabled",
    "isManagementRestricted",
    "createdDateTime",
)
# Properties of a user that this tenant keeps no value of: readable, always null or [].
_EMPTY = (
    "deletedDateTime",
    "ageGroup",
    "city",
    "companyName",
    "country",
    "creationType",
    "employeeHireDate",
    "employeeType",
    "externalUserState",
    "faxNumber",
    "mailNickname",
    "onPremisesDistinguishedName",
    "onPremisesDomainName",
    "onPremisesImmutableId",
    "onPremisesLastSyncDateTime",
    "onPremisesSamAccountName",
    "onPremisesSecurityIdentifier",
    "onPremisesUserPrincipalName",
    "passwordPolicies",
    "postalCode",
    "securityIdentifier",
    "showInAddressList",
    "state",
    "streetAddress",
    "lastPasswordChangeDateTime",
    "signInSessionsValidFromDateTime",
    *(name for name in _COLLECTIONS if name not in _HELD),
)
KNOWN = (*_HELD, *_EMPTY)

FILTERS = {
    "id": prop("eq in", "ne"),
    "userPrincipalName": prop("eq in ge le startswith", "ne endswith"),
    "mail": prop("eq in ge le startswith", "ne endswith"),
    "displayName": prop("eq in ge le startswith", "ne"),
    "givenName": prop("eq in ge le startswith", "ne"),
    "surname": prop("eq in ge le startswith", "ne"),
    "mobilePhone": prop("eq in startswith", "ne ge le"),
    "usageLocation": prop("eq in ge le startswith", "ne"),
    "department": prop("eq in ge le", "ne startswith"),
    "employeeId": prop("eq in ge le startswith", "ne"),
    "accountEnabled": prop("eq in", "ne", bool),
    "onPremisesSyncEnabled": prop("eq in", "ne", bool),
    "userType": prop("eq in", "ne"),
    "otherMails": prop("eq", many=True),
    "proxyAddresses": prop("eq", many=True),
}


def view(account: Account) -> Json:
    """Every property that the account holds, as Graph names them."""
    return {
        "id": account.id,
        "userPrincipalName": account.upn,
        "displayName": account.display_name,
        "givenName": account.given_name,
        "surname": account.surname,
        "mail": account.mail,
        "mobilePhone": account.mobile_phone,
        "otherMails": list(account.other_mails),
        "businessPhones": list(account.business_phones),
        "proxyAddresses": list(account.proxy_addresses),
        "usageLocation": account.usage_location,
        "jobTitle": account.job_title,
        "officeLocation": account.office_location,
        "preferredLanguage": account.preferred_language,
        "department": account.department,
        "employeeId": account.employee_id,
        "accountEnabled": account.enabled,
        "userType": "Guest" if account.guest else "Member",
        "onPremisesSyncEnabled": account.synced,
        "isManagementRestricted": account.restricted or None,
        "createdDateTime": account.created,
    }


# Shown for what an account does not hold, or what the caller may not see.
_NOTHING = odata.null_like(KNOWN, _COLLECTIONS)


def visible(call: Call, held: Json, names: Iterable[str]) -> Json:
    """The named properties of a :func:`view` as this caller may see them."""
    if call.caller.may(*permissions.USERS_READ):
        return {name: held[name] if name in held else _NOTHING[name] for name in names}
    return {name: held[name] if name in BASIC else _NOTHING[name] for name in names}


def find(call: Call, store: Store) -> Account:
    """The account of the path, as it is now. Raises 404 on an unknown one and 400 on a bare key that begins with $."""
    key = call.params["user"]
    if key.startswith("$") and "('" not in call.path and "(%27" not in call.path:
        raise bad_request(f"Resource not found for the segment '{key}'.", "BadRequest")
    account = store.account(key)
    if account is None:
        raise not_found(key)
    call.account = account.id
    return account


def get_user(call: Call, store: Store) -> Answer:
    """GET /users/{id | userPrincipalName}."""
    call.only("select")
    names = odata.selected(call, KNOWN, "user") or list(DEFAULT)
    account = store.shown(find(call, store))
    chosen = names if "select" in call.options else None
    return Answer(200, odata.entity(call, visible(call, view(account), names), context="users", names=chosen))


def list_users(call: Call, store: Store) -> Answer:
    """GET /users. Unknown accounts of a filter are silently left out, as in Graph."""
    call.only("select", "filter", "top", "skip", "count", "orderby", "search", "skiptoken")
    names = odata.selected(call, KNOWN, "user")
    chosen = odata.read_filter(call, FILTERS, "User")
    views = map(view, store.all_shown() if chosen is None else _candidates(chosen.keys, store))
    found = [held for held in views if chosen is None or chosen.test(held)]
    found = odata.ordered(call, found, ("displayName", "userPrincipalName", "createdDateTime"))
    rows = [visible(call, held, names or DEFAULT) for held in found]
    behaviour = store.behaviour()
    return Answer(
        200,
        odata.page(
            call,
            rows,
            context="users",
            size=behaviour.page_size,
            names=names,
            empty_first=behaviour.empty_pages,
        ),
    )


def _candidates(keys: Any, store: Store) -> Iterable[Account]:
    """The accounts that the filter's own keys allow, by index; all where it has none."""
    if "id" in keys:
        ids = sorted(keys["id"])
    elif "userPrincipalName" in keys:
        ids = [store.state.id_of(upn) or "" for upn in sorted(keys["userPrincipalName"])]
    else:
        return store.all_shown()
    return [store.shown(account) for account in map(store.state.accounts.get, ids) if account is not None]


def update_user(call: Call, store: Store) -> Answer:
    """PATCH /users/{id | userPrincipalName}: all of it or nothing; 204 without a body."""
    body = {name: value for name, value in call.json_object().items() if not name.startswith("@")}
    for name in body:
        if name not in KNOWN:
            raise bad_request(
                f"Property '{name}' does not exist as a declared property or extension property."
            )
        if name not in _WRITERS:
            if name in _EMPTY:
                raise not_simulated(f"a value of {name}")
            raise bad_request(f"Property '{name}' is read-only and cannot be set.")
        if not call.caller.may(*permissions.USERS_WRITE, *permissions.PROPERTY_WRITE.get(name, ())):
            raise denied()
    account = find(call, store)
    _check_rank(call, store, account, body)
    changes = {}
    for name, value in body.items():
        field, read = _WRITERS[name]
        changes[field] = read(name, value)
        if (
            account.synced
            and name != "usageLocation"
            and (name != "otherMails" or account.other_mails_locked)
        ):
            raise mastered_on_premises()
    store.write(replace(account, **changes))
    return Answer(204)


def _check_rank(call: Call, store: Store, account: Account, body: Json) -> None:
    if permissions.PROPERTY_WRITE.keys().isdisjoint(body):
        return
    if account.restricted:
        # Only a role scoped to the restricted unit would do; applications here hold tenant-wide roles.
        raise GraphError(
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation. "
            "Target object is a member of a restricted management administrative unit.",
        )
    if not may_change_contacts(call.caller.directory_roles, store.state.roles_of(account.id)):
        raise denied()


_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


def is_address(text: str) -> bool:
    """Whether the directory takes it for an SMTP address: ASCII, one @, at most 250 characters, no empty label."""
    return len(text) <= 250 and _ADDRESS.fullmatch(text) is not None and ".." not in text


def _wrong_node(name: str, expected: str) -> GraphError:
    return bad_request(
        f"An unexpected node was found when reading the property '{name}' from the JSON reader. A "
        f"'{expected}' node was expected."
    )


def _strings(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _wrong_node(name, "StartArray")
    if not all(isinstance(each, str) for each in value):
        raise _wrong_node(name, "PrimitiveValue")
    return tuple(value)


def _mails(name: str, value: Any) -> tuple[str, ...]:
    mails = _strings(name, value)
    if len(mails) > 250 or not all(map(is_address, mails)):
        raise invalid_value(name)
    return mails


def _phones(name: str, value: Any) -> tuple[str, ...]:
    phones = _strings(name, value)
    if len(phones) > 1 or not all(0 < len(phone) <= 64 for phone in phones):
        raise invalid_value(name)
    return phones


def _text(longest: int) -> Callable[[str, Any], str | None]:
    def read(name: str, value: Any) -> str | None:
        if value is not None and not isinstance(value, str):
            raise _wrong_node(name, "PrimitiveValue")
        if value is not None and not 0 < len(value) <= longest:
            raise invalid_value(name)
        return value

    return read


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong_node(name, "PrimitiveValue")
    return value


def _country(name: str, value: Any) -> str | None:
    if value is not None and not (isinstance(value, str) and re.fullmatch("[A-Z]{2}", value)):
        raise invalid_value(name)
    return value


def _display_name(name: str, value: Any) -> str:
    text = _text(256)(name, value)
    if text is None:
        raise invalid_value(name)
    return text


# Property → field of the account and the reader that refuses a bad value.
_WRITERS: dict[str, tuple[str, Callable[[str, Any], Any]]] = {
    "otherMails": ("other_mails", _mails),
    "mobilePhone": ("mobile_phone", _text(64)),
    "businessPhones": ("business_phones", _phones),
    "accountEnabled": ("enabled", _flag),
    "displayName": ("display_name", _display_name),
    "givenName": ("given_name", _text(64)),
    "surname": ("surname", _text(64)),
    "jobTitle": ("job_title", _text(128)),
    "officeLocation": ("office_location", _text(128)),
    "preferredLanguage": ("preferred_language", _text(64)),
    "department": ("department", _text(64)),
    "employeeId": ("employee_id", _text(16)),
    "usageLocation": ("usage_location", _country),
}
