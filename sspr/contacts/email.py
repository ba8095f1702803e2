"""Email texts → addresses that Microsoft Graph takes, or the reasons why not. The kept `email-validator` is the judge
of syntax and of internationalised domains; no network is asked.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from unicodedata import normalize
from urllib.parse import unquote

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from sspr.contacts.cleaning import MAX_CELL, is_placeholder, unwrapped
from sspr.contacts.lookalike import OTHER_LETTERS, doubt_of
from sspr.model import Finding

MAX_LENGTH = 250  # learn.microsoft.com, graph/api/resources/user, otherMails
MAX_LOCAL = 64  # RFC 5321, section 4.5.3.1.1

Said = tuple[str, tuple[Finding, ...]]

# Most addresses are this plain: nothing to take off, nothing to doubt before the @.
_PLAIN_LOCAL = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9_+'-]*(?:\.[A-Za-z0-9_+'-]+)*")
_ATOMS = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)  # RFC 5322, 3.2.3
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"  # RFC 1123, section 2.1; RFC 1035, section 2.3.4
_HOST = re.compile(rf"(?:{_LABEL}\.)+[A-Za-z0-9](?:[A-Za-z0-9-]{{0,61}})?[A-Za-z]")
_SPECIAL_USE = tuple(f".{name}" for name in SPECIAL_USE_DOMAIN_NAMES)

# smtp: marks the addresses of Exchange, which its exports join with +.
_PREFIX = re.compile(r"(?:(mailto)|smtp|e-?mail)\s*:\s*(?://)?", re.IGNORECASE)
_NAMED = re.compile(r"[^<>@]*<\s*([^<>]+?)\s*>")
# Outlook's text form of a link, jane@example.org<mailto:jane@example.org>: one address, said twice.
_TWICE = re.compile(
    r"""["']?([^\s<>"'@]+@[^\s<>"'@]+)["']?\s*<\s*(?:mailto:)?\1\s*>[\s;,.]*""", re.IGNORECASE | re.ASCII
)
_BETWEEN = re.compile(r"[;,|/&?<\s；，、]+|\+(?=smtp:)", re.IGNORECASE)
# What Export-Csv of PowerShell writes for a property that holds several values.
_TYPE_NAME = re.compile(r"(?:System|Microsoft|Deserialized)(?:\.\w+)+(?:`\d+)?(?:\[.*\])?")
_ERROR_VALUE = re.compile(r"0+|[-_.*x]+|#(?:N/A|REF!|VALUE!|NAME\?|NULL!|NUM!|DIV/0!)", re.IGNORECASE)
# What a person sees is not what stands there (Unicode Technical Report 36, section 2.5).
_OVERRIDES = frozenset("\u202d\u202e")
_JOINERS = re.compile(r"(?<=[^\x00-\x7f])[\u200c\u200d](?=[^\x00-\x7f])")

_NO_MAIL = frozenset({
    "none", "noemail", "no-email", "no_email", "no.email", "nomail", "no-mail", "no_mail", "no.mail", "noreply",
    "no-reply", "no_reply", "donotreply", "do-not-reply", "placeholder", "dummy",
})  # fmt: skip
_NOBODY = _NO_MAIL | {"nobody", "noone", "no-one", "null", "unknown", "keine", "tbd"}
# Only where the domain is as empty as the name: test@test.com, asdf@asdf.de.
_TWINS = frozenset({
    "test", "email", "mail", "abc", "asdf", "qwerty", "example", "user", "foo", "na", "n/a", "nil", "123", "1234",
    "12345", "sample", "fake", "name", "noname",
})  # fmt: skip
_EMPTY_WORDS = _NOBODY | {
    "test", "email", "e-mail", "mail", "no email", "no e-mail", "no mail", "none given", "not given", "not known",
    "todo", "private", "same", "same as above",
}  # fmt: skip
GMAIL = frozenset({"gmail.com", "googlemail.com"})


class _Host(NamedTuple):
    """A domain that mail could reach. `name`: in lower-case ASCII; `twin`: the local part that would make the address
    a placeholder; `no_mail`: the domain says itself that it takes none.
    """

    name: str
    twin: str
    no_mail: bool
    findings: tuple[Finding, ...]


def read_email(text: str) -> Said:
    """`(address, findings)`: the address with its domain in lower-case ASCII, or "" and why not. Never raises."""
    local, _, domain = text.partition("@")
    if len(local) <= MAX_LOCAL and _PLAIN_LOCAL.fullmatch(local):
        host = _plain_host(domain)
        if host is not None:
            return _judged(local, host)
    return _read_unusual(text)


def mailbox(address: str) -> str:
    """An address without its disguise, to compare by: letter case, a `+tag`, Gmail's dots and other domain."""
    local, _, domain = address.strip().casefold().rpartition("@")
    local = local.partition("+")[0] or local
    if domain in GMAIL:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


def _refused(code: str, detail: str = "") -> Said:
    return "", (Finding(code, detail),)


def _judged(local: str, host: _Host) -> Said:
    """An address whose two sides are well formed."""
    name = local.lower()
    if name in _NOBODY or name == host.twin or host.no_mail:
        return _refused("email_placeholder")
    if len(local) + 1 + len(host.name) > MAX_LENGTH:
        return _refused("email_invalid", f"more than {MAX_LENGTH} characters")
    return f"{local}@{host.name}", host.findings


