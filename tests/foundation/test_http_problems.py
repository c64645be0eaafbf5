"""Every failure becomes a problem of RFC 9457 with a stable code, and nothing of our inside shows."""

from __future__ import annotations

import importlib
import pkgutil
import warnings
from typing import Annotated, Any

import httpx
import msgspec
import pytest
from litestar import Litestar
from litestar.exceptions import HTTPException

import antiphon
from antiphon.foundation.errors import KINDS, AntiphonError, BadSettings, Invalid, NotFound, Overloaded, TooMany
from antiphon.foundation.http import PUBLIC, Body, Shell, answer, describe, get, post, status_of
from antiphon.foundation.http.body import field_of, lenient_structs
from antiphon.foundation.http.problems import STATUS


def _subclasses(cls: type[AntiphonError]) -> set[type[AntiphonError]]:
    return {cls}.union(*(_subclasses(sub) for sub in cls.__subclasses__()))


@pytest.fixture(scope="module")
def every_error() -> list[type[AntiphonError]]:
    for module in pkgutil.walk_packages(antiphon.__path__, "antiphon."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    ours = {cls for cls in _subclasses(AntiphonError) if cls.__module__.startswith("antiphon.")}
    return sorted(ours, key=lambda cls: cls.__qualname__)


def test_every_kind_has_a_status() -> None:
    assert set(KINDS) - set(STATUS) == {BadSettings}  # settings are checked at start, no request meets them


def test_every_error_maps_and_says_something(every_error: list[type[AntiphonError]]) -> None:
    assert len(every_error) > 40
    for cls in every_error:
        error = cls.__new__(cls)
        AntiphonError.__init__(error)
        shown, _ = describe(error)
        assert shown.status == status_of(error)
        assert shown.status in {400, 401, 403, 404, 409, 413, 429, 500, 503}
        assert shown.code == cls.code
        assert shown.detail


def test_codes_are_stable_words_and_nobody_shares_one(every_error: list[type[AntiphonError]]) -> None:
    by_code: dict[str, list[str]] = {}
    for cls in every_error:
        by_code.setdefault(cls.code, []).append(cls.__qualname__)
        assert cls.code == cls.code.lower()
        assert " " not in cls.code
        assert "_" not in cls.code
    assert {code: names for code, names in by_code.items() if len(set(names)) > 1} == {}  # same name, same meaning


class Inner(Body, frozen=True, kw_only=True):
    count: Annotated[int, msgspec.Meta(ge=1)]


class Given(Body, frozen=True, kw_only=True):
    name: str
    parts: list[Inner] = []


class Loose(msgspec.Struct):
    x: int


class Outer(Body, frozen=True, kw_only=True):
    parts: dict[str, list[Loose | None]]


class Thing(NotFound):
    """There is no thing {number}."""


@post("/given", permission=PUBLIC, max_body=2000)
async def given(data: Given) -> Given:
    """Answer what was given."""
    return data


@get("/fails/{kind:str}", permission=PUBLIC)
async def fails(kind: str, number: int = 0) -> None:
    """Fail in some way."""
    errors: dict[str, Exception] = {
        "thing": Thing(number=number),
        "field": Invalid("Too long.", field="parts[0].name"),
        "many": TooMany(retry_after=7),
        "full": Overloaded(retry_after=0.2),
        "teapot": HTTPException("a secret inside", status_code=418),
        "bug": RuntimeError("password=hunter2"),
    }
    raise errors[kind]


@pytest.fixture
def http() -> httpx.AsyncClient:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        app = Litestar([given, fails], exception_handlers={Exception: answer}, openapi_config=None, logging_config=None)
    transport = httpx.ASGITransport(Shell(app, https=False))  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="http://test")


