"""Contact data as a terminal or a log may show it: `j•••@fabrikam.com`, `+1 •••• 0100`."""

from __future__ import annotations

import re

DOTS = "••••"
# Wide on purpose: what only resembles an address or a number is masked too.
_EMAIL = re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+")
_PHONE = re.compile(r"\+\d[\d\s().-]{5,}\d")
_LONG_NUMBER = re.compile(r"(?<![\w-])\d{7,}(?![\w-])")


def mask_email(address: str) -> str:
    """`jane@fabrikam.com` → `j•••@fabrikam.com`; what holds no `@` is masked whole."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}" if at and local else "•••"


def mask_phone(number: str) -> str:
    """`+1 2065550100` → `+1 •••• 0100`; too short a number is masked whole."""
    digits = re.sub(r"\D", "", number)
    if len(digits) < 8:
        return DOTS
    head = number.split(" ", 1)[0] if number.startswith("+") and " " in number else ""
    return f"{head} {DOTS} {digits[-4:]}".strip()


def mask_text(text: str) -> str:
    """A foreign text (an error body of Graph quotes the account) with what looks like contact data masked."""
    text = _EMAIL.sub(lambda match: mask_email(match.group()), text)
    text = _PHONE.sub(lambda match: mask_phone(match.group()), text)
    return _LONG_NUMBER.sub(DOTS, text)
