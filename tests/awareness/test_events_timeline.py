"""One person's timeline: events hot and cold, merges and consents in one order, through every page."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest

from antiphon.awareness.consent import Evidence, Statement, record_consents
from antiphon.awareness.events import move_events
from antiphon.awareness.events.intake import take_in
from antiphon.foundation.access import SYSTEM, issue_key
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Leases

pytestmark = pytest.mark.store


@pytest.fixture
def rooms() -> Any:
    names = ("foundation.access", "awareness.profiles", "awareness.consent", "awareness.events", "web")
    return [import_module(f"antiphon.{name}.room").ROOM for name in names]


async def say(ctx: Context, http: Any, key: str, *bodies: dict[str, Any]) -> None:
    answer = await http.post("/v1/batch", json={"batch": list(bodies)}, auth=(key, ""))
    assert answer.status_code == 200
    leases = Leases(ctx.db, ctx.node, ctx.kind)
    await leases.declare("intake", 64)
    held = await leases.share("intake", 64)
    while await take_in(ctx, held):
        pass


def did(who: str, name: str, hour: int) -> dict[str, Any]:
    return {"type": "track", "userId": who, "event": name, "timestamp": f"2026-05-01T{hour:02}:00:00Z"}


async def agree(ctx: Context, profile_id: int, state: Any, hour: int) -> None:
    async with ctx.db.transaction() as conn:
        await record_consents(conn, [Statement(
            profile_id=profile_id, channel="email", topic="news", state=state, source="shop form",
            at=ctx.clock.now().replace(month=5, day=1, hour=hour), evidence=Evidence(text="Yes, write to me"),
        )])  # fmt: skip


async def story(ctx: Context, client: Any, stranger: Any, move: bool) -> int:
    """Two people who turn out to be one, with what each did and said; the survivor's id."""
    key = (await client.post("/v1/sources", json={"name": "Shop"})).json()["write_key"]
    await say(ctx, stranger, key, did("one", "First", 1), did("two", "Second", 3))
    if move:
        assert await move_events(ctx) == 2
    found = {n: (await client.get("/v1/profiles", params={"q": n})).json()["items"][0]["id"] for n in ("one", "two")}
    await agree(ctx, found["one"], "granted", 2)
    await agree(ctx, found["two"], "withdrawn", 4)
    await say(ctx, stranger, key, did("two", "Third", 5))
    ctx.clock.advance(timedelta(minutes=1))  # type: ignore[attr-defined]
    merged = await client.post(f"/v1/profiles/{found['one']}/merge", json={"profile_id": found["two"]})
    assert merged.is_success, merged.text
    return int(found["one"])


async def read(http: Any, profile_id: int, limit: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    params: dict[str, Any] = {"limit": limit}
    for _ in range(20):
        page = (await http.get(f"/v1/profiles/{profile_id}/timeline", params=params)).json()
        items += page["items"]
        if page["next"] is None:
            return items
        params["cursor"] = page["next"]
    raise AssertionError("pages without end")


WHOLE = ["Profiles Merged", "Third", "Consent Withdrawn", "Second", "Consent Granted", "First"]


async def test_everything_that_happened_is_in_one_order_through_all_pages(
    lake: Any, app: Any, client: Any, stranger: Any
) -> None:
    one = await story(app.app.state.ctx, client, stranger, move=True)
    items: list[dict[str, Any]] = []
    for limit in (1, 2, 4, 50):
        items = await read(client, one, limit)
        assert [item["name"] for item in items] == WHOLE
        assert {item["profile_id"] for item in items} == {one}
    merge, said = items[0], items[2]
    assert merge["kind"] == "merge" and merge["properties"]["into"] == one and merge["properties"]["from"] != one
    assert said["kind"] == "consent" and said["ts"] == "2026-05-01T04:00:00Z"
    assert said["properties"] == {
        "channel": "email", "topic": "news", "topic_title": "News and offers", "state": "withdrawn", "source": "shop form",
    }  # fmt: skip
    assert said["context"] == {"evidence": {"text": "Yes, write to me"}}


async def test_without_the_lake_what_is_hot_is_shown_with_the_ledgers(app: Any, client: Any, stranger: Any) -> None:
    one = await story(app.app.state.ctx, client, stranger, move=False)
    assert [item["name"] for item in await read(client, one, 2)] == WHOLE


async def test_consents_are_for_those_who_may_read_them(app: Any, client: Any, stranger: Any) -> None:
    ctx = app.app.state.ctx
    one = await story(ctx, client, stranger, move=False)
    async with ctx.db.transaction() as conn:
        key = await issue_key(conn, SYSTEM, name="k", kind="api", permissions=["profiles:read"])
    stranger.headers["authorization"] = f"Bearer {key.token}"
    assert [item["name"] for item in await read(stranger, one, 2)] == [n for n in WHOLE if "Consent" not in n]
