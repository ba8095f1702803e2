from __future__ import annotations

from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspr.tenant.batch import MAX_ITEMS, Reply, Request, lower, pack, retry_after, unpack

NOW = 1_800_000_000.0
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["responses", "id", "status", "headers",
                                                                                "body", "x"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def test_an_item_has_a_content_type_exactly_where_it_has_a_body() -> None:
    packed = pack([Request("GET", "/users/1"), Request("PATCH", "/users/2", {"mobilePhone": None})])
    assert packed == {
        "requests": [
            {"id": "0", "method": "GET", "url": "/users/1"},
            {
                "id": "1",
                "method": "PATCH",
                "url": "/users/2",
                "headers": {"Content-Type": "application/json"},
                "body": {"mobilePhone": None},
            },
        ]
    }


def test_a_batch_of_more_than_twenty_is_refused_here() -> None:
    with pytest.raises(ValueError, match="20"):
        pack([Request("GET", "/users/1")] * (MAX_ITEMS + 1))


@given(st.permutations(list(range(20))), st.sets(st.integers(0, 19)))
def test_answers_in_any_order_find_their_requests_and_missing_ones_are_none(
    order: list[int], lost: set[int]
) -> None:
    body = {"responses": [{"id": str(n), "status": 200 + n} for n in order if n not in lost]}
    assert unpack(body, 20) == [None if n in lost else Reply(200 + n) for n in range(20)]


@pytest.mark.parametrize(
    "body",
    [
        None, "<html>", [], {}, {"responses": None}, {"responses": {"id": "0"}}, {"responses": [None, 1, "x"]},
        {"responses": [{"id": "0"}]}, {"responses": [{"id": "0", "status": "204"}]},
        {"responses": [{"id": "7", "status": 204}]}, {"responses": [{"id": "-1", "status": 204}]},
        {"responses": [{"id": "²", "status": 204}]}, {"responses": [{"id": "0", "status": True}]},
    ],
)  # fmt: skip
def test_what_is_no_answer_to_an_item_leaves_it_unanswered(body: object) -> None:
    assert unpack(body, 1) == [None]


@given(JSON)
def test_any_json_can_be_unpacked(body: Any) -> None:
    assert len(unpack(body, 3)) == 3
    assert len(unpack({"responses": body}, 3)) == 3


def test_of_two_answers_with_one_id_the_first_counts() -> None:
    assert unpack({"responses": [{"id": 0, "status": 204}, {"id": "0", "status": 500}]}, 1) == [Reply(204)]


def test_header_names_come_in_any_case() -> None:
    body = {"responses": [{"id": "0", "status": 429, "headers": {"ReTRy-AFTER": 7, "x": None}}]}
    assert unpack(body, 1) == [Reply(429, {"retry-after": "7"})]
    assert lower([("a", "b")]) == {}


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", None), ("0.0", None), ("7", 7.0), (" 7 ", 7.0), ("0.249", 1.0), ("1.0", 1.0), ("10.01", 11.0),
        (formatdate(NOW + 30, usegmt=True), 30.0), (formatdate(NOW - 30, usegmt=True), None),
        ("Fri, 15 Jan 2027 08:00:30", 30.0),  # without a zone: UTC
        ("", None), ("soon", None), ("-1", None), ("nan", None), ("inf", None), ("1e999", None),
        ("Mon, 99 Foo 2026 99:99:99 GMT", None),
    ],
)  # fmt: skip
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}, NOW) == seconds


@pytest.mark.parametrize(
    ("date", "seconds"),
    [(formatdate(NOW - 600, usegmt=True), 630.0), (formatdate(NOW + 600, usegmt=True), None), ("soon", 30.0)],
)
def test_a_date_counts_from_the_time_that_the_answer_tells(date: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": formatdate(NOW + 30, usegmt=True), "date": date}, NOW) == seconds


def test_no_retry_after_is_none() -> None:
    assert retry_after({}, NOW) is None


@given(st.text(max_size=40))
def test_any_retry_after_is_none_or_a_wait(text: str) -> None:
    seconds = retry_after({"retry-after": text}, NOW)
    assert seconds is None or seconds >= 0


@given(st.floats(0, 1e6))
def test_a_wait_is_never_shorter_than_asked(seconds: float) -> None:
    assert (retry_after({"retry-after": repr(seconds)}, NOW) or 0.0) >= seconds
