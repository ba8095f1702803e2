"""Header cells as they are compared: what people and spreadsheets do to a header makes no other one of it."""

from __future__ import annotations

import re
import unicodedata

# No header is longer; a cell of data may be.
_LONGEST = 200
_SEPARATORS = re.compile(r"[\s_.]+")
_WITHIN = re.compile(r"[\s_.\-\u2010-\u2015]+")
_QUOTES = "“”„"
_BRACKET = re.compile(r"(?P<stem>.*\S)\s*\[(?P<content>[^\[\]]+)\]\s*\w*")
# Google writes remarks into its brackets, Entra the name of the property.
_REMARK = re.compile(r"(?:required|optional|upload only|read only|must be .*)")
_PASSWORD = re.compile(
    r"pass\s?word|passwort|kennwort|passphrase|passcode|\bpwd\b|\bpin\b|mot\sde\spasse|contrase|\bsenha\b|\bclave\b|"
    r"wachtwoord|has[lł]o|lösenord|adgangskode|salasana|heslo|jelszó|"
    r"parol|парол|şifre|パスワード|密码|비밀번호|كلمة المرور",
    re.IGNORECASE,
)
# "Password never expires", "Last password change time stamp": about a password, not one.
_ABOUT_PASSWORD = re.compile(
    r"never|expir|change|last|strong|polic|reset|must|force|next|status|\bage\b", re.IGNORECASE
)


def visible_header(cell: str) -> str:
    """A header cell without the byte order mark that a careless tool left in it, or read in a wrong code page."""
    return cell.lstrip("\ufeff").removeprefix("ï»¿")


def fold(header: str) -> str:
    """`Mobile_Phone ` → `mobile phone`: without regard to case, width, spaces, dots and underscores."""
    if not header.isascii():
        visible = visible_header(header)
        header = "".join(letter for letter in visible if unicodedata.category(letter) != "Cf")
        header = unicodedata.normalize("NFKC", header).strip(_QUOTES)
    return _SEPARATORS.sub(" ", header).strip().casefold()


def squeeze(folded: str) -> str:
    """`mobile phone`, `mobilephone` and `mobile-phone*` → `mobilephone`; accents are dropped as well."""
    if not folded.isascii():
        parts = unicodedata.normalize("NFKD", folded)
        folded = "".join(letter for letter in parts if unicodedata.category(letter) != "Mn")
    return _WITHIN.sub("", folded).rstrip("*:")


def forms(cell: str) -> tuple[str, ...]:
    """The folded texts under which a header cell is known: the whole of it, what stands in its bracket (as
    `[mobile]`), and what stands before a bracket that holds a mere remark.
    """
    if len(cell) > _LONGEST:
        return ()
    whole = fold(cell)
    bracket = _BRACKET.fullmatch(whole) if "[" in whole else None
    if not bracket:
        return (whole,) if whole else ()
    if _REMARK.fullmatch(bracket["content"]):
        return whole, bracket["stem"]
    return whole, f"[{bracket['content']}]"


def is_password(header: str) -> bool:
    """Whether a column holds passwords. In doubt it does."""
    folded = fold(header)
    return bool(_PASSWORD.search(folded)) and not _ABOUT_PASSWORD.search(folded)
