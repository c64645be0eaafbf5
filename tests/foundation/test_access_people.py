"""People: invitations, roles, the last owner; and the audit log of what changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from antiphon.foundation.access import PersonInvited, audit, bootstrap_owner
from antiphon.foundation.access.auditing import read_audit
from antiphon.foundation.access.passwords import use_cheap_hashing
from antiphon.foundation.access.room import ROOM as ACCESS
from antiphon.foundation.context import Context
from antiphon.foundation.notices import LISTENERS, Listener
from antiphon.foundation.principal import SYSTEM
from antiphon.web.room import ROOM as WEB

pytestmark = pytest.mark.store

HOUSE = (ACCESS, WEB)

PASSWORD = "a long enough word"


@pytest.fixture
def rooms() -> Any:
    return HOUSE


@pytest.fixture(autouse=True)
def cheap() -> None:
    use_cheap_hashing()


def token_of(link: str) -> str:
    return link.partition("token=")[2]


async def invite(client: httpx.AsyncClient, email: str = "Anna@Example.com", role: str = "analyst") -> dict[str, Any]:
    answer = await client.post("/v1/people", json={"email": email, "name": "Anna", "role": role})
    assert answer.status_code == 201, answer.text
    invited: dict[str, Any] = answer.json()
    return invited


async def test_an_invited_person_sets_a_password_and_signs_in(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    invited = await invite(client)
    assert invited["person"]["email"] == "anna@example.com"
    assert invited["person"]["invited"]
    body = {"token": token_of(invited["link"]), "password": PASSWORD, "name": "Anna B."}
    weak = await stranger.post("/v1/invitations/accept", json={**body, "password": "short"})
    assert weak.json()["code"] == "weak-password"
    accepted = await stranger.post("/v1/invitations/accept", json=body)  # a refused password has not spent the link
    assert accepted.json() == {"email": "anna@example.com"}
    signed = await stranger.post("/v1/session", json={"email": "ANNA@example.com", "password": PASSWORD})
    assert signed.json()["role"] == "analyst"
    assert signed.json()["name"] == "Anna B."
    again = await stranger.post("/v1/invitations/accept", json=body)
    assert (again.status_code, again.json()["code"]) == (404, "invitation-gone")


async def test_a_forged_or_expired_link_is_refused(app: Any, client: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    invited = await invite(client)
    token = token_of(invited["link"])
    forged = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    answer = await stranger.post("/v1/invitations/accept", json={"token": forged, "password": PASSWORD})
    assert answer.status_code == 404
    async with app.app.state.ctx.db.connection() as conn:
        await conn.execute("update invitation set expires_at = clock_timestamp()")
    answer = await stranger.post("/v1/invitations/accept", json={"token": token, "password": PASSWORD})
    assert answer.status_code == 404


async def test_an_invitation_leaves_a_notice_without_the_link(
    app: Any, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hear(ctx: Any, conn: Any, notice: PersonInvited) -> None: ...

    monkeypatch.setattr(LISTENERS, "_by_topic", {"PersonInvited": [Listener("test", PersonInvited, hear)]})
    invited = await invite(client)
    async with app.app.state.ctx.db.connection() as conn:
        (body,) = await (await conn.execute("select body from notice")).fetchone()
    assert (body["email"], body["purpose"]) == ("anna@example.com", "invitation")
    assert token_of(invited["link"]) not in str(body)


async def test_one_address_is_one_person(client: httpx.AsyncClient) -> None:
    await invite(client)
    body = {"email": "ANNA@example.com", "role": "agent"}
    answer = await client.post("/v1/people", json=body)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (409, "email-taken", "email")
    answer = await client.post("/v1/people", json={**body, "email": "no address"})
    assert (answer.status_code, answer.json()["field"]) == (400, "email")


async def test_the_last_owner_stays(client: httpx.AsyncClient) -> None:
    me = (await client.get("/v1/session")).json()["id"]
    for change in ({"role": "analyst"}, {"disabled": True}):
        answer = await client.patch(f"/v1/people/{me}", json=change)
        assert (answer.status_code, answer.json()["code"]) == (409, "last-owner")
    second = (await invite(client, "second@example.com", "owner"))["person"]["id"]
    assert (await client.patch(f"/v1/people/{me}", json={"role": "analyst"})).status_code == 200
    assert (await client.get("/v1/people")).status_code == 403  # at once
    assert second != me


async def test_disabling_signs_out_at_once(client: httpx.AsyncClient, as_role: Callable[[str], Any]) -> None:
    agent = await as_role("agent")
    person = (await agent.get("/v1/session")).json()["id"]
    disabled = await client.patch(f"/v1/people/{person}", json={"disabled": True})
    assert disabled.json()["disabled_at"]
    assert (await agent.get("/v1/session")).status_code == 401
    assert (await client.patch(f"/v1/people/{person}", json={"disabled": False})).json()["disabled_at"] is None


async def test_a_reset_gives_a_new_password_and_ends_sessions(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, as_role: Callable[[str], Any]
) -> None:
    agent = await as_role("agent")
    me = (await agent.get("/v1/session")).json()
    link = (await client.post(f"/v1/people/{me['id']}/reset")).json()["link"]
    body = {"token": token_of(link), "password": PASSWORD}
    assert (await stranger.post("/v1/invitations/accept", json=body)).status_code == 200
    assert (await agent.get("/v1/session")).status_code == 401
    assert (await stranger.post("/v1/session", json={"email": me["email"], "password": PASSWORD})).status_code == 200


async def test_preferences_are_ones_own(client: httpx.AsyncClient) -> None:
    answer = await client.patch("/v1/session/preferences", json={"locale": "zh", "theme": "dark", "name": " Ольга "})
    me = (await client.get("/v1/session")).json()
    assert answer.json() == me
    assert (me["locale"], me["theme"], me["name"]) == ("zh", "dark", "Ольга")
    assert (await client.patch("/v1/session/preferences", json={"locale": "fr"})).json()["field"] == "locale"


async def test_bootstrapping_an_owner_twice_changes_the_password(app: Any, stranger: httpx.AsyncClient) -> None:
    ctx = app.app.state.ctx
    first = await bootstrap_owner(ctx, "O@example.com", "first long word")
    second = await bootstrap_owner(ctx, "o@example.com", "second long word")
    assert first.id == second.id
    for password, status in (("first long word", 401), ("second long word", 200)):
        answer = await stranger.post("/v1/session", json={"email": "o@example.com", "password": password})
        assert answer.status_code == status


class TestAudit:
    async def test_changes_are_listed_latest_first_and_found_by_filters(self, client: httpx.AsyncClient) -> None:
        person = (await invite(client))["person"]["id"]
        await client.patch(f"/v1/people/{person}", json={"role": "agent"})
        entries = (await client.get("/v1/audit", params={"subject": f"person:{person}"})).json()["items"]
        assert [entry["action"] for entry in entries] == ["access.change_person", "access.invite_person"]
        assert entries[0]["before"]["role"] == "analyst"
        assert entries[0]["after"]["role"] == "agent"
        assert entries[0]["who_name"] == "Owner"
        for params, count in (
            ({"action": "access.invite"}, 1),
            ({"action": "access_invite"}, 0),
            ({"who_name": "%"}, 0),
            ({"since": "2100-01-01T00:00:00Z"}, 0),
            ({"until": "2100-01-01T00:00:00Z", "action": "access.invite"}, 1),
        ):
            assert len((await client.get("/v1/audit", params=params)).json()["items"]) == count, params

    async def test_pages_go_on_where_the_last_ended(self, app: Any, client: httpx.AsyncClient) -> None:
        async with app.app.state.ctx.db.transaction() as conn:
            for number in range(5):
                await audit(conn, SYSTEM, action="test.count", subject=f"number:{number}")
        seen: list[str] = []
        cursor = None
        while True:
            params = {"limit": 2, "action": "test."} | ({"cursor": cursor} if cursor else {})
            page = (await client.get("/v1/audit", params=params)).json()
            seen += [item["subject"] for item in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert seen == [f"number:{number}" for number in (4, 3, 2, 1, 0)]

    @pytest.mark.parametrize("cursor", ["x", "WyJhIl0", "W10", "WzEsMl0", "bnVsbA", "WzFlOTld", "é"])
    async def test_a_made_up_cursor_is_refused(self, client: httpx.AsyncClient, cursor: str) -> None:
        answer = await client.get("/v1/audit", params={"cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid-cursor")

    async def test_an_unknown_query_parameter_is_refused(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/v1/audit", params={"colour": "red"})
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "unknown-parameter", "colour")

    async def test_secrets_are_blotted_out(self, ctx: Context) -> None:
        before = {"name": "a", "smtp_password": "hunter2", "nested": [{"api_token": "t", "secret": None}]}
        async with ctx.db.transaction() as conn:
            await audit(conn, SYSTEM, action="test.change", subject="thing:1", before=before, after={"nul": "a\0b"})
            (entry,) = await read_audit(conn, limit=10)
        assert entry.before == {"name": "a", "smtp_password": "•••", "nested": [{"api_token": "•••", "secret": None}]}
        assert entry.after == {"nul": "a\ufffdb"}

    async def test_an_entry_is_as_lasting_as_its_change(self, ctx: Context) -> None:
        with pytest.raises(RuntimeError):
            async with ctx.db.transaction() as conn:
                await audit(conn, SYSTEM, action="test.change", subject="thing:1")
                raise RuntimeError("the change failed")
        async with ctx.db.connection() as conn:
            assert await read_audit(conn, limit=10) == []
