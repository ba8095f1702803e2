"""The job: the stages in their order, over a ledger and a tenant. Every host runs it alike.

    check ─▶ look at the flag ─▶ compare ─▶ (approve) ─▶ (turn the flag on) ─▶ apply ─▶ settle
          ─▶ look at the flag ─▶ report

Where nobody is asked, comparing is part of applying (`sspr.stages.pipeline`). A host takes the steps of `planning()`,
asks for approval where that is wanted, takes the steps of `applying()`, and calls `close()`. Each step asks the ledger
what is left, so a step may be repeated and a run taken up by another process at any point.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sspr.contacts.codes import Policy
from sspr.errors import Busy, CannotStart, SsprError, Stopped
from sspr.ledger import Ledger, RowState, RunLedger, RunRecord
from sspr.model import Target, Traffic
from sspr.settings import Settings, home
from sspr.stages import check, intake
from sspr.stages.approval import refusal
from sspr.stages.context import Chunk, Context, Options
from sspr.stages.opening import JobRequest, open_run
from sspr.stages.planned import survey
from sspr.stages.sitting import Sitting, find, require_values, who
from sspr.stages.steps import Stage, Step, chunks_of
from sspr.tenancy import Tenancy

if TYPE_CHECKING:
    from sspr.report.content import Report

__all__ = ["Host", "Job", "JobRequest"]

WRITING_COMMANDS = frozenset({"run", "apply", "undo"})


@dataclass(frozen=True, slots=True)
class Host:
    """What the surroundings lend to a job: the clock, the pause, where progress and waits are shown. `wait`: called
    with what another run has in its hands, and returns after a pause; None: the job ends instead of waiting.
    """

    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    progress: Callable[[str, int, int], None] = lambda _stage, _done, _total: None
    on_wait: Callable[[float, str], None] = lambda _seconds, _why: None
    tell: Callable[[str], None] = lambda _sentence: None
    cancelled: threading.Event = field(default_factory=threading.Event)
    wait: Callable[[str], None] | None = None


class Job:
    """One run in the hands of this process."""

    def __init__(self, ledger: Ledger, settings: Settings, run: RunLedger, host: Host) -> None:
        self._ledger = ledger
        self._settings = settings
        self._host = host
        self._policy = Policy(settings.policy)
        self._tenancy = Tenancy(settings, ledger)
        self._context: Context | None = None
        self._checked: check.Check | None = None
        self.run = run
        self.record: RunRecord = run.record()
        require_values(self.record)
        self.approver = who()
        self._sitting = Sitting(run, host.clock)
        self.told: Sequence[str] = ()  # what a person should know of the opening, in sentences
        self._moves_to: Path | None = None
        self._lost = ""  # why this process no longer holds the run
        self.options = Options(**self.record.options)

    # -- opening ----------------------------------------------------------------------------------

    @classmethod
    def begin(cls, ledger: Ledger, settings: Settings, request: JobRequest, host: Host) -> Job:
        """Opens a run for the request, or takes up the one that did not come to its end when the same was asked for
        (`sspr.stages.opening`): its id and its output folder exist from here on.

        Raises `CannotStart` for input that cannot be read and for settings that cannot work, before anything is made.
        """
        Policy(settings.policy)
        tenant = settings.tenants.get(request.tenant)
        options = replace(
            request.options,
            default_country=request.options.default_country or (tenant.default_country if tenant else None),
        )
        intake.require_country(options.default_country)
        target = tenant.target_for(request.target) if tenant else request.target or Target.BOTH
        if request.command != "check":
            Tenancy(settings, ledger).check(request.tenant)
        opened = open_run(ledger, replace(request, options=options), target, host.clock())
        job = cls(ledger, settings, opened.run, host)
        job.told, job._moves_to = opened.told, opened.moves_to
        return job

    @classmethod
    def load(cls, ledger: Ledger, settings: Settings, run_id: str, host: Host) -> Job:
        """The run of that id, or of that output folder. Raises `CannotStart` where there is none."""
        return cls(ledger, settings, find(ledger, run_id), host)

    @property
    def id(self) -> str:
        """The run id."""
        return self.run.run_id

    @property
    def folder(self) -> Path:
        """The run's output folder."""
        return Path(self.record.out)

    @property
    def touched(self) -> bool:
        """Whether the tenant was read or written for any row yet."""
        return any(state not in {RowState.READ, RowState.REJECTED} for state in self.run.counts())

    @property
    def writes(self) -> bool:
        """Whether the command may write to the tenant."""
        return self.record.command in WRITING_COMMANDS

    @property
    def turns_flag(self) -> str:
        """`on` or `off` where the flag was seen otherwise and is to be turned so; else empty."""
        wanted = self.options.feature
        turn = "on" if wanted else "off"
        return "" if wanted is None or self.record.feature_after in (None, wanted) else turn

    @property
    def would_write(self) -> bool:
        """Whether, as planned so far, anything is left to be written to the tenant."""
        return self.writes and (bool(self.turns_flag) or self._left(RowState.PLANNED))

    def adopt(self, command: str, *, approved: bool) -> None:
        """Makes this run one of `command`: `apply` carries out what `plan` left (of an undo, it is one again);
        `approved`: that very plan.
        """
        command = "undo" if command == "apply" and self.options.undoes else command
        digest, approver = (survey(self.run).digest, self.approver) if approved else ("", "")
        columns = {"command": command, "ended": False, "exit_code": None, "stopped_because": ""}
        self.note(columns, approved=approved, digest=digest, approver=approver, question="")

    def note(self, columns: Mapping[str, Any], **options: Any) -> None:
        """Notes options that become known on the run's way (who approved which plan), and columns of the run."""
        self.options = replace(self.options, **options)
        self.run.update(**columns, options=asdict(self.options))
        self.record = self.run.record()
        if self._context is not None:
            self._context.options = self.options

    def bind_flow(self, flow_run_id: str) -> None:
        """Notes that this Prefect flow run works on the run: its retry takes it up again."""
        self._ledger.bind_flow(flow_run_id, self.id)

    def undoing(self, tenant: str | None, out: Path | None) -> JobRequest:
        """What to ask for so that what this run changed is put back. `tenant`: the one that a person named, if any.
        Raises `CannotStart` where nothing is to be put back, or it cannot be.
        """
        from sspr.stages.undo import options_for

        options = options_for(self.run, tenant)
        return JobRequest("undo", (), self.record.tenant, self.record.target, options, out)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keeps other processes off the run while the block works on it, from where it stands by now.

        Raises `Busy` where another works on it and the host does not wait.
        """
        with self._ledger.leased(self.id, wait=self._host.wait, on_lost=self._lose):
            if self._moves_to:
                self.run.update(out=str(self._moves_to.absolute()))
            self.record = self.run.record()
            self.options = Options(**self.record.options)
            for sentence in self.told:
                self._host.tell(sentence)
            yield

    def _lose(self, why: str) -> None:
        self._lost = why
        self._host.cancelled.set()

    # -- the steps --------------------------------------------------------------------------------

    def planning(self, *, whole: bool = True) -> Iterator[Step]:
        """Everything that only reads: the rows judged, the flag and the accounts looked at.

        Not `whole`: the accounts are looked at while others are written; nobody asks to see the plan first.
        """
        if not self.record.judged:
            yield Step(Stage.CHECK)
        if self.record.command == "check":
            return
        if self._left(RowState.READ) or self.options.feature is not None:
            yield Step(Stage.FLAG)
        if self._left(RowState.READ) and (whole or not self.writes):
            yield from (Step(Stage.COMPARE, chunk) for chunk in self.chunks())

    def applying(self) -> Iterator[Step]:
        """Everything that writes, and the reads that confirm it."""
        if not self.writes:
            return
        # First, so that a permission that is missing stops the run before a row is written.
        turn = Stage.ENABLE if self.options.feature else Stage.DISABLE
        yield Step(Stage.FLAG if self.options.feature is None else turn)
        if self._left(RowState.WRITING):  # taken up again: first see what became of the writes that were sent
            yield from (Step(Stage.VERIFY, chunk) for chunk in self.chunks())
        if self._left(RowState.READ, RowState.PLANNED, RowState.WRITING):
            yield from (Step(Stage.APPLY, chunk) for chunk in self.chunks())
            yield Step(Stage.SETTLE)
        yield Step(Stage.FLAG)

    def carry_out(
        self, take: Callable[[Step], None] | None = None, approve: Callable[[], bool | None] | None = None
    ) -> None:
        """All steps in their order. `take`: how a host takes one (by default `self.take`, here and now).

        `approve` is asked once, where something is to be written: what it saw is what is written. None: nobody need
        be asked. Raises `Refused` where it says no (`Stopped` where some rows are written already); the plan is kept.
        """
        take = take or self.take
        for step in self.planning(whole=approve is not None):
            take(step)
        if approve is not None and self.would_write:
            answer = approve()
            if answer is False:
                if not (begun := self._left(RowState.WRITING, RowState.UPDATED)):
                    self.adopt("plan", approved=False)
                raise refusal(self.id, begun=begun)
            if answer:
                self.adopt(self.record.command, approved=True)
        for step in self.applying():
            take(step)

    def take(self, step: Step) -> None:
        """Carries out one step. Raises `SsprError`; what was done until then is in the ledger."""
        if self._host.cancelled.is_set():
            raise Stopped("Interrupted.")
        self._sitting.begin(self.record.command)
        if step.stage is Stage.CHECK:
            self._check()
        elif step.stage is Stage.FLAG:
            self._look_at_flag()
        elif step.stage in {Stage.ENABLE, Stage.DISABLE}:
            self._turn_flag(step.stage is Stage.ENABLE)
        elif step.stage is Stage.SETTLE:
            from sspr.stages.verify import settle

            settle(self.context, self.chunks())
        elif step.chunk is not None:
            self._take_chunk(step.stage, step.chunk)

    def chunks(self) -> Sequence[Chunk]:
        """The rows of the run in consecutive chunks."""
        return chunks_of(self.run.last_seq())

    def counts(self) -> dict[RowState, int]:
        """How many rows stand where."""
        return self.run.counts()

    @property
    def context(self) -> Context:
        """The stages' surroundings; signs in to the tenant when first asked for."""
        if self._context is None:
            host, record = self._host, self.record
            # The simulated tenant makes up whom a run asks for; an undo asks for nobody new.
            rows = () if self.options.undoes else self.run.every_row()
            upns = (row.upn for row in rows if row.state is not RowState.REJECTED)
            tenant = self._tenancy.connect(
                record.tenant,
                self.options.batch_size,
                upns,
                host.clock,
                host.sleep,
                host.cancelled,
                host.on_wait,
            )
            self._context = Context(
                self.run, tenant, record.target, self.options, self._policy,
                host.clock, host.sleep, host.progress, host.cancelled,
                origin=self._origin(), claims=self._ledger.claims(self.id), wait=host.wait,
            )  # fmt: skip
            turns_flag = self.options.feature is not None
            self._tenancy.require(tenant, record.target, turns_flag, writes=self.writes, tell=host.tell)
        return self._context

    # -- the end ----------------------------------------------------------------------------------

    def close(self, error: SsprError | None = None) -> Report:
        """Writes the report, notes how the run ended and lets go of the tenant. Never sends anything."""
        from sspr.stages.report import Closing, close

        traffic = self._traffic()
        self._tenancy.close()
        self._context = None
        if self._lost:  # the run is another's by now, and so is its report
            raise Stopped(self._lost)
        untouched = isinstance(error, CannotStart) and not isinstance(error, Busy)
        ended = error is None or (untouched and not self._left(RowState.WRITING))
        try:
            return close(
                self.run, self.folder, Closing(self._host.clock, error, ended, traffic), self._checked
            )
        finally:
            self._forget_checked()
            self.record = self.run.record()
            self._sitting.end(self.record.exit_code)

    def _origin(self) -> RunLedger | None:
        """Of an undo, the run that it puts back. Raises `CannotStart` where what that one wrote was forgotten."""
        if not self.options.undoes:
            return None
        require_values((origin := self._ledger.run(self.options.undoes)).record())
        return origin

    def _traffic(self) -> Traffic:
        if self._context is None:
            return self.record.traffic
        earlier, own = asdict(self.record.traffic), asdict(self._context.tenant.traffic)
        return Traffic(**{name: earlier[name] + own[name] for name in own})

    def _left(self, *states: RowState) -> bool:
        counts = self.run.counts()
        return any(counts.get(state) for state in states)

    def _take_chunk(self, stage: Stage, chunk: Chunk) -> None:
        # Imported when taken: `check` alone needs nothing that knows a tenant.
        if stage is Stage.APPLY:
            from sspr.stages.pipeline import advance

            advance(self.context, self.chunks(), chunk.number - 1)
            return
        from sspr.stages.compare import compare
        from sspr.stages.verify import verify

        {Stage.COMPARE: compare, Stage.VERIFY: verify}[stage](self.context, chunk)
        self._host.progress(stage, chunk.last, self.run.last_seq())

    def _check(self) -> None:
        if origin := self._origin():
            intake.take_over(self.run, origin)
            self.record = self.run.record()
            return
        tenant = self._settings.tenants.get(self.record.tenant)
        if tenant is not None:
            tenant.tell_target(self._host.tell)
        files = intake.at_hand((Path(source.path), source.name) for source in self.run.sources())
        tables = intake.open_tables(files, self.options)
        self._forget_checked()
        rules = check.Rules(self._policy, self.record.target)
        host = self._host
        checked = check.Check(tables, rules, home(), intake.size(files), host.cancelled.is_set)
        try:
            checked.judge(
                self.options.default_country,
                lambda rows: host.progress(Stage.CHECK, rows, 0),
                partial(intake.without_mail, tell=host.tell) if self.options.check_domains else None,
            )
            rows = sum(checked.rows_of)
            host.progress(Stage.CHECK, rows, rows)
            if self.record.command == "check":
                # Its rows are of no use after the report: no contact data stays behind in the ledger.
                self.run.note_sources(checked.sources, checked.rows_of)
                self._checked = checked
            else:
                self.run.take_in(checked.sources, checked.for_ledger())
        except CannotStart:  # the input is no better when the run is taken up: nothing of it is kept
            intake.forget(files)
            raise
        finally:
            if self._checked is not checked:
                checked.close()
        intake.forget(files)
        self.record = self.run.record()

    def _forget_checked(self) -> None:
        if self._checked is not None:
            self._checked.close()
            self._checked = None

    def _look_at_flag(self) -> None:
        from sspr.stages.feature import look_at_flag

        look_at_flag(self.context, needed=self.writes)
        self.record = self.run.record()

    def _turn_flag(self, wanted: bool) -> None:
        from sspr.stages.feature import turn_flag

        turn_flag(self.context, wanted)
        self.record = self.run.record()
