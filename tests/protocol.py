"""Judges exchanges with Microsoft Graph by its published OpenAPI description (tests/data/openapi.json).

Give a :class:`Protocol` as ``on_exchange`` to the simulated tenant: it collects what a client asked that the
description does not know, and what the tenant answered that it does not allow.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from openapi_schema_validator import OAS30Validator

DESCRIPTION = Path(__file__).parent / "data" / "openapi.json"
_ERROR = "#/components/schemas/microsoft.graph.ODataErrors.ODataError"
# Not in the description because every collection has them.
_ALWAYS = {"$skiptoken"}


class Protocol:
    """Collects ``request_faults`` and ``answer_faults`` (sentences without values); counts operations in ``seen``."""

    def __init__(self) -> None:
        self.request_faults: list[str] = []
        self.answer_faults: list[str] = []
        self.seen: Counter[tuple[str, str, int]] = Counter()

    def __call__(
        self,
        method: str,
        url: str,
        _request_headers: Mapping[str, str],
        request_body: Any,
        status: int,
        _response_headers: Mapping[str, str],
        response_body: Any,
    ) -> None:
        parts = urlsplit(url)
        if not parts.path.startswith("/v1.0/"):
            return
        template = path_of(parts.path.removeprefix("/v1.0"))
        where = f"{method} {template or 'unknown path'} {status}"
        self.seen[method, template or "", status] += 1
        operation = document()["paths"].get(template, {}).get(method.lower())
        self.answer_faults += (f"{where}: {fault}" for fault in _answer(operation, status, response_body))
        if operation is None:
            self.request_faults.append(f"{where}: no such operation")
            return
        self.request_faults += (
            f"{where}: {fault}"
            for fault in (*_query(operation, parts.query), *_request_body(operation, request_body))
        )


@cache
def document() -> dict[str, Any]:
    """The description, read once."""
    found: dict[str, Any] = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    return found


@cache
def _templates() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Templates with their patterns, those with the fewest placeholders first."""
    paths = sorted(document()["paths"], key=lambda path: (path.count("{"), path))
    return tuple(
        (
            path,
            re.compile(
                "".join(
                    "[^/]+?" if part.startswith("{") else re.escape(part)
                    for part in re.split(r"(\{[^}]+\})", path)
                )
            ),
        )
        for path in paths
    )


def path_of(path: str) -> str | None:
    """The description's template for a path, None where it has none. ``users('x')`` is read as ``users/x``."""
    plain = re.sub(r"(?<=/users|eRoles)\('([^/]*)'\)", r"/\1", unquote(path))
    return next((template for template, pattern in _templates() if pattern.fullmatch(plain)), None)


@cache
def _validator(pointer: str) -> OAS30Validator:
    return OAS30Validator({"$ref": pointer, "components": document()["components"]})


def _resolve(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        found: Any = document()
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def properties(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Every property of a schema, those of its bases included."""
    schema = _resolve(schema)
    found: dict[str, Any] = {}
    for base in schema.get("allOf", ()):
        found |= properties(base)
    for choice in schema.get("anyOf", ()):
        found |= properties(choice)
    found |= schema.get("properties", {})
    return found


def _unknown(schema: Mapping[str, Any], value: Any, where: str = "") -> Iterator[str]:
    """Properties that the schema does not know: the description does not forbid them, Graph has none."""
    resolved = _resolve(schema)
    if isinstance(value, list):
        for item in value:
            yield from _unknown(resolved.get("items", {}), item, f"{where}[]")
    if not isinstance(value, dict):
        return
    named = str(value.get("@odata.type", "")).removeprefix("#")
    if f"{named}" in document()["components"]["schemas"]:
        resolved = document()["components"]["schemas"][named]
    elif named:
        return  # A type beyond the cut of the description.
    known = properties(resolved)
    if not known:
        return
    for name, inner in value.items():
        if name not in known and "@" not in name:
            yield f"unknown property {where}.{name}"
        elif name in known:
            yield from _unknown(known[name], inner, f"{where}.{name}")


def _judged(pointer: str, value: Any) -> Iterator[str]:
    for error in _validator(pointer).iter_errors(value):
        yield f"{error.json_path} breaks {error.validator}"
    if pointer != _ERROR:
        yield from _unknown({"$ref": pointer}, value)


def _schema(holder: Mapping[str, Any] | None) -> str | None:
    content = _resolve(holder or {}).get("content", {}).get("application/json", {}).get("schema", {})
    pointer: str | None = content.get("$ref")
    return pointer


def _answer(operation: Mapping[str, Any] | None, status: int, body: Any) -> Iterator[str]:
    if status >= 400:
        yield from _judged(_ERROR, body)
        return
    answers = (operation or {}).get("responses", {})
    exact = answers.get(str(status))
    pointer = _schema(exact if exact is not None else answers.get("2XX"))
    if exact is None and "2XX" not in answers:
        yield "undescribed status"
    elif pointer is None or status == 204:
        if body is not None:
            yield "a body where there is none"
    else:
        yield from _judged(pointer, body)


def _query(operation: Mapping[str, Any], query: str) -> Iterator[str]:
    parameters = {
        each["name"]: each for each in map(_resolve, operation.get("parameters", ())) if each["in"] == "query"
    }
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in _ALWAYS:
            continue
        if name not in parameters:
            yield f"unknown query option {name}"
            continue
        schema = parameters[name].get("schema", {})
        if schema.get("type") == "array":
            allowed = schema.get("items", {}).get("enum")
            words = [word.strip() for word in value.split(",")]
            if allowed and not set(words) <= set(allowed):
                yield f"{name} names an unknown property"
        elif schema.get("type") == "integer" and not value.isdecimal():
            yield f"{name} is no number"
        elif schema.get("type") == "boolean" and value not in ("true", "false"):
            yield f"{name} is no Boolean"


def _request_body(operation: Mapping[str, Any], body: Any) -> Iterator[str]:
    described = operation.get("requestBody")
    if described is None:
        if body not in (None, {}):
            yield "a body where none is described"
        return
    pointer = _schema(described)
    if body is None:
        if described.get("required"):
            yield "no body"
    elif pointer is not None:
        yield from _judged(pointer, body)
