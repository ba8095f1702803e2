from __future__ import annotations

import pytest

from sspr.tenant.batch import Reply
from sspr.tenant.outcomes import Outcome, outcome
from tests.tenant.scripted import error_body

BUSY = error_body("Directory_ConcurrencyViolation")
CONFLICT = {"error": {"code": "Request_BadRequest", "details": [{"code": "ObjectConflict"}]}}
NESTED = {"error": error_body("Directory_ConcurrencyViolation")}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {}, Outcome.OK), (201, {}, Outcome.OK), (204, None, Outcome.OK),
        (400, None, Outcome.REFUSED), (403, None, Outcome.REFUSED), (404, None, Outcome.REFUSED),
        (409, CONFLICT, Outcome.REFUSED), (409, None, Outcome.REFUSED),
        (412, None, Outcome.BUSY), (412, "<html>", Outcome.BUSY),
        (409, BUSY, Outcome.BUSY), (409, NESTED, Outcome.BUSY),
        (401, None, Outcome.UNAUTHORIZED), (429, None, Outcome.THROTTLED),
        (408, None, Outcome.BROKEN), (424, None, Outcome.BROKEN), (500, None, Outcome.BROKEN),
        (502, None, Outcome.BROKEN), (503, None, Outcome.BROKEN), (504, None, Outcome.BROKEN),
        (200, None, Outcome.BROKEN), (200, "<html>", Outcome.BROKEN), (200, [], Outcome.BROKEN),
        (0, None, Outcome.BROKEN), (302, None, Outcome.BROKEN), (999, None, Outcome.BROKEN),
    ],
)  # fmt: skip
def test_what_an_answer_means(status: int, body: object, expected: Outcome) -> None:
    assert outcome(Reply(status, {}, body)) is expected


def test_a_missing_answer_leaves_the_fate_open() -> None:
    assert outcome(None) is Outcome.BROKEN
