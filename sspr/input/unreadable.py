"""Files whose header is no header, and which a person will not find out alone: each shape has a name and a way out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from sspr.input.folding import fold, squeeze

_DELIMITERS = ",;\t|"
# The first property of the objects that Format-Table hands on.
_FORMATTED = "classid2e4f51ef21dd47e99d3c952918aff9cd"
_SPLIT_PHONE = frozenset({"countrycode", "areacode", "phonenumber"})
# Microsoft's template for adding users in the admin centre: without and with the alternate address.
_TEMPLATE_WIDTHS = (15, 16)


def explained(records: Sequence[Sequence[str]], known: frozenset[str], name: str) -> str | None:
    """The sentence that names what a file is whose header shows nothing that is known; None: not known either.

    `records`: the first ones of the file, in the likeliest dialect. `known`: headers, squeezed.
    """
    squeezed = [{squeeze(fold(cell[:200])) for cell in cells} for cells in records]
    if any(_FORMATTED in each for each in squeezed):
        return (
            f"{name} holds the screen layout of Format-Table, not the accounts. Export again with Select-Object in "
            f"place of Format-Table: … | Select-Object UserPrincipalName, … | Export-Csv."
        )
    if any(each >= _SPLIT_PHONE for each in squeezed):
        return (
            f"{name} has the phone number split over several columns (country code, area code, number). Add one column "
            f"mobile_phone that joins them, such as +49 151 23456789, beside user_principal_name and alternate_email."
        )
    if any(_is_one_cell(cells, known) for cells in takewhile(_has_one, records)):
        return (
            f"{name} has each whole line in one quoted cell, as when a CSV is pasted into a spreadsheet and saved. "
            f'Split it there ("Text to Columns" in Excel), or take the file as it first came.'
        )
    for cells in records:
        if (
            len(cells) in _TEMPLATE_WIDTHS
            and all(map(str.strip, cells))
            and not any("@" in cell for cell in cells)
        ):
            return (
                f"{name}: of its {len(cells)} column names none is known. If this is Microsoft's template for adding "
                f"several users in another language, replace its header with the line that "
                f"sspr template m365-add-users prints; else say which column is which with --map."
            )
    return None


def _has_one(cells: Sequence[str]) -> bool:
    return len([cell for cell in cells if cell.strip()]) == 1


def _is_one_cell(cells: Sequence[str], known: frozenset[str]) -> bool:
    text = max(cells, key=len)
    return any(
        len({squeeze(fold(part.strip(' "')[:200])) for part in text.split(delimiter)[:100]} & known) > 1
        for delimiter in _DELIMITERS
    )
