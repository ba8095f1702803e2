"""The job: the stages in their order, over a ledger and a tenant. Every host runs it alike.

    check ─▶ look at the flag ─▶ compare ─▶ (approve) ─▶ (turn the flag on) ─▶ apply ─▶ settle
          ─▶ look at the flag ─▶ report

Where nobody is asked, comparing is part of applying (`sspr.stages.pipeline`). A host takes the steps of `planning()`,
asks for approval where that is wanted, takes the steps of `applying()`, and calls `close()`. Each step asks the ledger
what is left, so a step may be repeated and a run taken up by another process at any point.
"""

from __future__ import annotations

import getpass
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sspr.contacts.codes import Policy
from sspr.errors import CannotStart, SsprError, Stopped
from sspr.files import private_folder
from sspr.ledger import Ledger, RowState, RunLedger, RunRecord, new_run_id
from sspr.model import Target, Traffic
from sspr.settings import Settings, home
from sspr.stages import check, intake
from sspr.stages.context import Chunk, Context, Options
from sspr.stages.steps import Stage, Step
from sspr.tenancy import Tenancy

if TYPE_CHECKING:
    from sspr.report.content import Report

# Two envelopes of 20 filters of 15 values read 600 accounts, which are written in half a minute; files of more than
# 120,000 rows take larger chunks, so that a run stays within some hundred steps.
CHUNK_ROWS = 600
MOST_CHUNKS = 200

