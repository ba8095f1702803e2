"""The forms of the deployments: titles, choices, what they refuse, and what the deployments' own files say together."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from prefect.events.schemas.automations import AutomationCore
from prefect.utilities.callables import parameter_schema

from sspr.cli.prefect_host import HEARTBEAT_SECONDS, TAG

PROJECT = Path(__file__).resolve().parents[2]
DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load((PROJECT / "prefect.yaml").read_text("utf-8"))[
    "deployments"
]
NAMES = [each["name"] for each in DEPLOYMENTS]

TENANTS = """
[tenants.fabrikam]
tenant_id = "fabrikam.onmicrosoft.com"
client_id = "1"

[tenants.contoso]
tenant_id = "contoso.onmicrosoft.com"
client_id = "2"
"""


def schema_of(name: str) -> dict[str, Any]:
    """The schema that `prefect deploy` makes of a flow's parameters."""
    module = importlib.import_module(f"flows.{name}")
    return parameter_schema(getattr(module, name)).model_dump_for_openapi()


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tenants.toml"
    path.write_text(TENANTS, encoding="utf-8")
    monkeypatch.setenv("SSPR_CONFIG", str(path))


@pytest.mark.parametrize("name", NAMES)
def test_every_field_has_a_title_and_a_description_of_its_own(name: str) -> None:
    fields = schema_of(name)["properties"]
    assert fields
    assert [
        key for key, field in fields.items() if field["title"] == key or len(field["description"]) < 20
    ] == []


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("name", NAMES)
def test_a_tenant_is_chosen_among_those_of_the_configuration(name: str) -> None:
    schema = schema_of(name)
    choices = schema["properties"]["tenant"]["anyOf"][0]["enum"]
    assert choices == ["contoso", "fabrikam", "simulated"]
    others = {key: "x" for key in schema.get("required", []) if key != "files"} | {"files": ["x"]}
    jsonschema.validate({**others, "tenant": "contoso"}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**others, "tenant": "nobody"}, schema)


@pytest.mark.parametrize("text", [None, "tenants = 1", "[tenants"])
def test_where_no_configuration_can_be_read_any_name_is_taken_and_judged_by_the_worker(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / "tenants.toml").write_text(text, encoding="utf-8")
    assert schema_of("onboard")["properties"]["tenant"]["anyOf"][0] == {"type": "string"}


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=NAMES)
def test_every_deployment_is_one_that_the_automation_watches(deployment: dict[str, Any]) -> None:
    path, _, function = deployment["entrypoint"].partition(":")
    assert (PROJECT / path).is_file()
    assert function == deployment["name"]
    assert deployment["enforce_parameter_schema"] is True
    assert TAG in deployment["tags"]
    pool = deployment["work_pool"]
    assert pool["name"] == "sspr"
    assert pool["job_variables"]["env"] == {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": HEARTBEAT_SECONDS}


def test_the_automation_waits_for_more_than_two_signs_of_life_and_knows_every_state() -> None:
    content = yaml.safe_load((PROJECT / "flows" / "automation.yaml").read_text("utf-8"))
    automation = AutomationCore.model_validate(content)
    trigger: Any = automation.trigger
    assert trigger.within.total_seconds() > 2 * float(HEARTBEAT_SECONDS)
    assert trigger.expect == {"prefect.flow-run.*"}
    begun = {f"prefect.flow-run.{name}" for name in ("Pending", "Submitting", "Running", "heartbeat")}
    assert trigger.after == begun  # and not Suspended, which waits for a person
    assert content["trigger"]["match_related"] == {"prefect.resource.id": f"prefect.tag.{TAG}"}
    (action,) = content["actions"]
    assert (action["type"], action["state"]) == ("change-flow-run-state", "CRASHED")
