"""What the flow `undo` makes of its parameters, without a Prefect server: nothing here comes to its first task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from prefect.utilities.callables import parameter_schema

from flows.undo import undo
from sspr.cli.main import main
from sspr.ledger import Ledger
from sspr.settings import home
from tasks.errors import StageError

ROW = "user_principal_name,alternate_email,mobile_phone\nava@contoso.com,ava@fabrikam.com,+1 2012340160\n"


@pytest.fixture
def checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The id of a run that wrote nothing."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.csv").write_text(ROW, encoding="utf-8")
    assert main(["check", "in.csv"]) == 0
    with closing(Ledger.open(None, home())) as ledger:
        [run_id] = ledger.run_ids()
        yield run_id
        assert ledger.run_ids() == [run_id], "no run was opened"


def test_a_run_that_is_not_there_is_a_sentence(clean_environment: Path) -> None:
    with pytest.raises(StageError, match="There is no run 'nobody' in the ledger") as raised:
        undo.fn(run_id="nobody")
    assert raised.value.exit_code == 2
    assert not list(clean_environment.rglob("results.csv"))
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)


@pytest.mark.parametrize(
    ("tenant", "said"),
    [(None, "wrote nothing: there is nothing to undo"), ("other", "not on other")],
    ids=["wrote nothing", "another tenant"],
)
def test_what_cannot_be_undone_is_a_sentence_and_opens_no_run(
    checked: str, tenant: str | None, said: str
) -> None:
    with pytest.raises(StageError, match=said) as raised:
        undo.fn(run_id=f" {checked} ", tenant=tenant)
    assert raised.value.exit_code == 2


def test_the_form_describes_every_parameter_and_needs_only_the_run() -> None:
    schema = parameter_schema(undo)
    assert schema.required == ["run_id"]
    assert set(schema.properties) == {"run_id", "tenant"}
    assert [name for name, field in schema.properties.items() if len(field.get("description", "")) < 20] == []


@pytest.mark.parametrize("parameters", [{}, {"run_id": ""}, {"run_id": " "}, {"run_id": 7}], ids=str)
def test_the_form_refuses_a_bad_value(parameters: dict[str, Any]) -> None:
    schema = parameter_schema(undo).model_dump_for_openapi()
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(parameters, schema)
