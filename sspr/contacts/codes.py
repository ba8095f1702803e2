"""What a reason code does to its row, and how it is told to a person. The codes themselves stand in `table`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from sspr.contacts.table import CODES, Code, Loss, Severity
from sspr.errors import CannotStart
from sspr.model import Finding, Target

__all__ = ["BY_CODE", "CODES", "Code", "Loss", "Policy", "Severity", "message", "sentence"]

BY_CODE: Mapping[str, Code] = MappingProxyType({code.code: code for code in CODES})
_NO_NAMES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Policy:
    """The severities in force: the defaults of the table, and the `[policy]` table of the configuration.

    Whatever the severity, a value that was refused is never written: `phone_missing = "warn"` lets a
    row go on with its email alone. Codes after which nothing at all could be written cannot be
    softened. Raises `CannotStart` naming the key that is unknown, or that cannot be what it was set to.
    """

    overrides: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for code, wanted in self.overrides.items():
            known = BY_CODE.get(code)
            if known is None:
                raise CannotStart(
                    f"[policy] names {code!r}, which is no reason code. They are listed in docs/reason-codes.md."
                )
            if wanted not in frozenset(Severity):
                raise CannotStart(f"[policy] {code} must be error, warn or ignore, not {wanted!r}.")
            if known.loss is Loss.ROW and wanted != Severity.ERROR:
                raise CannotStart(
                    f'[policy] {code} can only be "error": where it is said, nothing of the row could be written.'
                )

    def severity(self, code: str, target: Target) -> Severity:
        """What `code` does to a row in a run that writes `target`."""
        if code in self.overrides:
            return Severity(self.overrides[code])
        # What is mastered on premises is left out and the methods are written, so the row has a use.
        if code == "synced_from_on_premises" and target.methods:
            return Severity.WARN
        return BY_CODE[code].severity

    def split(
        self, findings: Iterable[Finding], target: Target
    ) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
        """`(errors, warnings)` of a row, in the order given; what is ignored is in neither.

        Softened findings that together leave neither an email nor a phone to write are errors after all.
        """
        findings = tuple(findings)
        severities = [self.severity(finding.code, target) for finding in findings]
        losses = {BY_CODE[finding.code].loss for finding in findings}
        if losses >= {Loss.EMAIL, Loss.PHONE} and Severity.ERROR not in severities:
            severities = [
                Severity.ERROR if BY_CODE[finding.code].loss is not Loss.NOTHING else severity
                for finding, severity in zip(findings, severities, strict=True)
            ]
        graded = list(zip(findings, severities, strict=True))
        return (
            tuple(finding for finding, severity in graded if severity is Severity.ERROR),
            tuple(finding for finding, severity in graded if severity is Severity.WARN),
        )


def sentence(finding: Finding, *, line: int | None = None, names: Mapping[str, str] = _NO_NAMES) -> str:
    """One finding in plain sentences: where it is, what is wrong (with its detail), why it matters, how to mend it.

    `line`: of the row in its file. `names`: canonical column → the header as it stands there; a column that is not in
    it goes by its canonical name. What is not known of the place is not said.
    """
    return _told(finding, _place(line, _column(finding, line, names)))


def message(
    findings: Iterable[Finding], *, line: int | None = None, names: Mapping[str, str] = _NO_NAMES
) -> str:
    """All findings of a row as one text, as `sentence` tells them. The line is named once, and a column where it is
    another than before.
    """
    told: list[str] = []
    before = None
    for finding in findings:
        column = _column(finding, line, names)
        place = _place(None if told else line, column if column != before else "")
        told.append(_told(finding, place))
        before = column
    return " ".join(told)


def _told(finding: Finding, place: str) -> str:
    code = BY_CODE[finding.code]
    wrong = f"{code.text.removesuffix('.')} ({finding.detail})." if finding.detail else code.text
    return f"{place}{wrong} {code.why} {code.mend}"


def _column(finding: Finding, line: int | None, names: Mapping[str, str]) -> str:
    """The column as the person knows it; empty where the code has none, or nothing is known of the file."""
    column = BY_CODE[finding.code].column
    return names.get(column, column) if names or line is not None else ""


def _place(line: int | None, column: str) -> str:
    """`Line 14, column "Mobile Phone": `, as much of it as is known."""
    parts = [f"line {line}"] if line is not None else []
    if column:
        parts.append(f'column "{column}"')
    place = ", ".join(parts)
    return f"{place[0].upper()}{place[1:]}: " if place else ""
