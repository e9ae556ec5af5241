"""The OpenAPI 3.1 document of what is served, made of the very routes and types that serve it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from inspect import cleandoc
from typing import Any, Final

import msgspec

from actors.web import problems
from actors.web.parameters import Parameter
from actors.web.price_documents import MarketDocument, PriceDocument
from actors.web.problems import Kind, Problem
from actors.web.routes import JSON, Route
from actors.web.status_documents import NAMED

PATH: Final = "/openapi.json"
_REFS: Final = "#/components/schemas/{name}"
_PROBLEM: Final = {"$ref": _REFS.format(name="Problem")}
_TAGS: Final[Mapping[str, str]] = {
    "prices": "What markets are worth. Every answer carries the age of its prices, and whether that is older "
    "than was asked for.",
    "books": "Order books, and what a size costs by their depth.",
    "daemon": "How the daemon is.",
    "runtime": "What its actors do. Never shows what a message holds.",
}
_EXCLUDES: Final = {"not": {"required": ["tier", "maxAgeSeconds"]}}


def document(routes: Sequence[Route], version: str) -> dict[str, Any]:
    """Return the document, as plain data."""
    types = [each for route in routes for each in (route.answer, route.body) if each not in (None, str, dict)]
    named = [Problem, PriceDocument, MarketDocument, *NAMED]
    shapes, components = msgspec.json.schema_components([*types, *named], ref_template=_REFS)
    references = dict(zip(types, shapes, strict=False))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Remora",
            "version": version or "0",
            "description": "Market data of a running daemon, and what it does. It only reads: nothing here "
            "gives orders. Every problem has a body of application/problem+json (RFC 9457).",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "components": {"schemas": {name: _cleaned(schema) for name, schema in components.items()}},
    }


def _operation(route: Route, references: Mapping[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": route.summary,
        "responses": _responses(route, references),
    }
    if route.note:
        operation["description"] = route.note
    if route.parameters:
        operation["parameters"] = [_parameter(parameter) for parameter in route.parameters]
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": {**references[route.body], **_EXCLUDES}}},
        }
    return operation


def _parameter(parameter: Parameter) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": parameter.name,
        "in": "path" if parameter.in_path else "query",
        "description": parameter.description,
        "required": parameter.required,
        "schema": dict(parameter.schema),
    }
    if parameter.is_list:
        shown |= {"style": "form", "explode": False}
    return shown


def _responses(route: Route, references: Mapping[Any, Any]) -> dict[str, Any]:
    schema = references.get(route.answer) or {"type": "object" if route.answer is dict else "string"}
    responses: dict[str, Any] = {
        "200": {"description": route.answer_note, "content": {route.media_type: {"schema": schema}}}
    }
    kinds = [problems.BAD_REQUEST, *route.problems]
    by_status: dict[int, list[Kind]] = {}
    for kind in kinds:
        by_status.setdefault(kind.status, []).append(kind)
    for status, several in sorted(by_status.items()):
        responses[str(status)] = _problem(". ".join(_said(several)) + ".", several)
    if route.body is not None:
        responses["413"] = _problem(f"{HTTPStatus(413).phrase}.", ())
    return responses


def _said(kinds: Iterable[Kind]) -> list[str]:
    return [f"{kind.title} (`{kind.slug}`)" for kind in kinds]


def _problem(description: str, kinds: Iterable[Kind]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "description": description,
        "content": {problems.CONTENT_TYPE: {"schema": _PROBLEM}},
    }
    if any(problems.RETRY_AFTER.items() <= kind.headers.items() for kind in kinds):
        shown["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    return shown


def _cleaned(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema whose text is laid out for reading, as its class's is."""
    if "description" in schema:
        schema["description"] = cleandoc(schema["description"])
    return schema
