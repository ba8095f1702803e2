"""What is said of a row: the code for an answer of Graph; the message in `results.csv` and on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sspr.contacts.codes import message
from sspr.model import Fault, Finding, Source


def names_of(source: Source) -> dict[str, str]:
    """Canonical column → the header as it stands in the person's file."""
    return {column: source.header[index].strip() for column, index in source.columns.items()}


def row_message(
    line: int, names: Mapping[str, str], reasons: Iterable[Finding], warnings: Iterable[Finding]
) -> str:
    """The sentences of a row: why it was rejected or failed, then what it was warned of."""
    why = message(reasons, line=line, names=names)
    warned = message(warnings, line=None if why else line, names=names)
    return f"{why} Warning: {warned}" if why and warned else why or warned


def fault_reason(fault: Fault) -> Finding:
    """The code for an answer of Graph that refused."""
    if "on-premises mastered" in fault.message.casefold():
        return Finding("synced_from_on_premises")
    return Finding("permission_denied" if fault.status == 403 else "tenant_rejected")
