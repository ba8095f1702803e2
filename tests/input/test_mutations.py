"""Damaged files of every dialect: read without a lost row, or refused in a sentence. `bench/mutate.py` takes longer."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.mutations import SEEDS, mutate, outcome


@pytest.mark.parametrize("name", SEEDS)
def test_a_whole_file_is_read(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "whole.csv"
    path.write_bytes(SEEDS[name])
    assert outcome(path) == "read"


@pytest.mark.parametrize("name", SEEDS)
@given(number=st.integers(0, 2**32))
def test_a_damaged_file_is_read_or_refused(
    name: str, number: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.csv"
    path.write_bytes(mutate(SEEDS[name], random.Random(number)))
    assert outcome(path) in {"read", "refused"}
