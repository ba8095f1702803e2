"""The question in Prefect, without a server: under which key it is asked, and for which plan an answer counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prefect.exceptions import Pause
from pydantic import ValidationError

from sspr.errors import CannotStart
from sspr.job import Host, Job, JobRequest
from sspr.ledger import Ledger
from sspr.settings import SIMULATED, Settings, home
from sspr.stages.planned import survey
from tasks import approval
from tasks.approval import Answer, asking, require_deployment
from tasks.hosting import Hosted, lend
from tests.fakes.tenants import write_input

UPNS = [f"ava.brooks{number}@contoso.com" for number in range(3)]


class Prefect:
    """What `suspend_flow_run` would do: suspends at first, then gives the answer. Keys that have `lapsed` have none."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.answers: dict[str, Answer] = {}
        self.lapsed: set[str] = set()

    def suspend(self, *, wait_for_input: type[Answer], key: str, timeout: int) -> Answer:
        assert timeout > 24 * 3600
        assert wait_for_input.model_fields.keys() == Answer.model_fields.keys()
        if key in self.lapsed:
            raise _no_answer()
        if key in self.answers:
            return self.answers[key]
        self.keys.append(key)
        raise Pause

    def answer(self, approve: bool) -> None:
        self.answers[self.keys[-1]] = Answer(approve=approve, approver=" Ada Approver ")


def _no_answer() -> ValidationError:
    try:
        Answer()  # type: ignore[call-arg]
    except ValidationError as error:
        return error
    raise AssertionError


@pytest.fixture
def prefect(monkeypatch: pytest.MonkeyPatch) -> Prefect:
    fake = Prefect()
    monkeypatch.setattr(approval, "suspend_flow_run", fake.suspend)
    monkeypatch.setattr(approval, "deployment", SimpleNamespace(id="deployment"))
    monkeypatch.setattr(approval, "publish_plan", lambda _run_id, _page: None)
    return fake


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    """A run on the built-in simulated tenant that has come as far as its plan."""
    file = write_input(tmp_path / "in.csv", UPNS)
    with closing(Ledger.open(None, home())) as ledger:
        request = JobRequest("run", (str(file),), SIMULATED, out=tmp_path / "out")
        job = Job.begin(ledger, Settings(), request, Host())
        for step in job.planning():
            job.take(step)
        yield job
        job.close()


def ask(job: Job, wanted: str = "required") -> bool | None:
    """What the job asks, each time as a body that begins anew does."""
    asks: Callable[[], bool | None] | None = asking(Hosted(job), wanted)
    assert asks is not None
    return asks()


def suspended(job: Job) -> None:
    with pytest.raises(Pause):
        ask(job)


def test_an_answer_counts_for_its_plan_and_its_giver_is_noted(prefect: Prefect, job: Job) -> None:
    suspended(job)
    prefect.answer(approve=True)
    assert ask(job) is True
    assert (len(prefect.keys), job.approver) == (1, "Ada Approver")


def test_a_body_that_begins_anew_before_the_answer_asks_the_same_question(prefect: Prefect, job: Job) -> None:
    suspended(job)
    suspended(job)
    assert len(set(prefect.keys)) == 1


def test_a_question_that_lapsed_is_asked_anew_under_another_key(prefect: Prefect, job: Job) -> None:
    suspended(job)
    prefect.lapsed.add(prefect.keys[0])
    suspended(job)
    assert len(set(prefect.keys)) == 2
    prefect.answer(approve=True)
    assert ask(job) is True


def test_an_answer_is_not_one_to_another_plan(prefect: Prefect, job: Job) -> None:
    suspended(job)
    prefect.answer(approve=True)
    job.note({}, enable_feature=True)  # more than was shown
    suspended(job)
    assert len(set(prefect.keys)) == 2


def test_a_refusal_is_used_once(prefect: Prefect, job: Job) -> None:
    suspended(job)
    prefect.answer(approve=False)
    assert ask(job) is False
    job.adopt("plan", approved=False)  # what the job does then
    job.adopt("run", approved=False)  # what the flow does when it is retried
    suspended(job)
    assert len(set(prefect.keys)) == 2


def test_what_was_approved_is_not_asked_about_again(prefect: Prefect, job: Job) -> None:
    job.adopt("run", approved=True)
    assert ask(job) is None
    assert prefect.keys == []


def test_the_key_tells_nothing_of_the_plan(prefect: Prefect, job: Job) -> None:
    """A digest of few values can be guessed back to them; Prefect's database gets none."""
    suspended(job)
    assert survey(job.run).digest[:12] not in prefect.keys[0]


def test_nobody_is_asked_where_the_policy_has_no_reason(prefect: Prefect, job: Job) -> None:
    assert asking(Hosted(job), "policy") is None
    assert asking(Hosted(job), "none") is None
    assert prefect.keys == []


def test_a_command_that_lends_its_run_asks_by_itself(prefect: Prefect, job: Job) -> None:
    for own in (None, lambda: True):
        hosted = Hosted(job, own)
        with lend(hosted):
            assert asking(hosted, "required") is own
    assert prefect.keys == []


def test_without_a_deployment_the_plan_is_kept_for_a_terminal(
    prefect: Prefect, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approval, "deployment", SimpleNamespace(id=None))
    with pytest.raises(CannotStart, match=f"sspr apply {job.id}"):
        ask(job)
    assert (job.record.command, prefect.keys) == ("plan", [])
    with pytest.raises(CannotStart, match="no deployment"):
        require_deployment("required", None)
    require_deployment("policy", None)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"approve": True},
        {"approver": "Ada"},
        {"approve": "maybe", "approver": "Ada"},
        {"approve": True, "approver": ""},
        {"approve": True, "approver": "  "},
        {"approve": True, "approver": "Ada", "also": 1},
    ],
    ids=str,
)
def test_an_answer_without_a_choice_or_a_name_is_none(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Answer(**given)
