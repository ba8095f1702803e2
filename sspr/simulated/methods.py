"""Authentication methods of a user: phones, the email address, the list of all kinds.

learn.microsoft.com, "phoneAuthenticationMethod" and "emailAuthenticationMethod". Microsoft does not document the error
codes of refused writes; those here have the right status class and say what is wrong.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import cast

from sspr.simulated import odata
from sspr.simulated.builtin_roles import GLOBAL, PRIVILEGED_AUTHENTICATION
from sspr.simulated.errors import GraphError, Json, bad_request, no_method
from sspr.simulated.state import Account, Phone, PhoneKind, SmsSignIn
from sspr.simulated.store import Store
from sspr.simulated.users import find, is_address
from sspr.simulated.wire import Answer, Call

PHONE_IDS: dict[PhoneKind, str] = {
    "mobile": "3179e48a-750b-4051-897c-87b9720928f7",
    "alternateMobile": "b6332ec1-7057-4abe-9331-3d72feddfe41",
    "office": "e37fc753-ff3b-4958-9484-eaa9425c82bc",
}
EMAIL_ID = "3ddfcfc8-9383-446f-83cc-3ab9be4be18f"
PASSWORD_ID = "28c10230-6103-485e-b985-444c60001490"
_KINDS = {key: kind for kind, key in PHONE_IDS.items()}
# "+{country code} {number}x{extension}, with extension optional"; an E.164 number has at most 15 digits.
_NUMBER = re.compile(r"\+(?P<country>[1-9][0-9]{0,2}) (?P<number>[0-9]{4,14})(?:x[0-9]{1,15})?")


def _phone_view(phone: Phone) -> Json:
    return {
        "id": PHONE_IDS[phone.kind],
        "phoneNumber": phone.number,
        "phoneType": phone.kind,
        "smsSignInState": phone.sms_sign_in,
    }


def _context(account: Account, kind: str) -> str:
    return f"users('{account.id}')/authentication/{kind}"


def list_phones(call: Call, store: Store) -> Answer:
    """GET …/phoneMethods."""
    call.only()
    account = store.shown(find(call, store))
    return Answer(
        200,
        odata.whole(call, map(_phone_view, account.phones), context=_context(account, "phoneMethods")),
    )


def get_phone(call: Call, store: Store) -> Answer:
    """GET …/phoneMethods/{id}."""
    call.only()
    account = store.shown(find(call, store))
    phone = _phone(call, account)
    return Answer(200, odata.entity(call, _phone_view(phone), context=_context(account, "phoneMethods")))


def add_phone(call: Call, store: Store) -> Answer:
    """POST …/phoneMethods: 201 with the object; one of each type, alternateMobile only after mobile."""
    account = _writable(call, store)
    body = _known(call, "phoneNumber", "phoneType")
    kind = body.get("phoneType")
    if kind not in PHONE_IDS:
        raise bad_request("The phoneType must be one of mobile, alternateMobile and office.", "badRequest")
    kind = cast(PhoneKind, kind)
    number = _number(body.get("phoneNumber"))
    if account.phone(kind) is not None:
        raise bad_request(f"A phone method of type '{kind}' is already registered.", "badRequest")
    if kind == "alternateMobile" and account.phone("mobile") is None:
        raise bad_request("An alternate mobile phone needs a mobile phone first.", "badRequest")
    phone = Phone(kind, number, _sms_state(store, account, kind, number))
    store.write(replace(account, phones=(*account.phones, phone)))
    context = _context(account, "phoneMethods")
    return Answer(
        201,
        odata.entity(call, _phone_view(phone), context=context),
        {"Location": f"{call.root}/{context}/{PHONE_IDS[kind]}"},
    )


def update_phone(call: Call, store: Store) -> Answer:
    """PATCH …/phoneMethods/{id}: another number; the type cannot be changed."""
    account = _writable(call, store)
    phone = _phone(call, account)
    body = _known(call, "phoneNumber", "phoneType")
    if body.get("phoneType", phone.kind) != phone.kind:
        raise bad_request("The phoneType of a phone method cannot be changed.", "badRequest")
    number = _number(body.get("phoneNumber"))
    _put_phone(store, account, Phone(phone.kind, number, _sms_state(store, account, phone.kind, number)))
    return Answer(204)


def delete_phone(call: Call, store: Store) -> Answer:
    """DELETE …/phoneMethods/{id}."""
    account = _writable(call, store)
    phone = _phone(call, account)
    if phone.kind == "mobile" and account.phone("alternateMobile") is not None:
        raise bad_request("The alternate mobile phone must be removed first.", "badRequest")
    store.write(replace(account, phones=tuple(each for each in account.phones if each != phone)))
    return Answer(204)


def enable_sms(call: Call, store: Store) -> Answer:
    """POST …/phoneMethods/{id}/enableSmsSignIn: for the mobile phone, where policy allows it and nobody else signs in
    with the number. Not in the cloud operated by 21Vianet.
    """
    account = _with_sms(call, store)
    phone = _phone(call, account)
    state = _sms_state(store, account, phone.kind, phone.number)
    if state != "ready":
        raise bad_request(f"SMS sign-in cannot be enabled: {state}.", "badRequest")
    _put_phone(store, account, replace(phone, sms_sign_in="ready"))
    return Answer(204)


def disable_sms(call: Call, store: Store) -> Answer:
    """POST …/phoneMethods/{id}/disableSmsSignIn: the number is no sign-in name any more, and free for another account.
    Not in the cloud operated by 21Vianet.
    """
    account = _with_sms(call, store)
    phone = _phone(call, account)
    if phone.kind != "mobile":
        raise bad_request("SMS sign-in is for the mobile phone only.", "badRequest")
    state: SmsSignIn = "notEnabled" if account.sms_sign_in_allowed else "notAllowedByPolicy"
    _put_phone(store, account, replace(phone, sms_sign_in=state))
    return Answer(204)


def list_emails(call: Call, store: Store) -> Answer:
    """GET …/emailMethods: none or one."""
    call.only()
    account = store.shown(find(call, store))
    rows = [_email_view(account.email_method)] if account.email_method is not None else []
    return Answer(200, odata.whole(call, rows, context=_context(account, "emailMethods")))


def get_email(call: Call, store: Store) -> Answer:
    """GET …/emailMethods/{id}."""
    call.only()
    account = store.shown(find(call, store))
    return Answer(
        200,
        odata.entity(call, _email_view(_email(call, account)), context=_context(account, "emailMethods")),
    )


def add_email(call: Call, store: Store) -> Answer:
    """POST …/emailMethods: 201 with the object; a user has one. Not in the cloud operated by 21Vianet."""
    account = _writable(call, store)
    if store.state.cloud == "china":
        raise GraphError(
            403, "accessDenied", "The email authentication method is not available in this cloud."
        )
    address = _address(_known(call, "emailAddress").get("emailAddress"))
    if account.email_method is not None:
        raise bad_request("An email method is already registered.", "badRequest")
    store.write(replace(account, email_method=address))
    context = _context(account, "emailMethods")
    return Answer(
        201,
        odata.entity(call, _email_view(address), context=context),
        {"Location": f"{call.root}/{context}/{EMAIL_ID}"},
    )


def update_email(call: Call, store: Store) -> Answer:
    """PATCH …/emailMethods/{id}."""
    account = _writable(call, store)
    _email(call, account)
    address = _address(_known(call, "emailAddress").get("emailAddress"))
    store.write(replace(account, email_method=address))
    return Answer(204)


def delete_email(call: Call, store: Store) -> Answer:
    """DELETE …/emailMethods/{id}."""
    account = _writable(call, store)
    _email(call, account)
    store.write(replace(account, email_method=None))
    return Answer(204)


def list_methods(call: Call, store: Store) -> Answer:
    """GET …/authentication/methods: every kind in one list, each with its @odata.type."""
    call.only()
    account = store.shown(find(call, store))
    rows: list[Json] = [
        {
            "@odata.type": "#microsoft.graph.passwordAuthenticationMethod",
            "id": PASSWORD_ID,
            "password": None,
            "createdDateTime": account.created,
        }
    ]
    rows += [
        {"@odata.type": "#microsoft.graph.phoneAuthenticationMethod", **_phone_view(phone)}
        for phone in account.phones
    ]
    if account.email_method is not None:
        rows.append(
            {"@odata.type": "#microsoft.graph.emailAuthenticationMethod", **_email_view(account.email_method)}
        )
    rows += [
        {
            "@odata.type": "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod",
            "id": f"{account.id[:24]}{number:012x}",
            "displayName": device,
            "createdDateTime": account.created,
        }
        for number, device in enumerate(account.authenticators, 1)
    ]
    return Answer(200, odata.whole(call, rows, context=_context(account, "methods")))


def _email_view(address: str) -> Json:
    return {"id": EMAIL_ID, "emailAddress": address}


def _writable(call: Call, store: Store) -> Account:
    account = find(call, store)
    strict = store.behaviour().methods_need_role and bool(store.state.roles_of(account.id))
    if strict and call.caller.directory_roles.isdisjoint((GLOBAL, PRIVILEGED_AUTHENTICATION)):
        raise GraphError(403, "accessDenied", "Request Authorization failed")
    return account


def _with_sms(call: Call, store: Store) -> Account:
    account = _writable(call, store)
    if store.state.cloud == "china":
        raise GraphError(403, "accessDenied", "SMS sign-in is not available in this cloud.")
    return account


def _known(call: Call, *names: str) -> Json:
    body = call.json_object()
    for name in body:
        if name not in names and not name.startswith("@"):
            raise bad_request(f"The property '{name}' cannot be set.", "badRequest")
    return body


def _number(value: object) -> str:
    found = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    if found is None or len(found["country"] + found["number"]) > 15:
        raise bad_request(
            "The phoneNumber is not in the format +{country code} {number}x{extension}.", "badRequest"
        )
    return found[0]


def _address(value: object) -> str:
    if not isinstance(value, str) or not is_address(value):
        raise bad_request("The emailAddress is not a valid email address.", "badRequest")
    return value


def _phone(call: Call, account: Account) -> Phone:
    kind = _KINDS.get(call.params["method"].lower())
    phone = None if kind is None else account.phone(kind)
    if phone is None:
        raise no_method(call.params["method"])
    return phone


def _email(call: Call, account: Account) -> str:
    if call.params["method"].lower() != EMAIL_ID or account.email_method is None:
        raise no_method(call.params["method"])
    return account.email_method


def _put_phone(store: Store, account: Account, phone: Phone) -> None:
    store.write(
        replace(account, phones=tuple(phone if each.kind == phone.kind else each for each in account.phones))
    )


def _sms_state(store: Store, account: Account, kind: PhoneKind, number: str) -> SmsSignIn:
    """What registering the number as a sign-in name comes to: it is tried where the user's policy allows it, and only
    one account of the tenant can have it.
    """
    if kind != "mobile":
        return "notSupported"
    if not account.sms_sign_in_allowed or store.state.cloud == "china":
        return "notAllowedByPolicy"
    for other in store.state.accounts.values():
        mobile = other.phone("mobile") if other.id != account.id else None
        if (
            mobile is not None
            and mobile.sms_sign_in == "ready"
            and _dialled(mobile.number) == _dialled(number)
        ):
            return "phoneNumberNotUnique"
    return "ready"


def _dialled(number: str) -> str:
    return number.partition("x")[0]
