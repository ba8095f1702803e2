"""The account column, and what the tenant knows of the account."""

from __future__ import annotations

import re

from sspr.contacts.cleaning import MAX_CELL, is_placeholder, unwrapped
from sspr.contacts.email import mailbox, same_address
from sspr.model import Account, Contact, Finding

# learn.microsoft.com, entra/identity/authentication/concept-sspr-policy, UserPrincipalName policies
MAX_UPN, MAX_LOCAL, MAX_DOMAIN = 113, 64, 48
_LOCAL = re.compile(r"[A-Za-z0-9'._!#^~-]+")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
_INITIAL = ".onmicrosoft."


def read_account(text: str) -> tuple[str, tuple[Finding, ...]]:
    """`(user principal name as written, ())`, or `("", findings)`. Never raises."""
    name = unwrapped(text) if len(text) <= MAX_CELL else text.strip()
    if not name or (is_placeholder(name) and "@" not in name):
        return "", (Finding("upn_missing"),)
    fault = _fault(name)
    return ("", (Finding("upn_invalid", fault),)) if fault else (name, ())


def own_address(address: str, user_principal_name: str) -> tuple[Finding, ...]:
    """What is said of an alternate address that leads back to the account, or to its organization."""
    if not address or not user_principal_name:
        return ()
    found: list[Finding] = []
    if same_address(address, user_principal_name) or _is_twin(address, user_principal_name):
        found.append(Finding("email_same_account"))
    if domain_of(address) == domain_of(user_principal_name):
        found.append(Finding("email_tenant_domain"))
    return tuple(found)


def judge_account(contact: Contact, account: Account, domains: frozenset[str]) -> tuple[Finding, ...]:
    """What the account adds to the findings of the row; what the row's own judgement said is not said again.

    `domains`: the tenant's verified domains in lower case. What the account holds already is no concern of this.
    """
    found: list[Finding] = []
    if account.enabled is False:
        found.append(Finding("user_disabled"))
    if account.guest:
        found.append(Finding("user_is_guest"))
    if account.administrator is False:
        found.append(Finding("not_an_administrator"))
    if account.synced:
        found.append(Finding("synced_from_on_premises"))
    address = contact.alternate_email
    if address:
        own = {mailbox(own) for own in _addresses(account)}
        if mailbox(address) in own or _is_twin(address, account.user_principal_name):
            found.append(Finding("email_same_account"))
        if domain_of(address) in domains:
            found.append(Finding("email_tenant_domain"))
    said = {finding.code for finding in contact.findings}
    return tuple(finding for finding in found if finding.code not in said)


def domain_of(address: str) -> str:
    """What stands after the last @, in lower case."""
    return address.rpartition("@")[2].casefold()


def _addresses(account: Account) -> list[str]:
    proxies = [
        address
        for kind, colon, address in (proxy.partition(":") for proxy in account.proxy_addresses)
        if colon and kind.casefold() == "smtp"  # X500, SIP and the like are no mailboxes
    ]
    return [address for address in (account.user_principal_name, account.mail, *proxies) if address]


def _is_twin(one: str, other: str) -> bool:
    """Whether one is the other's name under the tenant's initial domain: every mailbox of jane@contoso.com can also be
    reached as jane@contoso.onmicrosoft.com (learn.microsoft.com, exchange/recipients-in-exchange-online).
    """
    (name, domain), (other_name, other_domain) = (mailbox(address).rsplit("@", 1) for address in (one, other))
    if name != other_name or (_INITIAL in domain) == (_INITIAL in other_domain):
        return False
    return domain.partition(".")[0] == other_domain.partition(".")[0]


def _fault(name: str) -> str:
    local, at, domain = name.rpartition("@")
    if not at:
        return "no @"
    if "@" in local:
        return "more than one @"
    if len(name) > MAX_UPN or len(local) > MAX_LOCAL or len(domain) > MAX_DOMAIN:
        return f"longer than {MAX_LOCAL} characters before or {MAX_DOMAIN} after the @"
    if "?" in name or "\ufffd" in name:
        return "a character was lost"
    if not _LOCAL.fullmatch(local) or local.endswith("."):
        return "a character that is not allowed before the @"
    labels = domain.split(".")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        return "no domain after the @"
    return ""
