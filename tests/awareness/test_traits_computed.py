"""Computed traits: what is counted, that counting new events gives what counting all of history gives, and who may write them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from antiphon.awareness import profiles
from antiphon.awareness.events import move_events
from antiphon.awareness.events.filters import PropertyFilter
from antiphon.awareness.profiles import Identity, Person, resolve, stamp_of
from antiphon.awareness.profiles.service import merge_profiles, run_erasure, undo_merge
from antiphon.awareness.traits import mirror_profiles, registry
from antiphon.awareness.traits.computed import service, store
from antiphon.awareness.traits.computed.loops import LOOPS
from antiphon.awareness.traits.computed.model import Affinity, AffinitySource, Definition, Measured
from antiphon.awareness.traits.room import ROOM
from antiphon.foundation.access import SYSTEM
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeClient
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.notices import LISTENERS, LOOPS as NOTICE_LOOPS
from antiphon.foundation.postgres import Jsonb

pytestmark = pytest.mark.store
Happened = tuple[int, str, datetime, dict[str, Any]]


async def people(ctx: Context, count: int) -> list[int]:
    now = ctx.clock.now()
    async with ctx.db.transaction() as conn:
        return await resolve(
            conn,
            [Person((Identity("user_id", f"u{random.random()}"),), None, stamp_of(now, f"m{n}"), now) for n in range(count)],
            at=now,
        )


async def happen(ctx: Context, events: Iterable[Happened]) -> None:
    """Events as intake writes them: lane 0, in order, with intake's cursor."""
    async with ctx.db.transaction() as conn:
        await conn.execute("select ensure_day('event', %s)", (ctx.clock.now().date(),))
        row = await (await conn.execute("select coalesce(max(seq), 0) from event")).fetchone()
        assert row is not None
        seq = row[0]
        for profile, name, ts, properties in events:
            seq += 1
            await conn.execute(
                "insert into event (lane, seq, received_at, ts, profile_id, name, kind, message_id, source_id, properties) "
                "values (0, %s, %s, %s, %s, %s, 'track', %s, 1, %s)",
                (seq, ctx.clock.now(), ts, profile, name, f"m{seq:06}", Jsonb(properties)),
            )
        await conn.execute(
            "insert into intake_cursor (lane, seq, received_at) values (0, %s, %s) on conflict (lane) do update set seq = excluded.seq",
            (seq, ctx.clock.now()),
        )


async def define(ctx: Context, name: str, definition: Definition) -> int:
    return (await service.define(ctx, SYSTEM, name=name, description="", definition=definition)).id


async def count(ctx: Context) -> None:
    LISTENERS.register(ROOM.listeners)
    await run_until_idle(ctx, [*NOTICE_LOOPS, *LOOPS])


async def traits(ctx: Context, profile: int) -> dict[str, Any]:
    async with ctx.db.connection() as conn:
        row = await (await conn.execute("select traits from profile where id = %s", (profile,))).fetchone()
    assert row is not None
    return dict(row[0])


ORDER = "Order Completed"
SHOP: dict[str, Definition] = {
    "orders": Measured(measure="count", event=ORDER, default=0),
    "value": Measured(measure="sum", event=ORDER, property="total"),
    "usual": Measured(measure="average", event=ORDER, property="total"),
    "cheapest": Measured(measure="least", event=ORDER, property="total"),
    "dearest": Measured(measure="greatest", event=ORDER, property="total"),
    "first_city": Measured(measure="first", event=ORDER, property="city"),
    "last_city": Measured(measure="last", event=ORDER, property="city"),
    "last_order": Measured(measure="last", event=ORDER),
    "cities": Measured(measure="distinct", event=ORDER, property="city"),
    "favourite": Measured(measure="most_frequent", event=ORDER, property="products.*.sku"),
    "skus": Measured(measure="distinct", event=ORDER, property="products.*.sku"),
    "big": Measured(measure="count", event=ORDER, where=[PropertyFilter(property="total", op="ge", value=10)]),
    "week": Measured(measure="count", event=ORDER, days=7, default=0),
    "week_value": Measured(measure="sum", event=ORDER, property="total", days=7),
    "week_favourite": Measured(measure="most_frequent", event=ORDER, property="city", days=7),
    "likes": Affinity(
        sources=[
            AffinitySource(event="Product Viewed", property="category"),
            AffinitySource(event=ORDER, property="products.*.category", weight=5),
        ],
        half_life_days=30, top=2,
    ),
}  # fmt: skip


def order(total: Any, city: Any, *products: tuple[str, str]) -> dict[str, Any]:
    return {"total": total, "city": city, "products": [{"sku": sku, "category": kind} for sku, kind in products]}


async def test_a_shop_in_all_measures(ctx: Context, lake: LakeClient, clock: VirtualClock) -> None:
    ann, bob = await people(ctx, 2)
    now = clock.now()
    await happen(ctx, [
        (ann, ORDER, now - timedelta(days=40), order(10, "Köln", ("a", "lamps"), ("b", "chairs"))),
        (ann, ORDER, now - timedelta(days=3), order("2.50", "Bonn", ("b", "chairs"))),
        (ann, ORDER, now - timedelta(hours=1), order(None, {"odd": 1}, ("b", "chairs"))),
        (ann, "Product Viewed", now, {"category": "lamps"}),
    ])  # fmt: skip
    for name, definition in SHOP.items():
        await define(ctx, name, definition)
    await count(ctx)
    chairs, lamps = 5 * (2 ** (-40 / 30) + 2 ** (-3 / 30) + 1), 5 * 2 ** (-40 / 30) + 1
    assert await traits(ctx, ann) == {
        "orders": 3, "value": 12.5, "usual": 6.25, "cheapest": 2.5, "dearest": 10, "first_city": "Köln", "last_city": "Bonn",
        "last_order": "2026-06-01T11:00:00Z", "cities": 2, "favourite": "b", "skus": 2, "big": 1, "week": 2, "week_value": 2.5,
        "week_favourite": "Bonn", "likes": ["chairs", "lamps"], "likes_share": round(chairs / (chairs + lamps), 6),
    }  # fmt: skip
    assert await traits(ctx, bob) == {"orders": 0, "week": 0}
    await mirror_profiles(ctx)
    async with ctx.db.connection() as conn:
        known = await registry(conn)
    assert {name: known[name].type for name in ("orders", "last_order", "favourite", "likes", "likes_share", "last_city")} == {
        "orders": "number", "last_order": "instant", "favourite": "text", "likes": "text_list", "likes_share": "number",
        "last_city": "text",
    }  # fmt: skip
    shown = {one.name: one for one in await service.list_computed(ctx)}
    assert (shown["orders"].state, shown["orders"].people, shown["value"].people) == ("ready", 2, 1)
    clock.advance(timedelta(days=4, hours=13))
    await count(ctx)
    assert (await traits(ctx, ann))["week"] == 1 and "week_value" not in await traits(ctx, ann)
    await happen(ctx, [(bob, ORDER, clock.now(), order(1, "Ulm"))])
    await people(ctx, 1)
    await count(ctx)
    assert (await traits(ctx, bob))["orders"] == 1 and (await traits(ctx, bob))["week_favourite"] == "Ulm"
