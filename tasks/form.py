"""What the forms of the deployments have in common: titles, examples, and the tenants to choose from."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from sspr.errors import CannotStart
from sspr.settings import SIMULATED, load_settings


def titled(title: str, *examples: object) -> Any:
    """The title and examples of a parameter. A title that is given plainly Prefect replaces by the name."""
    extra: dict[str, Any] = {"title": title}
    if examples:
        extra["examples"] = list(examples)
    return Field(json_schema_extra=extra)


def tenant_names() -> list[str]:
    """The tenants that the form offers: those of the configuration that is found where the deployment is made.

    None where none is found, or where it cannot be read: then the form takes any name, and the flow refuses one that
    the worker's configuration does not know.
    """
    try:
        settings = load_settings()
    except CannotStart:
        return []
    return list(dict.fromkeys([*sorted(settings.tenants), SIMULATED])) if settings.path else []


def _choices(schema: dict[str, Any]) -> None:
    """Only the form: a flow run is judged by the worker's configuration, which may have changed meanwhile."""
    if names := tenant_names():
        schema["enum"] = names


Tenant = Annotated[str, Field(json_schema_extra=_choices)]
