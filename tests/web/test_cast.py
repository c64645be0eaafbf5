"""The cast: every endpoint there is, tried as owner, as somebody without its permission, and as a stranger.

Nothing is listed here: routes come from the application, so a new endpoint is tried from the day it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from litestar.handlers import HTTPRouteHandler

from antiphon.foundation.access import SYSTEM, Access, issue_key
from antiphon.foundation.http import PUBLIC, SIGNED_IN
from antiphon.foundation.principal import ROLES
from antiphon.web.live import LiveFeed

SAMPLES = {"int": "999999999", "str": "nothing", "UUID": "00000000-0000-0000-0000-000000000000", "Path": "nothing"}


class Endpoint:
    """One method of one path."""

    def __init__(self, method: str, path: str, permission: str) -> None:
        self.method = method
        self.path = path
        self.permission = permission

    def __repr__(self) -> str:
        return f"{self.method} {self.path}"

    async def ask(self, http: httpx.AsyncClient) -> httpx.Response:
        body: Any = {} if self.method in ("POST", "PUT", "PATCH") else None
        return await http.request(self.method, self.path, json=body)


def endpoints(app: Any) -> Iterator[Endpoint]:
    for route in app.app.routes:
        parts = [part if isinstance(part, str) else SAMPLES[part.type.__name__] for part in route.path_components]
        for handler in getattr(route, "route_handlers", ()):
            if isinstance(handler, HTTPRouteHandler):
                for method in sorted(handler.http_methods - {"OPTIONS"}):
                    yield Endpoint(method, "/" + "/".join(parts), handler.opt["permission"])


@pytest.fixture
def every(app: Any) -> list[Endpoint]:
    app.app.state.ctx.get(LiveFeed).close()  # streams end at once
    found = list(endpoints(app))
    assert len(found) > 30
    return found


async def test_a_stranger_is_let_in_by_public_endpoints_only(every: list[Endpoint], stranger: httpx.AsyncClient) -> None:
    wrong = {}
    for endpoint in every:
        answer = await endpoint.ask(stranger)
        code = answer.json().get("code") if answer.headers.get("content-type", "").endswith("json") else None
        if (code == "not-signed-in") == (endpoint.permission == PUBLIC):
            wrong[repr(endpoint)] = (answer.status_code, answer.text[:200])
        if endpoint.permission != PUBLIC and answer.status_code != 401:
            wrong[repr(endpoint)] = (answer.status_code, answer.text[:200])
    assert wrong == {}


async def test_a_role_without_the_permission_is_refused(
    app: Any, every: list[Endpoint], as_role: Callable[[str], Any]
) -> None:
    declared = app.app.state.ctx.get(Access).declared
    clients = {role: await as_role(role) for role in ROLES}
    wrong = {}
    tried = 0
    for endpoint in every:
        if endpoint.permission in (PUBLIC, SIGNED_IN):
            continue
        for role in ROLES:
            if role != "owner" and role not in declared[endpoint.permission]:
                answer = await endpoint.ask(clients[role])
                tried += 1
                if answer.status_code != 403 or answer.json()["code"] != "permission-missing":
                    wrong[f"{endpoint} as {role}"] = (answer.status_code, answer.text[:200])
    assert wrong == {}
    assert tried > 30


async def test_a_key_without_the_permission_is_refused(app: Any, every: list[Endpoint], stranger: httpx.AsyncClient) -> None:
    """Keys reach what all roles may do, too, so that no permission goes untried."""
    ctx = app.app.state.ctx
    keys = []
    for permission in ("access:read_audit", "jobs:read"):
        async with ctx.db.transaction() as conn:
            keys.append((permission, await issue_key(conn, SYSTEM, name="k", kind="api", permissions=[permission])))
    wrong = {}
    for endpoint in every:
        if endpoint.permission in (PUBLIC, SIGNED_IN):
            continue
        key = next(key for permission, key in keys if permission != endpoint.permission)
        stranger.headers["authorization"] = f"Bearer {key.token}"
        answer = await endpoint.ask(stranger)
        if answer.status_code != 403:
            wrong[repr(endpoint)] = (answer.status_code, answer.text[:200])
    assert wrong == {}


async def test_the_owner_is_refused_nowhere_and_nothing_breaks(every: list[Endpoint], as_role: Callable[[str], Any]) -> None:
    wrong = {}
    for endpoint in every:
        owner = await as_role("owner")  # a new session each time: one of the endpoints signs out
        answer = await endpoint.ask(owner)
        refused = answer.status_code in (401, 403) and endpoint.path != "/v1/session"
        if refused or answer.status_code in (405, 500):
            wrong[repr(endpoint)] = (answer.status_code, answer.text[:300])
    assert wrong == {}
