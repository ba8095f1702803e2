"""What a row asks for, held against what the tenant holds: the changes, both sides of each. Pure.

As few writes as can be: email and phone properties go into one change, what is equal is not written,
a method that the person registered is kept unless the operator says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sspr.model import Account, Change, ChangeKind, Contact, Finding, MethodKind, Methods, Target

# The policy for administrators asks for two methods and cannot be changed; only a tenant without a domain of its own
# and without synchronization is asked for one, and for no longer than that is so
# (learn.microsoft.com, entra/identity/authentication/concept-sspr-policy).
GATES = 2


@dataclass(frozen=True, slots=True)
class Comparison:
    """The writes that a row needs, and what is to be said of the values that they meet."""

    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()


def compare(
    contact: Contact, account: Account, target: Target, *, replace_methods: bool = False
) -> Comparison:
    """The changes that make `account` hold what `contact` asks for; none where it does already.

    A value that the contact does not have (it was blank, or refused) never clears anything.
    """
    changes: list[Change] = []
    findings: list[Finding] = []
    if target.contact:
        changes += _contact_change(contact, account, findings)
    if target.methods and account.methods is not None:
        changes += _method_changes(contact, account.methods, replace_methods, findings)
    return Comparison(tuple(changes), tuple(findings))


def shows(change: Change, account: Account) -> bool:
    """Whether the account holds what the change wrote; where that is nothing, whether nothing is there. Graph may
    normalise: addresses are compared as a case-insensitive set, numbers by their digits.
    """
    if change.kind is ChangeKind.CONTACT:
        phone_shown = "mobilePhone" not in change.after or same_number(
            str(change.after["mobilePhone"] or ""), account.mobile_phone
        )
        return phone_shown and _mails_shown(change, folded(account.other_mails))
    if account.methods is None:
        return False
    if (
        change.kind is ChangeKind.SMS_SIGN_IN
    ):  # of this number: an older copy of the account may show another, or none
        of_it = same_number(str(change.before["phoneNumber"]), account.methods.mobile_phone)
        return of_it and account.methods.sms_sign_in != change.before["smsSignInState"]
    if change.kind is ChangeKind.EMAIL_METHOD:
        return same_address(str(change.after["emailAddress"] or ""), account.methods.email)
    return same_number(str(change.after["phoneNumber"] or ""), account.methods.mobile_phone)


def _mails_shown(change: Change, held: frozenset[str]) -> bool:
    """Whether the addresses that the change sets are there, and those that it takes away are not."""
    wanted, before = folded(_texts(change.after.get("otherMails"))), _texts(change.before.get("otherMails"))
    return wanted <= held and not (folded(before) - wanted) & held


def unmoved(change: Change, account: Account) -> bool:
    """Whether the account still holds what it held when the change was planned."""
    if change.kind is ChangeKind.CONTACT:
        before = change.before
        same_mails = "otherMails" not in before or folded(_texts(before["otherMails"])) == folded(
            account.other_mails
        )
        return same_mails and (
            "mobilePhone" not in before or same_number(str(before["mobilePhone"] or ""), account.mobile_phone)
        )
    if account.methods is None:
        return False
    if change.kind is ChangeKind.EMAIL_METHOD:
        return same_address(str(change.before["emailAddress"] or ""), account.methods.email)
    if change.kind is ChangeKind.SMS_SIGN_IN and (
        account.methods.sms_sign_in != change.before["smsSignInState"]
    ):
        return False
    return same_number(str(change.before["phoneNumber"] or ""), account.methods.mobile_phone)


def is_ready(enabled: bool | None, methods: Methods | None, feature: bool | None) -> bool | None:
    """Whether the administrator can reset the password alone: account enabled, two accepted methods
    registered, the tenant's flag on. None where what was read does not tell.
    """
    two_gates: bool | None = None
    if methods is not None:
        two_gates = len(methods.kinds) >= GATES or (False if methods.complete else None)
    conditions = (enabled, two_gates, feature)
    if False in conditions:
        return False
    return None if None in conditions else True


def registered(held: Methods, changes: Iterable[Change]) -> Methods:
    """The methods once the changes are made."""
    for change in changes:
        if change.kind is ChangeKind.EMAIL_METHOD:
            held = replace(held, email=str(change.after["emailAddress"] or ""))
        elif change.kind is ChangeKind.PHONE_METHOD:
            held = replace(held, mobile_phone=str(change.after["phoneNumber"] or ""))
    return held


def rests_on_texts(methods: Methods) -> bool:
    """Whether a mobile phone is registered without which there are too few accepted methods."""
    others = methods.kinds - {MethodKind.MOBILE_PHONE}
    return len(others) < GATES and others != methods.kinds


def sms_sign_in_off(methods: Methods) -> Change:
    """The write that turns off SMS sign-in, which registering the mobile number turned on."""
    before = {"smsSignInState": methods.sms_sign_in, "phoneNumber": methods.mobile_phone}
    return Change(ChangeKind.SMS_SIGN_IN, before, {"smsSignInState": "notEnabled"}, methods.mobile_phone_id)


def folded(addresses: Iterable[str]) -> frozenset[str]:
    """Addresses as a case-insensitive set."""
    return frozenset(address.casefold() for address in addresses)


def same_address(one: str, other: str) -> bool:
    """Whether two texts are the same address, ignoring case."""
    return one.casefold() == other.casefold()


def same_number(one: str, other: str) -> bool:
    """Whether two numbers have the same digits; two empty ones are the same. Their extensions do not count: a text
    message goes to the number without it (learn.microsoft.com, entra/identity/authentication/
    howto-sspr-authenticationdata: extensions are removed).
    """
    return _digits(one) == _digits(other)


def _contact_change(contact: Contact, account: Account, findings: list[Finding]) -> list[Change]:
    before: dict[str, object] = {}
    after: dict[str, object] = {}
    if contact.alternate_email and contact.alternate_email.casefold() not in folded(account.other_mails):
        # A PATCH replaces the collection whole, so the addresses that are there go along behind the new one.
        before["otherMails"] = list(account.other_mails)
        after["otherMails"] = [contact.alternate_email, *account.other_mails]
        if account.other_mails:
            findings.append(Finding("email_replaces"))
    # mobilePhone is read-only in the cloud where the account is mastered on premises
    # (learn.microsoft.com, graph/api/resources/user); otherMails is not.
    if (
        contact.mobile_phone
        and not account.synced
        and not same_number(contact.mobile_phone, account.mobile_phone)
    ):
        before["mobilePhone"] = account.mobile_phone or None
        after["mobilePhone"] = contact.mobile_phone
        if account.mobile_phone:
            findings.append(Finding("phone_replaces"))
    return [Change(ChangeKind.CONTACT, before, after)] if after else []


def _method_changes(contact: Contact, held: Methods, replace: bool, findings: list[Finding]) -> list[Change]:
    changes: list[Change] = []
    if contact.alternate_email and not same_address(contact.alternate_email, held.email):
        if held.email:
            findings.append(Finding("email_method_differs", "replaced" if replace else "kept"))
        if replace or not held.email:
            before, after = {"emailAddress": held.email or None}, {"emailAddress": contact.alternate_email}
            changes.append(Change(ChangeKind.EMAIL_METHOD, before, after, held.email_id))
    if contact.mobile_phone and not same_number(contact.mobile_phone, held.mobile_phone):
        if held.mobile_phone:
            findings.append(Finding("phone_method_differs", "replaced" if replace else "kept"))
        if replace or not held.mobile_phone:
            number: dict[str, object] = {"phoneNumber": held.mobile_phone or None}
            if held.sms_sign_in:
                number["smsSignInState"] = held.sms_sign_in
            after = {"phoneNumber": contact.mobile_phone}
            changes.append(Change(ChangeKind.PHONE_METHOD, number, after, held.mobile_phone_id))
    return changes


def _texts(value: object) -> Sequence[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


# `x12` in a registered method; in the property, which is free text, also `ext. 12`, `;ext=12`, `#12`.
_EXTENSION = re.compile(r"(?<=[0-9)])\s*[,;]?\s*(?:ext|x|#).*", re.IGNORECASE | re.DOTALL)


def _digits(number: str) -> str:
    return "".join(character for character in _EXTENSION.sub("", number) if character.isdecimal())
