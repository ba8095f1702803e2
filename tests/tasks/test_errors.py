"""What of an error Prefect gets to see."""

from __future__ import annotations

import pytest

from sspr.errors import CannotStart, Stopped
from tasks.errors import StageError, told


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (CannotStart("No file."), "No file. (exit code 2)"),
        (Stopped("The tenant is away."), "The tenant is away. (exit code 3)"),
        (Stopped("Refused for jane.doe@fabrikam.com."), "Refused for j•••@fabrikam.com. (exit code 3)"),
        (StageError(3, "Said."), "Said. (exit code 3)"),
    ],
)
def test_a_foreseen_error_keeps_its_sentence_with_contact_data_masked(error: Exception, text: str) -> None:
    assert str(told(error)) == text


def test_of_an_unforeseen_error_only_type_and_place_are_told() -> None:
    seen = str(told(ValueError("jane.doe, +1 2065550100")))
    assert "ValueError" in seen
    assert "jane" not in seen
    assert "2065550100" not in seen
    assert "exit code 3" in seen


@pytest.mark.parametrize(
    "error", [Stopped("Away."), StageError(3, "Away.")], ids=lambda error: type(error).__name__
)
def test_the_counts_stand_beside_the_code(error: Exception) -> None:
    assert str(told(error, "3 updated, 5 pending")) == "Away. (exit code 3; 3 updated, 5 pending)"
