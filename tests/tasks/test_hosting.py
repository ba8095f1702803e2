"""A run in the hands of a flow run: begun once, found by every retry, taken up by a flow run that is started again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from sspr.errors import Busy
from sspr.job import JobRequest
from sspr.ledger import Ledger
from sspr.settings import Settings, home
from tasks import hosting
from tasks.hosting import Hosted, hosted
from tests.fakes.tenants import write_input


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The worker's folder, with an input file."""
    monkeypatch.chdir(tmp_path)
    write_input(tmp_path / "in.csv", ["ava@contoso.com"])
    return tmp_path


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with closing(Ledger.open(None, home())) as opened:
        yield opened


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the log of the flow run is told."""
    sentences: list[str] = []
    monkeypatch.setattr(hosting, "_log", sentences.append)
    return sentences


def request(_settings: Settings) -> JobRequest:
    """The same parameters each time."""
    return JobRequest("run", ("in.csv",), "simulated")


def crash(flow_run_id: str) -> str:
    """A flow run that judged its rows and was ended then; the id of its run."""

    def judge(work: Hosted) -> None:
        if not work.job.record.judged:
            work.take(next(work.job.planning()))

    return _run(flow_run_id, judge)


def _run(flow_run_id: str, body: object = None) -> str:
    ids: list[str] = []
    with suppress(KeyboardInterrupt), hosted(flow_run_id, request) as work:
        ids.append(work.job.id)
        if callable(body):
            body(work)
        raise KeyboardInterrupt
    return ids[0]


def test_a_flow_run_started_again_takes_up_the_run_and_each_of_both_finds_it(
    ledger: Ledger, logged: list[str]
) -> None:
    first = crash("flow-1")
    assert crash("flow-2") == first
    assert [sentence.partition(", begun")[0] for sentence in logged] == [f"Takes up run {first}"]
    ledger.run(first).update(ended=True)
    assert [crash("flow-1"), crash("flow-2")] == [first, first]
    ledger.run(first).update(ended=True)
    assert crash("flow-3") != first


def test_a_run_that_waits_for_approval_stays_with_its_flow_run(ledger: Ledger, logged: list[str]) -> None:
    first = _run("flow-1", lambda work: work.job.note({}, question="f00"))
    second = _run("flow-2", lambda work: work.job.note({}, question="ba4"))
    assert first != second
    assert logged == [f"Run {first}, asked for the same, waits for approval; this is another run."]
    assert (ledger.run_of_flow("flow-1"), ledger.run_of_flow("flow-2")) == (first, second)


def test_a_flow_run_beside_the_one_that_works_fails_and_is_bound_to_nothing(ledger: Ledger) -> None:
    with hosted("flow-1", request) as work:
        with pytest.raises(Busy, match=f"The run {work.job.id} is being worked on by process"):
            _run("flow-2")
        assert ledger.run_of_flow("flow-2") is None
        first = work.job.id
        work.job.run.update(ended=True)
    assert _run("flow-2") != first


def test_a_flow_run_goes_on_with_what_a_command_left(ledger: Ledger, here: Path) -> None:
    """The command knows the file by the name that it was given, the flow run by its path."""
    begun = crash("flow-1")

    def by_path(_settings: Settings) -> JobRequest:
        return JobRequest("run", (str(here / "in.csv"),), "simulated", out=here / "runs" / begun)

    with hosted("flow-2", by_path) as work:
        assert work.job.id == begun
    assert ledger.run_of_flow("flow-2") == begun
