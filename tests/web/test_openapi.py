"""The OpenAPI document: committed as it is generated, complete, and true."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar.handlers import ASGIRouteHandler

from antiphon.app import all_rooms
from antiphon.foundation.access.room import ROOM as ACCESS
from antiphon.foundation.http import PUBLIC, get
from antiphon.foundation.rooms import Room
from antiphon.web.asgi import RouteWithoutPermission, compose
from antiphon.web.openapi import build, encode
from antiphon.web.room import ROOM as WEB

COMMITTED = Path(__file__).parents[2] / "console" / "openapi.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return build(all_rooms())


def test_the_committed_document_is_the_generated_one(document: dict[str, Any]) -> None:
    assert COMMITTED.read_bytes() == encode(document), (
        "console/openapi.json has drifted: python -m antiphon.web.openapi > console/openapi.json, "
        "then npm run generate in console/"
    )


def _operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(f"{method} {path}", spec) for path, item in document["paths"].items() for method, spec in item.items()]


def test_every_operation_says_what_it_is_and_how_it_fails(document: dict[str, Any]) -> None:
    ids = [spec["operationId"] for _, spec in _operations(document)]
    assert len(ids) == len(set(ids))
    for name, spec in _operations(document):
        assert spec.get("summary"), name
        assert spec.get("tags"), name
        for status, response in spec["responses"].items():
            if int(status) >= 400:
                assert "application/problem+json" in response["content"], (name, status)
        if spec.get("security") and spec.get("x-permission"):
            assert {"401", "403"} <= set(spec["responses"]), name


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    used: set[str] = set()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                used.add(node["$ref"])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(document)
    assert used <= known
    assert known <= used


def test_bodies_refuse_unknown_keys(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name, spec in _operations(document):
        content = spec.get("requestBody", {}).get("content", {}).get("application/json")
        if content and (ref := content["schema"].get("$ref")) and spec.get("x-permission"):
            schema = schemas[ref.rpartition("/")[2]]
            if schema.get("type") == "object":
                assert schema["additionalProperties"] is False, name


def test_plain_asgi_routes_are_in_it() -> None:
    documented = {
        (one.path, one.method)
        for room in all_rooms()
        for route in room.routes
        if isinstance(route, ASGIRouteHandler)
        for one in route.opt["documented"]
    }
    paths = build(all_rooms())["paths"]
    assert documented
    assert all(method in paths[path] for path, method in documented)


def test_a_field_of_an_answer_is_always_there() -> None:
    schema = build((ACCESS, WEB))["components"]["schemas"]["Page_AuditEntry_"]
    assert set(schema["required"]) == {"items", "next", "total"}
    assert "title" not in schema or schema["title"]


async def test_it_is_served_for_the_rooms_switched_on(stranger: Any, rooms: Any) -> None:
    served = (await stranger.get("/openapi.json")).json()
    assert served == msgspec.json.decode(encode(build(all_rooms())))


@pytest.mark.parametrize("permission", ["undeclared:verb", "jobs"])
def test_a_route_whose_permission_no_room_declares_stops_the_start(permission: str) -> None:
    @get("/v1/odd", permission=permission)
    async def odd() -> None:
        """Odd."""

    with pytest.raises(RouteWithoutPermission):
        compose([ACCESS, WEB, Room(name="odd", floor="test", routes=[odd])])


def test_a_route_made_past_the_house_stops_the_start() -> None:
    from litestar import get as bare

    @bare("/v1/bare", sync_to_thread=False)
    def unguarded() -> None: ...

    with pytest.raises(RouteWithoutPermission):
        compose([ACCESS, WEB, Room(name="odd", floor="test", routes=[unguarded])])


def test_public_is_said_out_loud(document: dict[str, Any]) -> None:
    open_to_all = {name for name, spec in _operations(document) if spec.get("x-permission") == PUBLIC}
    assert open_to_all >= {"post /v1/session", "get /healthz"}
    assert all(not name.split()[1].startswith("/v1/people") for name in open_to_all)