def _read_unusual(text: str) -> Said:
    if len(text) > MAX_CELL:
        text = text.strip()
        return (
            _refused("email_invalid", f"more than {MAX_LENGTH} characters")
            if text
            else _refused("email_missing")
        )
    if _is_mojibake(text.rpartition("@")[2]):
        return _refused("email_invalid", "letters after the @ were damaged by an export")
    if not _OVERRIDES.isdisjoint(text):
        return _refused("email_invalid", "invisible characters that turn the text round")
    text = _unwrapped(text)
    twice = _TWICE.fullmatch(text)
    text = twice[1] if twice else text
    refused = _no_address(text)
    if refused is not None:
        return refused
    text = _bare(text)
    local, _, domain = text.rpartition("@")
    if _is_dummy(local, domain):
        return _refused("email_placeholder")
    fault = _fault(text)
    if fault is not None:
        return _refused("email_invalid", fault)
    host = _plain_host(domain) or _host(domain)
    if host is None:
        return _refused("email_invalid", "no mail reaches such a domain")
    return _judged(local, host)


def _unwrapped(text: str) -> str:
    # A joiner between letters of another script belongs to the name; elsewhere it is an invisible leftover.
    return text.strip() if _JOINERS.search(text) else unwrapped(text)


def _no_address(text: str) -> Said | None:
    """What holds no address, or several; None where there may be one."""
    if not text.strip(";, {}"):
        return _refused("email_missing")
    if "@" not in text:
        words = text.strip("<>()[]{}-_* ;,.").casefold()
        if (
            _ERROR_VALUE.fullmatch(text)
            or is_placeholder(text)
            or is_placeholder(words)
            or words in _EMPTY_WORDS
        ):
            return _refused("email_placeholder")
        return _refused("email_invalid", _why_no_at(text))
    if text.startswith("="):  # RFC 5322 allows it in an address, and nobody has one
        return _refused("email_invalid", "a formula instead of its text")
    if sum("@" in part for part in _BETWEEN.split(text)) > 1:
        return _refused("email_multiple")
    return None


def _why_no_at(text: str) -> str:
    if _TYPE_NAME.fullmatch(text):
        return "the name of a list instead of what was in it: join the values before Export-Csv"
    if "\uff20" in text or "\ufe6b" in text:
        return "another character in place of the @"
    return "no @"


def _bare(text: str) -> str:
    """The address without what mail programs and exports put around it: quotes, angle brackets, a name, braces, a
    scheme, punctuation at the end.
    """
    before = ""
    while text != before:
        before = text
        text = _unwrapped(text).strip(";, \t\r\n").rstrip(".")
        scheme = _PREFIX.match(text)
        if scheme:
            text = text[scheme.end() :]
            if scheme[1]:  # RFC 6068: mailto:jane%2Breset@example.org?subject=...
                text = unquote(text.partition("?")[0])
        named = _NAMED.fullmatch(text)
        text = named[1] if named else text
        if text.startswith("{") and text.endswith("}"):
            text = text[1:-1]
    return text


def _fault(text: str) -> str | None:
    """The faults of a text with an @ that can be told better than "no domain"; None where there is none of them."""
    local, _, domain = text.rpartition("@")
    if "@" in local:
        return "more than one @"
    if "?" in text or "\ufffd" in text:
        return "a character was lost"
    if any(character.isspace() for character in text):
        return "a space inside"
    if not local.isascii():
        return "letters other than a to z before the @"
    if not local or not domain or (domain.isascii() and "." not in domain):
        return "the part before or after the @ is not complete"
    if len(local) > MAX_LOCAL:
        return f"more than {MAX_LOCAL} characters before the @"
    if not _ATOMS.fullmatch(local):
        return "the part before the @ breaks the rules"
    return None


@lru_cache(maxsize=16384)
def _plain_host(domain: str) -> _Host | None:
    """A host name in ASCII that the validator accepts; None says that it has to be asked."""
    if len(domain) > MAX_LENGTH or "--" in domain or not _HOST.fullmatch(domain):
        return None
    name = domain.lower()
    return None if f".{name}".endswith(_SPECIAL_USE) else _host_of(name)


@lru_cache(maxsize=4096)
def _host(domain: str) -> _Host | None:
    """The domain as the validator reads it; None where it is none that mail could reach."""
    if domain.isascii() and "--" not in domain:
        return None  # it is no plain host, and nothing else could save it
    try:
        name = validate_email(f"a@{domain}", check_deliverability=False, allow_smtputf8=False).ascii_domain
    except (EmailNotValidError, ValueError):
        return None
    if len(name.rpartition(".")[2]) < 2:  # no top-level domain has one letter
        return None
    # Full-width and the like: they looked like ASCII, and IDNA reads them as ASCII.
    return _host_of(name, folded=normalize("NFKC", domain) != normalize("NFC", domain))


def _host_of(name: str, *, folded: bool = False) -> _Host:
    labels = name.split(".")
    first = labels[0]
    doubt = OTHER_LETTERS if folded else doubt_of(name)
    findings = (Finding("email_lookalike", doubt),) if doubt else ()
    return _Host(name, first if _is_twin(first) else "", not _NO_MAIL.isdisjoint(labels), findings)


def _is_twin(name: str) -> bool:
    return name in _TWINS or len(set(name)) == 1


def _is_dummy(local: str, domain: str) -> bool:
    """Whether an address is a placeholder, complete or not: none@none, test@test, a@a.a."""
    name = local.casefold()
    return name in _NOBODY or (_is_twin(name) and domain.casefold().partition(".")[0] == name)


def _is_mojibake(domain: str) -> bool:
    """Whether a domain is UTF-8 that was read as a code page (`mÃ¼ller.de`). IDNA would make another name of some."""
    if domain.isascii():
        return False
    for code_page in ("cp1252", "latin-1"):
        try:
            domain.encode(code_page).decode("utf-8")
        except UnicodeError:
            continue
        return True
    return False
