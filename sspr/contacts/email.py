"""Email texts → addresses that Microsoft Graph takes, or the reasons why not. The kept `email-validator` is the judge
of syntax and of internationalised domains; no network is asked.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from sspr.contacts.cleaning import MAX_CELL, is_placeholder, unwrapped
from sspr.model import Finding

MAX_LENGTH = 250  # learn.microsoft.com, graph/api/resources/user, otherMails
MAX_LOCAL = 64  # RFC 5321, section 4.5.3.1.1
# What the validator accepts for certain; it is asked about everything else. Most addresses are this plain.
_PLAIN_LOCAL = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")
# smtp: marks the addresses of Exchange, which its exports join with +.
_PREFIX = re.compile(r"(?:mailto|smtp|e-?mail)\s*:\s*", re.IGNORECASE)
_NAMED = re.compile(r"""[^<>@]*<\s*([^<>]+?)\s*>""")
_BETWEEN = re.compile(r"[;,|/\s]+|\+(?=smtp:)", re.IGNORECASE)
_DUMMY_LOCALS = frozenset({
    "none", "noemail", "no-email", "no.email", "nomail", "no-mail", "nobody", "null", "unknown", "noreply", "no-reply",
    "donotreply", "do-not-reply", "placeholder", "dummy", "keine", "tbd",
})  # fmt: skip
# Only where the domain is as empty as the name: test@test.com, x@x.org, asdf@asdf.de.
_DUMMY_TWINS = frozenset(
    {"test", "email", "mail", "abc", "asdf", "a", "x", "xx", "example", "user", "foo", "na"}
)
_GMAIL = frozenset({"gmail.com", "googlemail.com"})
_ALPHABETS = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "GEORGIAN"})
# Letters of other alphabets that pass for Latin ones (Unicode Technical Standard 39, confusables).
_LATIN_TWINS = frozenset("аеорсухіјѕһԁԛԝӏѵүкԍвмнтгԜαονρυικτεχωγ")


def read_email(text: str) -> tuple[str, tuple[Finding, ...]]:
    """`(address, findings)`: the address with its domain in lower-case ASCII, or "" and why not. Never raises."""
    text = unwrapped(text) if len(text) <= MAX_CELL else text.strip()
    if not text:
        return _refused("email_missing")
    if len(text) > MAX_CELL:
        return _refused("email_invalid", f"more than {MAX_LENGTH} characters")
    text = _PREFIX.sub("", text, count=1) if _PREFIX.match(text) else text
    if is_placeholder(text):
        return _refused("email_placeholder")
    if sum("@" in part for part in _BETWEEN.split(text)) > 1:
        return _refused("email_multiple")
    named = _NAMED.fullmatch(text)
    text = unwrapped(named[1] if named else text).rstrip(".;, ")
    fault = _fault(text)
    if fault is not None:
        return _refused("email_invalid", fault)
    local, _, domain = text.rpartition("@")
    ascii_domain = _domain(domain)
    fault = _broken_rule(local, ascii_domain)
    if fault is not None:
        return _refused("email_invalid", fault)
    if _is_dummy(local, ascii_domain):
        return _refused("email_placeholder")
    return f"{local}@{ascii_domain}", (Finding("email_lookalike"),) if is_lookalike(ascii_domain) else ()


def same_address(one: str, other: str) -> bool:
    """Whether two addresses are the same mailbox, in disguise or not: letter case, a `+tag`, Gmail's dots."""
    return bool(one) and mailbox(one) == mailbox(other)


def mailbox(address: str) -> str:
    """An address without its disguise, to compare by."""
    local, _, domain = address.strip().casefold().rpartition("@")
    local = local.partition("+")[0] or local
    if domain in _GMAIL:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


@lru_cache(maxsize=16384)
def is_lookalike(domain: str) -> bool:
    """Whether a label of the domain mixes alphabets, or imitates Latin letters by others."""
    if "xn--" not in domain and domain.isascii():
        return False
    return any(_imitates(_unicode(label)) for label in domain.split("."))


def _refused(code: str, detail: str = "") -> tuple[str, tuple[Finding, ...]]:
    return "", (Finding(code, detail),)


def _fault(text: str) -> str | None:
    """The faults that can be told better than "invalid"; None where there is none of them."""
    local, at, domain = text.rpartition("@")
    if not at:
        return "no @"
    if "@" in local:
        return "more than one @"
    if "?" in text or "\ufffd" in text:
        return "a character was lost"
    if any(character.isspace() for character in text):
        return "a space inside"
    if not local.isascii():
        return "letters other than a to z before the @"
    if not local or "." not in domain:
        return "the part before or after the @ is not complete"
    return None


def _broken_rule(local: str, ascii_domain: str) -> str | None:
    if not ascii_domain:
        return "no mail reaches such a domain"
    if not _is_local(local):
        return "the part before the @ breaks the rules"
    if len(local) + 1 + len(ascii_domain) > MAX_LENGTH:
        return f"more than {MAX_LENGTH} characters"
    return None


@lru_cache(maxsize=16384)
def _domain(domain: str) -> str:
    """The domain as the validator writes it in ASCII; empty where it is none that mail could reach."""
    try:
        known = validate_email(f"a@{domain}", check_deliverability=False, allow_smtputf8=False).ascii_domain
    except (EmailNotValidError, ValueError):
        return ""
    return known if len(known.rpartition(".")[2]) > 1 else ""  # no top-level domain has one letter


def _is_local(local: str) -> bool:
    if len(local) <= MAX_LOCAL and _PLAIN_LOCAL.fullmatch(local):
        return True
    try:
        validate_email(f"{local}@example.org", check_deliverability=False, allow_smtputf8=False, strict=True)
    except (EmailNotValidError, ValueError):
        return False
    return True


def _is_dummy(local: str, domain: str) -> bool:
    name = local.casefold()
    return name in _DUMMY_LOCALS or (name in _DUMMY_TWINS and domain.partition(".")[0] == name)


def _unicode(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label


def _imitates(label: str) -> bool:
    letters = [character for character in label if character.isalpha()]
    alphabets = {unicodedata.name(letter, "?").split(" ", 1)[0] for letter in letters} & _ALPHABETS
    if len(alphabets) > 1:
        return True
    return bool(letters) and not label.isascii() and all(letter in _LATIN_TWINS for letter in letters)
