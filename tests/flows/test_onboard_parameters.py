"""What the flow `onboard` makes of its parameters, without a Prefect server: nothing here comes to its first task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from prefect.utilities.callables import parameter_schema

from flows.onboard import onboard
from sspr.input import templates
from sspr.settings import Approval
from tasks.errors import StageError

SAMPLE = str(templates.template_path("sample"))


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"files": ["/nowhere/admins.csv"]}, "/nowhere/admins.csv"),
        ({"files": [SAMPLE], "approval": "required"}, "Approval is asked for"),
        ({"files": [SAMPLE], "tenant": "nobody"}, "There is no tenant 'nobody'"),
        ({"files": [SAMPLE], "max_failures": "many"}, "'many'"),
    ],
    ids=["no such file", "approval", "no tenant", "no number"],
)
def test_a_bad_parameter_is_a_sentence_and_opens_no_run(
    clean_environment: Path, parameters: dict[str, Any], said: str
) -> None:
    with pytest.raises(StageError) as raised:
        onboard.fn(**parameters)
    assert said in str(raised.value)
    assert raised.value.exit_code == 2
    assert not list(clean_environment.rglob("results.csv"))


@pytest.mark.parametrize("approval", ["policy", "required", "none"])
def test_what_a_tenant_requires_no_parameter_does_without(
    approval: Approval, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Here, where no deployment is, nobody can be asked."""
    config = tmp_path / "tenants.toml"
    config.write_text(
        '[tenants.contoso]\ntenant_id = "x"\nclient_id = "y"\napproval = "required"\n', encoding="utf-8"
    )
    monkeypatch.setenv("SSPR_CONFIG", str(config))
    with pytest.raises(StageError, match=r"Approval is asked for.*no deployment"):
        onboard.fn(files=[SAMPLE], tenant="contoso", approval=approval)


def test_what_leaves_the_flow_carries_no_other_exception(tmp_path: Path) -> None:
    """Prefect logs the traceback of a chained exception, and with it its text."""
    with pytest.raises(StageError) as raised:
        onboard.fn(files=[str(tmp_path)])
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)


def test_the_form_describes_every_parameter_and_needs_only_the_files() -> None:
    schema = parameter_schema(onboard)
    assert schema.required == ["files"]
    assert [name for name, field in schema.properties.items() if len(field.get("description", "")) < 20] == []
    assert set(schema.properties) == {
        "files", "tenant", "default_country", "target", "enable_feature", "approval", "max_failures", "out",
    }  # fmt: skip


@pytest.mark.parametrize(
    "parameters",
    [
        {"files": []},
        {"files": "admins.csv"},
        {"files": [SAMPLE], "target": "sms"},
        {"files": [SAMPLE], "approval": "perhaps"},
        {"files": [SAMPLE], "default_country": "Utopia"},
        {"files": [SAMPLE], "max_failures": "many"},
    ],
    ids=str,
)
def test_the_form_refuses_a_bad_value(parameters: dict[str, Any]) -> None:
    """By the schema alone, as the server does for a deployment that enforces it."""
    schema = parameter_schema(onboard).model_dump_for_openapi()
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(parameters, schema)
