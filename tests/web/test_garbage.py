"""Garbage at every endpoint, as owner: a refusal with a code, and never a failure of ours.

Bodies that break the schema are tried by `test_schemathesis`; here is what breaks JSON itself, or what no schema forbids and
no store can hold. Nothing is listed by hand: operations come from the OpenAPI document.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from antiphon.app import all_rooms
from antiphon.execution.content.http import MAX_BODY
from antiphon.foundation.access import SYSTEM, issue_key
from antiphon.web.live import LiveFeed
from antiphon.web.openapi import build

DOCUMENT = build(all_rooms())
ENDLESS_OR_OUT = {("get", "/v1/live"), ("delete", "/v1/session"), ("delete", "/v1/session/others")}
PAGES = ("/u/", "/p/", "/c/", "/l/", "/o/", "/confirm/")  # for customers: what is wrong there is said in HTML, or by a bare status
NOT_JSON = [
    b"", b"{", b'{"name": }', b"\xff\xfe{}", b'{"a": NaN}', b"{} {}", b"[" * 100_000, b'{"a": "\xff"}',
]  # fmt: skip
NOT_AN_OBJECT = [b"[{}]", b"null", b"17", b'"text"']
ODD_TEXTS = ["a\0b", "\ud800", "\u202e%s %(id)s {0} {{ 7 * 7 }}' or 1=1 --" + "x" * 9_000]
ODD_VALUES = ["a\0b", "-1", str(10**30), "../../etc/passwd", "x" * 9_000]


class Operation:
    """One method of one path, and how a body that its schema allows looks."""

    def __init__(self, method: str, path: str, spec: dict[str, Any]) -> None:
        self.method, self.path = method, path
        self.parameters: list[dict[str, Any]] = spec.get("parameters", [])
        self.body: dict[str, Any] | None = (
            spec.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        )
        self.by_write_key = {"write_key": []} in spec.get("security", [])

    def __repr__(self) -> str:
        return f"{self.method} {self.path}"

    def address(self, **values: str) -> str:
        path = self.path
        for one in self.parameters:
            if one["in"] == "path":
                path = path.replace(f"{{{one['name']}}}", quote(values.get(one["name"], "1"), safe=""))
        return path

    @property
    def is_page(self) -> bool:
        return self.path.startswith(PAGES)


OPERATIONS = [
    Operation(method, path, spec)
    for path, item in DOCUMENT["paths"].items()
    for method, spec in item.items()
    if (method, path) not in ENDLESS_OR_OUT
]
WITH_BODY = [one for one in OPERATIONS if one.body is not None]


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def least(schema: dict[str, Any], depth: int = 0) -> Any:
    """A small value that the schema allows."""
    schema = resolved(schema)
    for key in ("oneOf", "anyOf"):
        if key in schema:
            return least(schema[key][0], depth)
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object" and depth < 8:
        known = schema.get("properties", {})
        return {name: least(known[name], depth + 1) for name in schema.get("required", []) if name in known}
    if kind == "array":
        return [least(schema["items"], depth + 1) for _ in range(schema.get("minItems", 0))]
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    if schema.get("format") == "date-time":
        return "2026-01-01T00:00:00Z"
    return {"string": "x" * max(3, schema.get("minLength", 3)), "boolean": True, "null": None}.get(str(kind), {})


def texts_changed(value: Any, schema: dict[str, Any], to: str, depth: int = 0) -> Iterator[Any]:
    """The value with one of its texts changed, for each text its schema knows of."""
    schema = resolved(schema)
    for key in ("oneOf", "anyOf"):
        for one in schema.get(key, ()):
            yield from texts_changed(least(one), one, to, depth)
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "string" in kinds and "enum" not in schema and "const" not in schema:
        yield to
    elif "array" in kinds and depth < 5:
        yield from ([one] for one in texts_changed(least(schema["items"]), schema["items"], to, depth + 1))
    elif "object" in kinds and depth < 5:
        base = value if isinstance(value, dict) else {}
        for name, part in schema.get("properties", {}).items():
            for changed in texts_changed(base.get(name, least(part)), part, to, depth + 1):
                yield base | {name: changed}
        if isinstance(schema.get("additionalProperties"), dict) or not schema.get("properties"):
            yield base | {to: to}
            yield base | {"free": {"deep": [to]}}


class Tried:
    """Asks, and keeps what was not as it should be."""

    def __init__(self, owner: httpx.AsyncClient, write_key: str) -> None:
        self._owner = owner
        self._write_key = write_key
        self.wrong: dict[str, Any] = {}
        self.count = 0

    async def ask(
        self, one: Operation, path: str, *, content: bytes | None = None, must_refuse: bool = False, what: object = "",
        status: int | None = None,
    ) -> None:  # fmt: skip
        headers = {"content-type": "application/json"} if content is not None else {}
        auth = (self._write_key, "") if one.by_write_key else None
        answer = await self._owner.request(one.method.upper(), path, content=content, headers=headers, auth=auth)
        self.count += 1
        bad = answer.status_code == 500 or (answer.status_code in (401, 403) and not path.startswith("/v1/session"))
        bad = bad or (must_refuse and not 400 <= answer.status_code < 500)
        bad = bad or (status is not None and answer.status_code != status)
        if answer.status_code >= 400 and not one.is_page and one.path not in ("/readyz",) and not bad:
            bad = answer.headers["content-type"] != "application/problem+json" or not answer.json()["code"]
        if bad:
            self.wrong[f"{one} {str(what)[:80]!r}"] = (answer.status_code, answer.text[:300])


@pytest.fixture
async def tried(app: Any, client: httpx.AsyncClient) -> Tried:
    ctx = app.app.state.ctx
    ctx.get(LiveFeed).close()
    async with ctx.db.transaction() as conn:
        key = await issue_key(conn, SYSTEM, name="site", kind="write", source_id=1)
    return Tried(client, key.token)


async def test_what_is_not_json_is_refused(tried: Tried) -> None:
    for one in WITH_BODY:
        for content in NOT_JSON:
            await tried.ask(one, one.address(), content=content, must_refuse=True, what=content[:40])
    assert tried.wrong == {} and tried.count > 250


async def test_what_is_no_object_is_refused(tried: Tried) -> None:
    for one in WITH_BODY:
        for content in NOT_AN_OBJECT:
            await tried.ask(one, one.address(), content=content, must_refuse=True, what=content)
    assert tried.wrong == {}


async def test_an_unknown_key_is_refused_by_name(tried: Tried) -> None:
    """But for the calls of the Segment specification, which take any key: libraries send more each year."""
    for one in WITH_BODY:
        content = json.dumps(least(one.body or {}) | {"surprise": 1}).encode()
        await tried.ask(one, one.address(), content=content, must_refuse=not one.by_write_key, what=content)
    assert tried.wrong == {}


async def test_a_body_too_large_is_refused(tried: Tried) -> None:
    body = b'{"name": "' + b"x" * (MAX_BODY + 1) + b'"}'
    for one in WITH_BODY:
        await tried.ask(one, one.address(), content=body, status=413, what="oversized")
    assert tried.wrong == {}


@pytest.mark.parametrize("text", ODD_TEXTS, ids=["nul", "half a character", "strange and long"])
async def test_no_text_breaks_anything(tried: Tried, text: str) -> None:
    for one in WITH_BODY:
        for body in texts_changed(least(one.body or {}), one.body or {}, text):
            await tried.ask(one, one.address(), content=json.dumps(body).encode(), what=body)
    assert tried.wrong == {} and tried.count > 100


async def test_no_address_breaks_anything(tried: Tried) -> None:
    for one in OPERATIONS:
        content = json.dumps(least(one.body)).encode() if one.body is not None else None
        for parameter in one.parameters:
            for value in ODD_VALUES:
                if parameter["in"] == "path":
                    path = one.address(**{parameter["name"]: value})
                else:
                    path = f"{one.address()}?{parameter['name']}={quote(value, safe='')}"
                await tried.ask(one, path, content=content, what=path)
    assert tried.wrong == {} and tried.count > 500
