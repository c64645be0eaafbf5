"""Looking through verifications: newest first, page by page, by state and by customer."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.execution import doors
from tests.execution.cast import add_people

from antiphon.foundation.context import Context

rooms, ctx = doors.rooms, doors.ctx

pytestmark = pytest.mark.store


async def asked(ctx: Context, number: int, profile_id: int, state: str, channels: tuple[str, ...] = ("sms",)) -> None:
    """A verification, as it is kept."""
    ended = None if state == "pending" else ctx.clock.now()
    async with ctx.db.transaction() as conn:
        row = await (
            await conn.execute(
                "insert into verification (key, profile_id, state, created_at, expires_at, ended_at, created_by)"
                " values (%s, %s, %s, %s, %s, %s, 'key:3') returning id",
                (f"key:3:order-{number}", profile_id, state, ctx.clock.now(), ctx.clock.now(), ended),
            )
        ).fetchone()
        assert row is not None
        for factor, channel in enumerate(channels, 1):
            await conn.execute(
                "insert into verification_factor (verification_id, profile_id, factor, channel, address, digest, length, most_wrong,"
                " most_sendings, sent_at) values (%s, %s, %s, %s, '+4915112345678', ''::bytea, 6, 5, 4, %s)",
                (row[0], profile_id, factor, channel, ctx.clock.now()),
            )


@pytest.fixture
async def some(ctx: Context) -> None:
    """Seven of two customers and of nobody, every third with two channels."""
    async with ctx.db.transaction() as conn:
        await add_people(conn, 2)
    for number in range(1, 8):
        channels = ("sms", "voice") if number % 3 == 0 else ("sms",)
        await asked(ctx, number, number % 3, "pending" if number == 7 else "passed" if number % 2 else "locked", channels)


async def keys(client: httpx.AsyncClient, **query: Any) -> tuple[list[str], str | None]:
    answer = await client.get("/v1/verifications", params=query)
    assert answer.status_code == 200, answer.text
    return [one["key"] for one in answer.json()["items"]], answer.json()["next"]


async def test_they_are_listed_page_by_page(client: httpx.AsyncClient, some: None) -> None:
    seen: list[str] = []
    cursor: str | None = None
    for size in (3, 3, 1):
        found, cursor = await keys(client, limit=3, **({"cursor": cursor} if cursor else {}))
        assert len(found) == size
        seen += found
    assert cursor is None and seen == [f"order-{n}" for n in range(7, 0, -1)]


async def test_they_are_found_by_state_and_customer(client: httpx.AsyncClient, some: None) -> None:
    assert (await keys(client, state="pending"))[0] == ["order-7"]
    assert (await keys(client, profile_id=2))[0] == ["order-5", "order-2"]
    assert (await keys(client, profile_id=1, state="locked"))[0] == ["order-4"]
    assert (await client.get("/v1/verifications", params={"state": "lost"})).status_code == 400


async def test_each_tells_its_channels_and_covers_its_addresses(client: httpx.AsyncClient, some: None) -> None:
    items = {one["key"]: one for one in (await client.get("/v1/verifications")).json()["items"]}
    both = items["order-3"]
    assert [(one["factor"], one["channel"]) for one in both["factors"]] == [(1, "sms"), (2, "voice")]
    assert both["profile_id"] is None and items["order-4"]["profile_id"] == 1
    assert {factor["address"] for one in items.values() for factor in one["factors"]} == {"+49•••78"}
    (alone,) = items["order-7"]["factors"]
    assert alone == (await client.get(f"/v1/verifications/{items['order-7']['id']}")).json()["factors"][0]
