"""Users: read one, list, update. learn.microsoft.com, "user resource type", "Get user", "List users", "Update user"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from operator import attrgetter
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
from sspr.simulated.state import Account, State
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
# How each property is read from the account that holds it.
_READERS: dict[str, Callable[[Account], Any]] = {
    "id": attrgetter("id"),
    "userPrincipalName": attrgetter("upn"),
    "displayName": attrgetter("display_name"),
    "givenName": attrgetter("given_name"),
    "surname": attrgetter("surname"),
    "mail": attrgetter("mail"),
    "mobilePhone": attrgetter("mobile_phone"),
    "otherMails": lambda account: list(account.other_mails),
    "businessPhones": lambda account: list(account.business_phones),
    "proxyAddresses": lambda account: list(account.proxy_addresses),
    "usageLocation": attrgetter("usage_location"),
    "jobTitle": attrgetter("job_title"),
    "officeLocation": attrgetter("office_location"),
    "preferredLanguage": attrgetter("preferred_language"),
    "department": attrgetter("department"),
    "employeeId": attrgetter("employee_id"),
    "accountEnabled": attrgetter("enabled"),
    "userType": lambda account: "Guest" if account.guest else "Member",
    "onPremisesSyncEnabled": attrgetter("synced"),
    "isManagementRestricted": lambda account: account.restricted or None,
    "createdDateTime": attrgetter("created"),
}
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
    *(name for name in _COLLECTIONS if name not in _READERS),
)
# Properties that Graph has and this tenant does not.
BEYOND = {
    "aboutMe", "authorizationInfo", "birthday", "consentProvidedForMinor", "customSecurityAttributes",
    "deviceEnrollmentLimit", "employeeLeaveDateTime", "employeeOrgData", "externalUserStateChangeDateTime",
    "hireDate", "identityParentId", "isResourceAccount", "legalAgeGroupClassification", "mailboxSettings",
    "mySite", "onPremisesExtensionAttributes", "passwordProfile", "preferredDataLocation", "preferredName",
    "print", "signInActivity",
}  # fmt: skip

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


# Properties that Graph lets an application change, and this tenant does not.
_KEPT = ("userPrincipalName", "mail", "userType")


class View(Mapping[str, Any]):
    """Every property that the account holds, as Graph names them; read when asked for."""

    __slots__ = ("_account",)

    def __init__(self, account: Account) -> None:
        self._account = account

    def __getitem__(self, name: str) -> Any:
        return _READERS[name](self._account)

    def __iter__(self) -> Iterator[str]:
        return iter(_READERS)

    def __len__(self) -> int:
        return len(_READERS)


KNOWN = (*_READERS, *_EMPTY)
_NAMES = BEYOND.union(KNOWN)
# Shown for what an account does not hold, or what the caller may not see.
_NOTHING = odata.null_like(KNOWN, _COLLECTIONS)


def visible(call: Call, held: Mapping[str, Any], names: Iterable[str]) -> Json:
    """The named properties of a :class:`View` as this caller may see them.

    Of what it may not see at all the type and the id are shown, and nothing for the rest (learn.microsoft.com,
    graph/permissions-overview, "Limited information returned for inaccessible member objects").
    """
    if not call.limited.isdisjoint(("*", held["id"])):
        nothing = {name: _NOTHING[name] for name in names}
        return {"@odata.type": "#microsoft.graph.user", **nothing, "id": held["id"]}
    if call.caller.may(*permissions.USERS_READ):
        return {name: held[name] if name in held else _NOTHING[name] for name in names}
    return {name: held[name] if name in BASIC else _NOTHING[name] for name in names}


# What may stand there in Graph's paths and is no account.
_NO_KEYS = ("$count", "delta", "delta()")


def find(call: Call, store: Store) -> Account:
    """The account of the path, as it is now. Raises 404 on an unknown one and 400 on a bare key that begins with $."""
    key = call.params["user"]
    if key.lower() in _NO_KEYS:
        raise not_simulated(f"/users/{key}")
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
    names = odata.selected(call, KNOWN, "user", BEYOND) or list(DEFAULT)
    account = store.shown(find(call, store))
    chosen = names if "select" in call.options else None
    return Answer(200, odata.entity(call, visible(call, View(account), names), context="users", names=chosen))


def list_users(call: Call, store: Store) -> Answer:
    """GET /users. Unknown accounts of a filter are silently left out, as in Graph."""
    call.only("select", "filter", "top", "skip", "count", "orderby", "search", "skiptoken")
    names = odata.selected(call, KNOWN, "user", BEYOND)
    chosen = odata.read_filter(call, FILTERS, "User", _NAMES)
    found = list(store.all_shown() if chosen is None else _candidates(chosen.keys, store))
    if chosen is not None:
        found = [account for account in found if chosen.test(View(account))]
    found = odata.ordered(call, found, ("displayName", "userPrincipalName", "createdDateTime"), View)
    behaviour = store.behaviour()
    return Answer(
        200,
        odata.page(
            call,
            found,
            context="users",
            size=behaviour.page_size,
            names=names,
            empty_first=behaviour.empty_pages,
            shape=lambda account: visible(call, View(account), names or DEFAULT),
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
        if name in BEYOND:
            raise not_simulated(f"the property {name}")
        if name not in KNOWN:
            raise bad_request(
                f"Property '{name}' does not exist as a declared property or extension property."
            )
        if name not in _WRITERS:
            if name in _EMPTY or name in _KEPT:
                raise not_simulated(f"another {name}")
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
    held = store.state.roles_of(account.id) or _protected(store.state, account)
    if not may_change_contacts(call.caller.directory_roles, held):
        raise denied()


def _protected(state: State, account: Account) -> frozenset[str]:
    """For the table of who may change whom: whoever is in a group that could be given a role counts as its last row."""
    groups = map(state.group, state.groups_of(account.id))
    return frozenset(group.id for group in groups if group is not None and group.role_assignable)


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
