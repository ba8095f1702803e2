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


def sentence(finding: Finding) -> str:
    """One finding in two plain sentences: what is wrong (with its detail), and how to mend it."""
    code = BY_CODE[finding.code]
    told = f"{code.text.removesuffix('.')} ({finding.detail})." if finding.detail else code.text
    return f"{told} {code.mend}"


def message(findings: Iterable[Finding]) -> str:
    """All findings of a row as one text."""
    return " ".join(sentence(finding) for finding in findings)
