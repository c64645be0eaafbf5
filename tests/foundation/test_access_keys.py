"""Keys: shown once, kept as hashes, scoped, revocable, never wider than who made them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from antiphon.foundation.access import SYSTEM, Access, issue_key
from antiphon.foundation.access.room import ROOM as ACCESS
from antiphon.web.room import ROOM as WEB

pytestmark = pytest.mark.store

HOUSE = (ACCESS, WEB)


@pytest.fixture
def rooms() -> Any:
    return HOUSE


async def make(http: httpx.AsyncClient, **body: Any) -> httpx.Response:
    return await http.post("/v1/keys", json={"name": "a key", **body})


async def test_the_token_is_shown_once_and_kept_as_a_hash(app: Any, client: httpx.AsyncClient) -> None:
    made = (await make(client, permissions=["jobs:read"])).json()
    token = made["token"]
    assert token.startswith("ak_")
    assert token.startswith(made["key"]["hint"])
    assert token not in (await client.get("/v1/keys")).text
    assert token not in (await client.get("/v1/audit")).text
    async with app.app.state.ctx.db.connection() as conn:
        rows = await (await conn.execute("select to_jsonb(api_key)::text from api_key")).fetchall()
    assert token not in str(rows)


async def test_a_key_does_what_its_scope_says_and_no_more(client: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    token = (await make(client, permissions=["jobs:read"])).json()["token"]
    stranger.headers["authorization"] = f"Bearer {token}"
    assert (await stranger.get("/v1/jobs")).status_code == 200
    assert (await stranger.get("/v1/people")).status_code == 403
    me = (await stranger.get("/v1/session")).json()
    assert (me["kind"], me["permissions"], me["csrf"]) == ("key", ["jobs:read"], None)
    assert (await stranger.delete("/v1/session")).json()["code"] == "person-only"
    assert (await client.get("/v1/keys")).json()[0]["last_used_at"]


async def test_a_key_needs_no_csrf_token(client: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    token = (await make(client, permissions=["access:manage_keys", "jobs:read"])).json()["token"]
    stranger.headers["authorization"] = f"Bearer {token}"
    assert (await make(stranger, permissions=["jobs:read"])).status_code == 201


async def test_a_revoked_key_stops(client: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    made = (await make(client, permissions=["jobs:read"])).json()
    stranger.headers["authorization"] = f"Bearer {made['token']}"
    assert (await stranger.get("/v1/jobs")).status_code == 200
    assert (await client.delete(f"/v1/keys/{made['key']['id']}")).status_code == 204
    assert (await stranger.get("/v1/jobs")).status_code == 401
    assert (await client.delete("/v1/keys/999999")).status_code == 404


async def test_an_expired_key_stops(app: Any, client: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    made = (await make(client, permissions=["jobs:read"], expires_at="2100-01-01T00:00:00Z")).json()
    async with app.app.state.ctx.db.connection() as conn:
        await conn.execute("update api_key set expires_at = clock_timestamp()")
    stranger.headers["authorization"] = f"Bearer {made['token']}"
    assert (await stranger.get("/v1/jobs")).status_code == 401


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"permissions": []}, "key-needs-scope"),
        ({"permissions": ["nothing:at_all"]}, "unknown-permission"),
        ({"kind": "write", "permissions": ["jobs:read"]}, "key-needs-scope"),
        ({"permissions": ["jobs:read"], "expires_at": "tomorrow"}, "invalid-body"),
        ({"name": "", "permissions": ["jobs:read"]}, "invalid-body"),
    ],
)
async def test_a_senseless_key_is_refused(client: httpx.AsyncClient, body: dict[str, Any], code: str) -> None:
    answer = await make(client, **body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_nobody_makes_a_key_wider_than_themselves(as_role: Callable[[str], Any]) -> None:
    developer = await as_role("developer")
    answer = await make(developer, permissions=["access:manage_people"])
    assert (answer.status_code, answer.json()["code"]) == (403, "beyond-own-permissions")


async def test_a_key_loses_what_its_maker_loses(
    app: Any, client: httpx.AsyncClient, stranger: httpx.AsyncClient, as_role: Callable[[str], Any]
) -> None:
    developer = await as_role("developer")
    person = (await developer.get("/v1/session")).json()["id"]
    stranger.headers["authorization"] = f"Bearer {(await make(developer, permissions=['settings:read'])).json()['token']}"
    assert (await stranger.get("/v1/settings")).status_code == 200
    await client.patch(f"/v1/people/{person}", json={"role": "agent"})
    app.app.state.ctx.get(Access).forget_keys()
    assert (await stranger.get("/v1/settings")).status_code == 403
    await client.patch(f"/v1/people/{person}", json={"disabled": True})
    app.app.state.ctx.get(Access).forget_keys()
    assert (await stranger.get("/v1/settings")).status_code == 401


async def test_a_key_made_with_a_key_belongs_to_the_same_person(
    app: Any, client: httpx.AsyncClient, stranger: httpx.AsyncClient, as_role: Callable[[str], Any]
) -> None:
    developer = await as_role("developer")
    person = (await developer.get("/v1/session")).json()["id"]
    first = (await make(developer, permissions=["access:manage_keys", "jobs:read"])).json()
    stranger.headers["authorization"] = f"Bearer {first['token']}"
    second = (await make(stranger, permissions=["jobs:read"])).json()
    assert second["key"]["created_by"] == person
    stranger.headers["authorization"] = f"Bearer {second['token']}"
    assert (await stranger.get("/v1/jobs")).status_code == 200
    await client.patch(f"/v1/people/{person}", json={"disabled": True})
    app.app.state.ctx.get(Access).forget_keys()
    assert (await stranger.get("/v1/jobs")).status_code == 401


@pytest.mark.parametrize("scheme", ["bearer", "basic"])
async def test_a_write_key_writes_events_of_its_source_only(app: Any, stranger: httpx.AsyncClient, scheme: str) -> None:
    ctx = app.app.state.ctx
    async with ctx.db.transaction() as conn:
        made = await issue_key(conn, SYSTEM, name="site", kind="write", source_id=7)
    who = await ctx.get(Access).key(ctx, made.token)
    assert who.source_id == 7
    assert who.permissions == {"events:write"}
    basic = b64encode(f"{made.token}:".encode()).decode()
    stranger.headers["authorization"] = f"Bearer {made.token}" if scheme == "bearer" else f"Basic {basic}"
    assert (await stranger.get("/v1/session")).json()["name"] == "site"
    assert (await stranger.get("/v1/jobs")).status_code == 403


@pytest.mark.parametrize("header", ["Bearer", "Bearer nonsense", "Basic !!!", "Basic /w==", "Digest x", ""])
async def test_a_malformed_key_is_a_stranger(stranger: httpx.AsyncClient, header: str) -> None:
    assert (await stranger.get("/v1/jobs", headers={"authorization": header})).status_code == 401


async def test_a_wrong_key_beside_a_good_cookie_is_a_stranger(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/session", headers={"authorization": "Bearer ak_wrong"})).status_code == 401


async def test_a_look_up_is_remembered(app: Any, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    ctx = app.app.state.ctx
    access = ctx.get(Access)
    token = (await make(client, permissions=["jobs:read"])).json()["token"]
    first = await access.key(ctx, token)
    monkeypatch.setattr(ctx, "db", None)
    assert await access.key(ctx, token) is first