@pytest.mark.parametrize(
    ("path", "status", "code", "field"),
    [
        ("/fails/thing?number=4", 404, "thing", None),
        ("/fails/field", 400, "invalid", "parts[0].name"),
        ("/fails/many", 429, "too-many", None),
        ("/fails/full", 503, "overloaded", None),
        ("/fails/teapot", 418, "refused", None),
        ("/fails/bug", 500, "internal", None),
        ("/fails/nothing?number=four", 400, "invalid", "number"),
        ("/nowhere", 404, "not-found", None),
        ("/given", 405, "method-not-allowed", None),
    ],
)
async def test_what_goes_wrong_becomes_a_problem(
    http: httpx.AsyncClient, path: str, status: int, code: str, field: str | None
) -> None:
    reply = await http.get(path)
    problem = reply.json()
    assert reply.status_code == problem["status"] == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert (problem["code"], problem.get("field")) == (code, field)
    assert problem["request_id"] == reply.headers["x-request-id"]
    assert "hunter2" not in reply.text
    assert "Traceback" not in reply.text
    if status in (429, 503):
        assert int(reply.headers["retry-after"]) == (7 if status == 429 else 1)


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (b"{", "malformed-body", None),
        (b"\xff\xfe", "malformed-body", None),
        (b"[" * 1500, "invalid-body", None),
        (b"{}", "invalid-body", "name"),
        (b"", "malformed-body", None),
        (b"3", "invalid-body", None),
        (b'{"name": 3}', "invalid-body", "name"),
        (b'{"name": "a", "colour": 1}', "invalid-body", "colour"),
        (b'{"name": "a", "parts": [{"count": 1}, {"count": "2"}]}', "invalid-body", "parts[1].count"),
        (b'{"name": "a", "parts": [{"count": 0}]}', "invalid-body", "parts[0].count"),
        (b'{"name": "a", "parts": [{"count": 1, "x": 1}]}', "invalid-body", "parts[0].x"),
    ],
)
async def test_a_body_that_breaks_a_rule_names_field_and_rule(
    http: httpx.AsyncClient, body: bytes, code: str, field: str | None
) -> None:
    reply = await http.post("/given", content=body, headers={"content-type": "application/json"})
    assert reply.status_code == 400, reply.text
    assert (reply.json()["code"], reply.json().get("field")) == (code, field)
    assert reply.json()["detail"]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_refused(http: httpx.AsyncClient, chunked: bool) -> None:
    async def pieces() -> Any:
        for _ in range(40):
            yield b" " * 100

    reply = await http.post("/given", content=pieces() if chunked else b" " * 4000)
    assert (reply.status_code, reply.json()["code"]) == (413, "too-large")


async def test_a_good_body_arrives_as_its_type(http: httpx.AsyncClient) -> None:
    reply = await http.post("/given", json={"name": "a", "parts": [{"count": 2}]})
    assert (reply.status_code, reply.json()) == (201, {"name": "a", "parts": [{"count": 2}]})


async def test_a_callers_request_id_is_kept_if_it_is_one(http: httpx.AsyncClient) -> None:
    assert (await http.get("/nowhere", headers={"x-request-id": "abc-12345"})).headers["x-request-id"] == "abc-12345"
    assert (await http.get("/nowhere", headers={"x-request-id": "a b\tc<>"})).headers["x-request-id"] != "a b\tc<>"


async def test_every_answer_has_the_security_headers(http: httpx.AsyncClient) -> None:
    for path in ("/nowhere", "/fails/bug"):
        headers = (await http.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in headers["content-security-policy"]


def test_a_route_without_a_permission_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="no permission"):
        get("/open", permission="")


def test_a_body_that_would_let_unknown_keys_pass_is_found_however_deep() -> None:
    assert lenient_structs(Outer) == ["Loose"]
    assert lenient_structs(Given) == []


@pytest.mark.parametrize(
    ("message", "rule", "path"),
    [
        ("Expected `int`, got `str` - at `$.a[0].b`", "Expected `int`, got `str`", "a[0].b"),
        ("Expected `int`, got `str`", "Expected `int`, got `str`", None),
        ("Object contains unknown field `x`", "Object contains unknown field `x`", "x"),
        ("Object missing required field `y` - at `$[...]`", "Object missing required field `y`", "[].y"),
    ],
)
def test_a_rule_and_its_field_are_read_from_the_message(message: str, rule: str, path: str | None) -> None:
    assert field_of(message) == (rule, path)


class TestHot:
    @pytest.fixture
    def hot_http(self) -> httpx.AsyncClient:
        async def handler(scope: Any, receive: Any, send: Any) -> None:
            if scope["query_string"] == b"thing":
                raise Thing(number=1)
            if scope["query_string"] == b"bug":
                raise RuntimeError("password=hunter2")
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": scope["litestar_app"].encode(), "more_body": False})

        shell = Shell("the app", https=False, hot={"/hot": handler})
        return httpx.AsyncClient(transport=httpx.ASGITransport(shell), base_url="http://test")  # type: ignore[arg-type]

    async def test_a_hot_handler_is_called_past_the_application(self, hot_http: httpx.AsyncClient) -> None:
        assert (await hot_http.post("/hot")).text == "the app"

    @pytest.mark.parametrize(("query", "status", "code"), [("thing", 404, "thing"), ("bug", 500, "internal")])
    async def test_what_it_raises_becomes_a_problem_all_the_same(
        self, hot_http: httpx.AsyncClient, query: str, status: int, code: str
    ) -> None:
        reply = await hot_http.post(f"/hot?{query}")
        assert (reply.status_code, reply.json()["code"]) == (status, code)
        assert reply.headers["content-type"] == "application/problem+json"
        assert "hunter2" not in reply.text
