"""Cells of our own CSV files: none runs as a formula when a spreadsheet opens it, and each reads back as it was.

A guarded cell begins with an apostrophe. It is unambiguous: a cell that begins with apostrophes of its own,
followed by what needs a guard, gets one more (owasp.org, CSV Injection).
"""

from __future__ import annotations

# A spreadsheet takes what begins with these as a formula; the full-width forms where it is set to East Asian input.
_STARTERS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_GUARD = "'"


def guard_cell(text: str) -> str:
    """The cell as it is written."""
    return _GUARD + text if _is_dangerous(text) else text


def unguard_cell(text: str) -> str:
    """The value of a cell that `guard_cell` wrote; a cell that a person mended without the guard is its own value."""
    return text[1:] if text.startswith(_GUARD) and _is_dangerous(text) else text


def _is_dangerous(text: str) -> bool:
    # Outer spaces are dropped by some spreadsheets before they look.
    return text.lstrip(_GUARD).lstrip(" ").startswith(_STARTERS)
