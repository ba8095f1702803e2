"""The account column, and what the tenant knows of the account."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sspr.contacts.cleaning import MAX_CELL, is_placeholder, unwrapped
from sspr.contacts.email import GMAIL, mailbox
from sspr.model import INITIAL_DOMAIN, Account, Contact, Finding, Target

# learn.microsoft.com, entra/identity/authentication/concept-sspr-policy, UserPrincipalName policies
MAX_UPN, MAX_LOCAL, MAX_DOMAIN = 113, 64, 48
_LOCAL = re.compile(r"[A-Za-z0-9'._!#^~-]+")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
# Most names are this plain: within these bounds, and with nothing to take off.
_PLAIN = re.compile(
    r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*@([A-Za-z0-9]+(?:-[A-Za-z0-9]+)*(?:\.[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*)+)"
)
FACTS = frozenset({"account_enabled", "account_blocked", "user_type", "directory_synced"})
_YES, _NO = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})
_SAYS_THE_FILE = "as the file says"


def read_account(text: str) -> tuple[str, tuple[Finding, ...]]:
    """`(user principal name as written, ())`, or `("", findings)`. Never raises."""
    plain = _PLAIN.fullmatch(text) if len(text) <= MAX_UPN else None
    if plain and len(plain[1]) <= MAX_DOMAIN and plain.start(1) <= MAX_LOCAL + 1:
        return text, ()
    return _read_unusual(text)


def _read_unusual(text: str) -> tuple[str, tuple[Finding, ...]]:
    name = unwrapped(text) if len(text) <= MAX_CELL else text.strip()
    if not name or (is_placeholder(name) and "@" not in name):
        return "", (Finding("upn_missing"),)
    fault = _fault(name)
    return ("", (Finding("upn_invalid", fault),)) if fault else (name, ())


def own_address(address: str, user_principal_name: str) -> tuple[Finding, ...]:
    """What is said of an alternate address that leads back to the account, or to its organization."""
    if not address or not user_principal_name:
        return ()
    domain, home = domain_of(address), domain_of(user_principal_name)
    if (
        domain != home
        and home not in GMAIL
        and not INITIAL_DOMAIN.search(domain)
        and not INITIAL_DOMAIN.search(home)
    ):
        return ()  # no disguise spans two domains but those
    found: list[Finding] = []
    if _is_same(mailbox(address), mailbox(user_principal_name)):
        found.append(Finding("email_same_account"))
    if domain == home:
        found.append(Finding("email_tenant_domain"))
    return tuple(found)


def hearsay(fields: Mapping[str, str]) -> tuple[Finding, ...]:
    """What the file itself says of the account, in the columns that exports of a directory have for it. The tenant
    knows better, so it is a warning before the tenant is asked, and no more.
    """
    found = []
    enabled, blocked = fields.get("account_enabled", ""), fields.get("account_blocked", "")
    if enabled.strip().casefold() in _NO or blocked.strip().casefold() in _YES:
        found.append(Finding("user_disabled", _SAYS_THE_FILE))
    if fields.get("user_type", "").strip().casefold() == "guest":
        found.append(Finding("user_is_guest", _SAYS_THE_FILE))
    if fields.get("directory_synced", "").strip().casefold() in _YES:
        found.append(Finding("synced_from_on_premises", _SAYS_THE_FILE))
    return tuple(found)


def is_hearsay(finding: Finding) -> bool:
    """Whether only the file says so."""
    return finding.detail == _SAYS_THE_FILE


# What is done where the account is mastered on premises, by where the run writes.
_ON_PREMISES = {
    Target.BOTH: "its methods are written, its property mobilePhone is left as it is",
    Target.METHODS: "only its methods are written",
    Target.CONTACT: "",
}


def judge_account(
    contact: Contact, account: Account, domains: frozenset[str], target: Target = Target.CONTACT
) -> tuple[Finding, ...]:
    """What the account adds to the findings of the row; what the row's own judgement said is not said again.

    `domains`: the tenant's verified domains in lower case; `target`: where the run writes. What the account holds
    already is no concern of this.
    """
    found: list[Finding] = []
    if account.enabled is False:
        found.append(Finding("user_disabled"))
    if account.guest:
        found.append(Finding("user_is_guest"))
    if account.administrator is False:
        found.append(Finding("not_an_administrator"))
    if account.synced:
        found.append(Finding("synced_from_on_premises", _ON_PREMISES[target]))
    address = contact.alternate_email
    if address:
        if any(_is_same(mailbox(address), mailbox(own)) for own in _addresses(account)):
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


def _is_same(one: str, other: str) -> bool:
    """Whether two mailboxes are one, or one is the other's name under the tenant's initial domain: every mailbox of
    jane@contoso.com can also be reached as jane@contoso.onmicrosoft.com (learn.microsoft.com,
    exchange/recipients-in-exchange-online).
    """
    if one == other:
        return True
    (name, _, domain), (other_name, _, other_domain) = one.rpartition("@"), other.rpartition("@")
    if name != other_name or not (INITIAL_DOMAIN.search(domain) or INITIAL_DOMAIN.search(other_domain)):
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