WRITING_COMMANDS = frozenset({"run", "apply"})


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What a person asks for. `files` as given; `tenant` a name in the settings; `out` None: `runs/<run id>`."""

    command: str
    files: tuple[str, ...]
    tenant: str
    target: Target | None = None
    options: Options = field(default_factory=Options)
    out: Path | None = None


@dataclass(frozen=True, slots=True)
class Host:
    """What the surroundings lend to a job: the clock, the pause, where progress and waits are shown."""

    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    progress: Callable[[str, int, int], None] = lambda _stage, _done, _total: None
    on_wait: Callable[[float, str], None] = lambda _seconds, _why: None
    tell: Callable[[str], None] = lambda _sentence: None
    cancelled: threading.Event = field(default_factory=threading.Event)


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
        self.options = options_from_json(self.record.options)

    # -- opening ----------------------------------------------------------------------------------

    @classmethod
    def begin(cls, ledger: Ledger, settings: Settings, request: JobRequest, host: Host) -> Job:
        """Opens a run for the request: its id and its output folder exist from here on.

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
        files = intake.take(request.files, options)
        run_id = new_run_id(host.clock())
        folder = private_folder(request.out or Path("runs") / run_id)
        run = ledger.new_run(
            run_id,
            request.command,
            request.tenant,
            target,
            asdict(options),
            files,
            folder,
            _who(),
            host.clock(),
        )
        return cls(ledger, settings, run, host)

    @classmethod
    def load(cls, ledger: Ledger, settings: Settings, run_id: str, host: Host) -> Job:
        """The run of that id, or of that output folder. Raises `CannotStart` where there is none."""
        try:
            return cls(ledger, settings, ledger.run(run_id), host)
        except LookupError:
            by_folder = ledger.run_by_folder(Path(run_id))
        if by_folder is None:
            raise CannotStart(f"There is no run {run_id!r} in the ledger. `sspr runs` lists them.") from None
        return cls(ledger, settings, ledger.run(by_folder), host)

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
    def turns_flag_on(self) -> bool:
        """Whether the flag was seen off and is to be turned on."""
        return self.options.enable_feature and self.record.feature_after is False

    @property
    def would_write(self) -> bool:
        """Whether, as planned so far, anything is left to be written to the tenant."""
        return self.writes and (self.turns_flag_on or self._left(RowState.PLANNED))

    def adopt(self, command: str, *, approved: bool) -> None:
        """Makes this run one of `command`: `apply` carries out what `plan` left; `approved`: that very plan."""
        self.options = replace(self.options, approved=approved)
        self.run.update(
            command=command, options=asdict(self.options), ended=False, exit_code=None, stopped_because=""
        )
        self.record = self.run.record()
        if self._context is not None:
            self._context.options = self.options

    def bind_flow(self, flow_run_id: str) -> None:
        """Notes that this Prefect flow run works on the run: its retry takes it up again."""
        self._ledger.bind_flow(flow_run_id, self.id)

    # -- the steps --------------------------------------------------------------------------------

    def planning(self, *, whole: bool = True) -> Iterator[Step]:
        """Everything that only reads: the rows judged, the flag and the accounts looked at.

        Not `whole`: the accounts are looked at while others are written; nobody asks to see the plan first.
        """
        if not self.record.judged:
            yield Step(Stage.CHECK)
        if self.record.command == "check":
            return
        if self._left(RowState.READ) or self.options.enable_feature:
            yield Step(Stage.FLAG)
        if self._left(RowState.READ) and (whole or not self.writes):
            yield from (Step(Stage.COMPARE, chunk) for chunk in self.chunks())

    def applying(self) -> Iterator[Step]:
        """Everything that writes, and the reads that confirm it."""
        if not self.writes:
            return
        # First, so that a permission that is missing stops the run before a row is written.
        yield Step(Stage.ENABLE if self.options.enable_feature else Stage.FLAG)
        if self._left(RowState.WRITING):  # taken up again: first see what became of the writes that were sent
            yield from (Step(Stage.VERIFY, chunk) for chunk in self.chunks())
        if self._left(RowState.READ, RowState.PLANNED, RowState.WRITING):
            yield from (Step(Stage.APPLY, chunk) for chunk in self.chunks())
            yield Step(Stage.SETTLE)
        yield Step(Stage.FLAG)

    def carry_out(
        self, take: Callable[[Step], None] | None = None, approve: Callable[[], bool] | None = None
    ) -> None:
        """All steps in their order. `take`: how a host takes one (by default `self.take`, here and now).

        `approve` is asked once, where something is to be written: what it saw is what is written. Raises
        `CannotStart` where it says no; the plan is kept.
        """
        take = take or self.take
        for step in self.planning(whole=approve is not None):
            take(step)
        if approve is not None and self.would_write:
            if not approve():
                self.adopt("plan", approved=False)
                raise CannotStart(
                    f"Not approved: nothing was written. `sspr apply {self.id}` carries the plan out."
                )
            self.adopt(self.record.command, approved=True)
        for step in self.applying():
            take(step)

    def take(self, step: Step) -> None:
        """Carries out one step. Raises `SsprError`; what was done until then is in the ledger."""
        if self._host.cancelled.is_set():
            raise Stopped("Interrupted.")
        if step.stage is Stage.CHECK:
            self._check()
        elif step.stage is Stage.FLAG:
            self._look_at_flag()
        elif step.stage is Stage.ENABLE:
            self._turn_flag_on()
        elif step.stage is Stage.SETTLE:
            from sspr.stages.verify import settle

            settle(self.context, self.chunks())
        elif step.chunk is not None:
            self._take_chunk(step.stage, step.chunk)

    def chunks(self) -> Sequence[Chunk]:
        """The rows of the run in consecutive chunks."""
        rows = self.run.last_seq()
        size = CHUNK_ROWS * max(1, math.ceil(rows / (CHUNK_ROWS * MOST_CHUNKS)))
        count = math.ceil(rows / size)
        return [Chunk(n * size + 1, min((n + 1) * size, rows), n + 1, count) for n in range(count)]

    def counts(self) -> dict[RowState, int]:
        """How many rows stand where."""
        return self.run.counts()

    @property
    def context(self) -> Context:
        """The stages' surroundings; signs in to the tenant when first asked for."""
        if self._context is None:
            host, record = self._host, self.record
            upns = (row.upn for row in self.run.every_row() if row.state is not RowState.REJECTED)
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
            )  # fmt: skip
            self._tenancy.require(
                tenant, record.target, self.options.enable_feature, writes=self.writes, tell=host.tell
            )
        return self._context

    # -- the end ----------------------------------------------------------------------------------

    def close(self, error: SsprError | None = None) -> Report:
        """Writes the report, notes how the run ended and lets go of the tenant. Never sends anything."""
        from sspr.stages.report import Closing, close

        traffic = self._traffic()
        self._tenancy.close()
        self._context = None
        ended = error is None or (isinstance(error, CannotStart) and not self._left(RowState.WRITING))
        try:
            return close(
                self.run, self.folder, Closing(self._host.clock, error, ended, traffic), self._checked
            )
        finally:
            self._forget_checked()
            self.record = self.run.record()

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
        tenant = self._settings.tenants.get(self.record.tenant)
        if tenant is not None:
            tenant.tell_target(self._host.tell)
        files = [(Path(source.path), source.name) for source in self.run.sources()]
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

    def _turn_flag_on(self) -> None:
        from sspr.stages.feature import turn_flag_on

        turn_flag_on(self.context)
        self.record = self.run.record()


def options_from_json(value: Mapping[str, object]) -> Options:
    """The options as the ledger keeps them."""
    return Options(**value)  # type: ignore[arg-type]


def _who() -> str:
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (OSError, KeyError):
        return f"unknown@{socket.gethostname()}"
