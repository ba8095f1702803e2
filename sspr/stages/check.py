"""The first stage: files → rows → contacts, every row judged by itself and against all others.

What comes out goes into the ledger, to be compared with the tenant; or, where nothing more is to come (`sspr check`),
straight into the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from sspr.contacts.account import domain_of, is_hearsay
from sspr.contacts.codes import Policy, Severity
from sspr.errors import Stopped
from sspr.input.blocks import Block, Dialect
from sspr.input.shape import Shape
from sspr.input.table import Table
from sspr.ledger import NewRow, RowState
from sspr.model import Finding, ResultRow, Source, Status, Target
from sspr.report.html import MOST_ROWS
from sspr.report.render import Part, Renderer
from sspr.stages.crew import Crew
from sspr.stages.judgement import Found, Judgement
from sspr.stages.judging import Judged, judge_block, unpack
from sspr.stages.messages import names_of, row_message

Findings = tuple[Finding, ...]
T = TypeVar("T")


_NO_MAIL = Finding("email_lookalike", "it takes no mail")


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides on a row beside the row itself: policy, target, and the mail domains found to take no mail."""

    policy: Policy
    target: Target
    no_mail: frozenset[str] = frozenset()

    def split(self, row: Judged, findings: Findings) -> tuple[Findings, Findings]:
        """The reasons why a row is rejected, and the warnings. `findings`: its own, and those of the other rows."""
        if self.no_mail and domain_of(row.alternate_email) in self.no_mail:
            others = (finding for finding in findings if finding.code != _NO_MAIL.code)
            findings = (*others, _NO_MAIL)
        said = [finding for finding in findings if is_hearsay(finding)]
        if not said:
            return self.policy.split(findings, self.target)
        reasons, warnings = self.policy.split((each for each in findings if each not in said), self.target)
        told = (each for each in said if self.policy.severity(each.code, self.target) is not Severity.IGNORE)
        return reasons, (*warnings, *told)


class Check:
    """The rows of some files, judged. `close` forgets them.

    They are never in memory all at once: large files are judged by several processes, a block at a time, and what is
    found lies in a private file until the last row has been compared with the first.
    """

    def __init__(
        self,
        tables: Sequence[Table],
        rules: Rules,
        folder: Path,
        size: int,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        """`folder`: where the private file may lie, closed to others; `size` of the input files in bytes; `cancelled`:
        whether the command is to end.
        """
        self._tables, self._rules, self._cancelled = tables, rules, cancelled
        self.sources = tuple(table.source for table in tables)
        self._judgement = Judgement([source.name for source in self.sources], folder)
        self._crew = Crew(size)

    def close(self) -> None:
        """Ends the processes and forgets the rows."""
        self._crew.close()
        self._judgement.close()

    def judge(
        self,
        default_country: str | None,
        progress: Callable[[int], None] = lambda _rows: None,
        look_up: Callable[[set[str]], frozenset[str]] | None = None,
    ) -> None:
        """Judges every row of every file. `look_up`: mail domains → those that take no mail, where that is asked for.

        `progress` is given the rows so far. Raises `Stopped` where the command is to end.
        """
        for batch in self._mapped(judge_block, self._blocks(default_country, look_up is not None)):
            self._judgement.add(batch)
            progress(self._judgement.rows)
        self._judgement.compare()
        if look_up is not None:
            self._rules = replace(self._rules, no_mail=look_up(self._judgement.domains))

    @property
    def rows_of(self) -> Sequence[int]:
        """How many rows each file has."""
        return self._judgement.rows_of

    def for_ledger(self) -> Iterator[NewRow]:
        """The rows as the ledger takes them in."""
        for source, row, found in self._judgement.every_row():
            # The tenant will be asked: what the file says of an account is of no use then.
            findings = (each for each in found if not is_hearsay(each))
            reasons, warnings = self._rules.split(row, tuple(findings))
            yield NewRow(
                source=source,
                line=row.line,
                cells=row.cells,
                upn=row.user_principal_name,
                email=row.alternate_email,
                phone=row.mobile_phone,
                state=RowState.REJECTED if reasons else RowState.READ,
                reasons=reasons,
                warnings=warnings,
            )

    def parts(self, renderer: Renderer) -> Iterator[Part]:
        """The rows as the report of `sspr check` shows them. Raises `Stopped` where the command is to end."""
        shown = 0

        def jobs() -> Iterator[tuple[Renderer, Rules, int, bytes, int, Found, bool]]:
            for stored, packed, found in self._judgement.stored():
                yield renderer, self._rules, stored.source, packed, stored.first, found, shown < MOST_ROWS

        for part in self._mapped(render_batch, jobs()):
            shown += len(part.excerpts.needing.rows)
            yield part

    def _blocks(
        self, default_country: str | None, with_domains: bool
    ) -> Iterator[tuple[int, Block, Dialect, Shape, str | None, bool]]:
        for number, table in enumerate(self._tables):
            for block in table.blocks():
                yield number, block, table.dialect, table.shape, default_country, with_domains

    def _mapped(self, function: Callable[..., T], jobs: Iterable[tuple[Any, ...]]) -> Iterator[T]:
        for result in self._crew.map(function, jobs):
            if self._cancelled():
                raise Stopped("Interrupted.")
            yield result


def render_batch(
    renderer: Renderer, rules: Rules, source: int, packed: bytes, first: int, found: Found, excerpts: bool
) -> Part:
    """The part of the report that a batch of rows is. `excerpts`: the page has room for more of its rows."""
    rows = _results(unpack(packed), rules, renderer.sources[source], source, first, found)
    return renderer.render(rows, excerpts=excerpts)


def _results(
    rows: Iterable[Judged], rules: Rules, told: Source, source: int, first: int, found: Found
) -> Iterator[ResultRow]:
    names = names_of(told)
    for seq, row in enumerate(rows, first):
        findings = (*row.findings, *found[seq]) if seq in found else row.findings
        reasons, warnings = rules.split(row, findings) if findings or rules.no_mail else ((), ())
        yield ResultRow(
            source,
            row.line,
            row.cells,
            row.user_principal_name,
            Status.REJECTED if reasons else Status.VALID,
            _codes(reasons) if reasons else (),
            row_message(row.line, names, reasons, warnings) if reasons or warnings else "",
            _codes(warnings) if warnings else (),
            row.alternate_email,
            row.mobile_phone,
        )


def _codes(findings: Findings) -> tuple[str, ...]:
    return tuple(dict.fromkeys([finding.code for finding in findings]))
