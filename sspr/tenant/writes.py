"""A change → the request that makes it, and what it draws on. Pure.

learn.microsoft.com: graph/api/user-update; emailauthenticationmethod and phoneauthenticationmethod, create, update and
delete; phoneauthenticationmethod-disablesmssignin.
"""

from __future__ import annotations

from collections.abc import Mapping

from sspr.model import Change, ChangeKind, Fate, Write
from sspr.tenant.batch import Request
from sspr.tenant.odata import segment, user
from sspr.tenant.outcomes import Outcome
from sspr.tenant.quotas import WRITE, Cost, Quota

# A PATCH, POST or DELETE of the directory is one write and one resource unit: learn.microsoft.com,
# graph/throttling-limits. Authentication methods are not on that list.
COSTS: Mapping[ChangeKind, Cost] = {
    ChangeKind.CONTACT: WRITE,
    ChangeKind.EMAIL_METHOD: {Quota.METHOD_WRITES: 1},
    ChangeKind.PHONE_METHOD: {Quota.METHOD_WRITES: 1},
    ChangeKind.SMS_SIGN_IN: {Quota.METHOD_WRITES: 1},
}

FATES: Mapping[Outcome, Fate] = {
    Outcome.OK: Fate.ACCEPTED,
    Outcome.REFUSED: Fate.REFUSED,
    Outcome.BROKEN: Fate.UNKNOWN,
    Outcome.THROTTLED: Fate.NOT_SENT,
    Outcome.BUSY: Fate.NOT_SENT,
    Outcome.UNAUTHORIZED: Fate.NOT_SENT,
    Outcome.UNREACHED: Fate.NOT_SENT,
}

_COLLECTIONS = {
    ChangeKind.EMAIL_METHOD: ("emailMethods", "emailAddress"),
    ChangeKind.PHONE_METHOD: ("phoneMethods", "phoneNumber"),
    ChangeKind.SMS_SIGN_IN: ("phoneMethods", "smsSignInState"),
}


def request(write: Write) -> Request:
    """PATCH of the contact properties; POST, PATCH or, where nothing is to be there afterwards, DELETE of a method; the
    action that turns off SMS sign-in.
    """
    change = write.change
    account = user(write.account_id)
    if change.kind is ChangeKind.CONTACT:
        return Request(
            "PATCH", account, {name: _property(name, value) for name, value in change.after.items()}
        )
    collection, name = _COLLECTIONS[change.kind]
    path = f"{account}/authentication/{collection}"
    if change.method_id:
        path = f"{path}/{segment(change.method_id)}"
    if change.kind is ChangeKind.SMS_SIGN_IN:
        return Request("POST", f"{path}/disableSmsSignIn", {})  # a batch refuses a POST without a body
    value = change.after.get(name)
    if not value:
        return Request("DELETE", path)
    return Request("PATCH" if change.method_id else "POST", path, _method(change, name, value))


def _property(name: str, value: object) -> object:
    if name == "otherMails":
        return list(value) if isinstance(value, (list, tuple)) else []
    return value or None  # null clears a text; the empty string is refused


def _method(change: Change, name: str, value: object) -> dict[str, object]:
    return {name: value, "phoneType": "mobile"} if change.kind is ChangeKind.PHONE_METHOD else {name: value}
