"""The whole algebra on the real stores: for every kind of condition everybody's answer is the one of each person alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from pyroaring import BitMap
from tests.awareness.test_segments_timeline import DAY, HOUR, World, world

from antiphon.awareness.consent import ChannelKind, ChannelRegistry, Evidence, Statement, digest_key, record_consents
from antiphon.awareness.events import move_events
from antiphon.awareness.segments.check import Checker
from antiphon.awareness.segments.errors import InvalidTree
from antiphon.awareness.segments.evaluate import evaluate, known
from antiphon.awareness.segments.explain import one_person
from antiphon.awareness.segments.lookalikes import Lookalikes
from antiphon.awareness.segments.model import Node
from antiphon.awareness.segments.rules import validate
from antiphon.foundation.context import Context

pytestmark = pytest.mark.store
__all__ = ["world"]

DID: dict[str, Any] = {"kind": "event", "name": "Order Completed"}
MAIL: dict[str, Any] = {"kind": "engagement", "channel": "email", "did": "opened"}
CHANNELS = ChannelRegistry((ChannelKind("email", "email", "E-mail"), ChannelKind("sms", "phone", "SMS")))


async def track(world: World, user: str, event: str, **properties: Any) -> None:
    call = {"type": "track", "userId": user, "event": event, "messageId": f"{event}-{user}-{world.clock.now()}"}
    await world.say(call | {"properties": properties})


async def who(world: World, value: dict[str, Any]) -> list[int]:
    """The ids of those a tree means, worked out both ways."""
    tree = msgspec.convert(value, Node)
    async with world.ctx.db.connection() as conn:
        about = await known(conn, world.ctx)
        everybody = [row[0] for row in await (await conn.execute("select id from profile where merged_into is null")).fetchall()]
    validate(tree, about.traits, about.segments, about.around)
    now = world.clock.now()
    found = await evaluate(world.ctx, {0: tree}, now, about)
    checker = Checker(now, about.traits, about.segments)
    alone = [one for one in everybody if checker.holds(tree, await one_person(world.ctx, one, tree, about))]
    assert list(found.members[0]) == sorted(alone), value
    return sorted(alone)


@pytest.fixture
async def shop(world: World) -> World:
    """Ann, Bob and Cid: 1, 2 and 3."""
    world.ctx.put(ChannelRegistry, CHANNELS)
    world.ctx.put(Lookalikes, Lookalikes())
    await world.identify("ann", born="2000-06-02", timezone="Pacific/Auckland", tags=["a", "b"], lat=55.75, lon=37.61)
    await world.identify("bob", born="2000-06-02", timezone="Europe/Madrid", tags=[], lat=55.76, lon=37.61)
    await world.identify("cid")
    return world


async def test_people_as_they_are(shop: World) -> None:
    today = {"kind": "anniversary", "trait": "born"}
    assert await who(shop, today) == [1]  # it is noon in UTC on 1 June: in Auckland 2 June has begun
    assert await who(shop, today | {"begin": 1, "end": 7}) == [2]
    assert await who(shop, {"kind": "age", "trait": "born", "op": "ge", "value": 26}) == [1]
    shop.clock.advance(timedelta(hours=10))
    assert await who(shop, {"kind": "age", "trait": "born", "op": "ge", "value": 26}) == [1, 2]
    assert await who(shop, {"kind": "length", "trait": "tags", "op": "eq", "value": 0}) == [2]
    assert await who(shop, {"kind": "trait", "trait": "tags", "op": "all", "values": ["b", "a"]}) == [1]
    near = {"kind": "near", "latitude": "lat", "longitude": "lon", "place": {"latitude": 55.75, "longitude": 37.61}}
    assert await who(shop, near | {"metres": 1_000}) == [1]
    assert await who(shop, near | {"metres": 1_112}) == [1, 2]
    assert await who(shop, near | {"metres": 1_000, "op": "beyond"}) == [2]
    halves = [await who(shop, {"kind": "share", "salt": "s", "begin": low, "end": low + 50}) for low in (0, 50)]
    assert sorted(halves[0] + halves[1]) == [1, 2, 3]


async def test_what_they_did_and_in_what_order(shop: World) -> None:
    for user, event, sku in (
        ("ann", "Cart Viewed", "x"), ("bob", "Cart Viewed", "x"), ("ann", "Order Completed", "x"), ("cid", "Order Completed", "x"),
        ("ann", "Order Completed", "y"), ("bob", "Cart Viewed", "y"),
    ):  # fmt: skip
        await track(shop, user, event, sku=sku)
        shop.clock.advance(HOUR)
        if sku == "x" and user == "cid":
            await move_events(shop.ctx)
    assert await who(shop, DID | {"measure": "distinct", "property": "sku", "op": "ge", "value": 2}) == [1]
    since = {"kind": "since_event", "name": "Cart Viewed"}
    assert await who(shop, DID | {"window": since, "op": "ge", "value": 2}) == [1]
    assert await who(shop, DID | {"window": since, "op": "did_not"}) == [2, 3]
    assert await who(shop, DID | {"window": {"kind": "calendar", "period": "month"}}) == [1, 3]
    assert await who(shop, DID | {"window": {"kind": "calendar", "period": "month", "which": "last"}}) == []
    two = {"kind": "ago", "end": {"amount": 3, "unit": "hours"}}
    assert await who(shop, {"kind": "event_time", "name": "Order Completed", "which": "first", "window": two}) == [1, 3]
    assert await who(shop, {"kind": "event_time", "name": "Order Completed", "which": "last", "window": two}) == [3]
    hour = {"amount": 1, "unit": "hours"}
    order: dict[str, Any] = {"kind": "sequence", "steps": [{"name": "Cart Viewed"}, {"name": "Order Completed"}]}
    assert await who(shop, order) == [1]
    assert (
        await who(shop, {"kind": "sequence", "steps": [{"name": "Cart Viewed"}, {"name": "Order Completed", "at_most": hour}]})
        == []
    )
    left = {"name": "Order Completed", "absent": True, "at_most": {"amount": 5, "unit": "hours"}}
    assert await who(shop, {"kind": "sequence", "steps": [{"name": "Cart Viewed"}, left]}) == [2]


async def test_consent_and_reach(shop: World) -> None:
    ctx = shop.ctx
    async with ctx.db.transaction() as conn:
        rows = [
            ("email", "ann@x.example", 1, -2), ("email", "old@x.example", 1, -9), ("email", "bob@x.example", 2, -2), ("phone", "+10", 1, 0),
            ("email", "cid@x.example", 3, 0),
        ]  # fmt: skip
        for kind, value, profile, days in rows:
            sql = "insert into identity (kind, value, profile_id, origin_id, created_at) values (%s, %s, %s, %s, %s)"
            await conn.execute(sql, (kind, value, profile, profile, ctx.clock.now() + days * DAY))
        await record_consents(conn, [said(ctx, one, state) for one, state in ((1, "granted"), (2, "granted"), (3, "withdrawn"))])
        await conn.execute(
            "insert into suppression (channel, address, reason, at) values ('email', 'old@x.example', 'manual', now())"
        )
    reach = {"kind": "reachable", "channel": "email"}
    assert await who(shop, reach) == [1, 2, 3]
    assert await who(shop, reach | {"topic": "news"}) == [1, 2]
    assert await who(shop, {"kind": "reachable", "channel": "sms"}) == [1]
    async with ctx.db.transaction() as conn:  # bob's by himself, cid's is that of somebody who was erased
        await conn.execute(
            "insert into suppression (channel, address, reason, at) values ('email', 'bob@x.example', 'manual', now())"
        )
        await conn.execute(
            "insert into suppression_digest (channel, digest, reason, at) "
            "values ('email', sha256(%s::bytea || convert_to('cid@x.example', 'UTF8')), 'complaint', now())",
            (digest_key(ctx),),
        )
    assert await who(shop, reach) == [1]
    states = {state: await who(shop, {"kind": "consent", "channel": "email", "topic": "news", "state": state})
              for state in ("granted", "withdrawn", "pending", "unknown")}  # fmt: skip
    assert states == {"granted": [1, 2], "withdrawn": [3], "pending": [], "unknown": []}
    assert await who(shop, {"kind": "consent", "channel": "sms", "topic": "news", "state": "unknown"}) == [1, 2, 3]


def said(ctx: Context, profile: int, state: Any) -> Statement:
    evidence = Evidence(text="yes")
    return Statement(
        profile_id=profile, channel="email", topic="news", state=state, at=ctx.clock.now(), source="form", evidence=evidence
    )


async def test_engagement_by_campaign_and_template(shop: World) -> None:
    await track(shop, "ann", "Email Opened", campaign_id=7, template_id=3, channel="email")
    await track(shop, "ann", "Email Link Clicked", campaign_id=7, template_id=3, channel="email")
    await track(shop, "bob", "Email Opened", campaign_id=8, template_id=3, channel="email")
    await track(shop, "bob", "Unsubscribed", campaign_id=8, channel="sms")
    assert await who(shop, MAIL) == [1, 2]
    assert await who(shop, MAIL | {"campaign_id": 7}) == [1]
    assert await who(shop, MAIL | {"template_id": 3, "op": "did_not"}) == [3]
    assert await who(shop, MAIL | {"did": "clicked", "op": "lt", "value": 1}) == [2, 3]
    assert await who(shop, MAIL | {"did": "unsubscribed"}) == []
    assert await who(shop, {"kind": "engagement", "channel": "sms", "did": "unsubscribed"}) == [2]


async def test_likeness_is_asked_of_whoever_registered_for_it(shop: World) -> None:
    segment = await shop.segment("Cid", msgspec.convert({"kind": "profiles", "ids": [3]}, Node))
    alike = {"kind": "lookalike", "id": segment, "percent": 40}
    with pytest.raises(InvalidTree, match="no model of likeness"):
        await who(shop, alike)
    asked: list[Sequence[Any]] = []

    async def model(ctx: Context, segment_id: int, percent: float, now: datetime) -> BitMap:
        asked.append((segment_id, percent, now))
        return BitMap([2, 3, 99])

    shop.ctx.get(Lookalikes).register(model)
    assert await who(shop, alike) == [2, 3]
    assert await who(shop, {"kind": "not", "of": alike}) == [1]
    assert set(asked) == {(segment, 40.0, shop.clock.now())}
