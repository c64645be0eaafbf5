"""Computed traits: what is counted, that counting new events gives what counting all of history gives, and who may write them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest

from antiphon.awareness.events import Renaming, move_events, rename_events
from antiphon.awareness.events.corrections import LOOPS as CORRECTIONS
from antiphon.awareness.events.filters import PropertyFilter, filter_holds
from antiphon.awareness.events.values import dig, number, plain
from antiphon.awareness.profiles import Identity, Person, resolve, stamp_of
from antiphon.awareness.profiles.deciding import merge_profiles, undo_merge
from antiphon.awareness.profiles.room import ROOM as PROFILES_ROOM
from antiphon.awareness.traits import mirror_profiles, registry
from antiphon.awareness.traits.computed import service, store
from antiphon.awareness.traits.computed.loops import LOOPS
from antiphon.awareness.traits.computed.model import Affinity, AffinitySource, ComputedNameTaken, Definition, Measured
from antiphon.awareness.traits.room import ROOM
from antiphon.awareness.traits.service import JOBS as TRAIT_JOBS
from antiphon.foundation.access import SYSTEM
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import register_kinds
from antiphon.foundation.lake import LakeClient
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.notices import LISTENERS, LOOPS as NOTICE_LOOPS
from antiphon.foundation.personal import PersonalRooms
from antiphon.foundation.postgres import Jsonb

pytestmark = pytest.mark.store
_NUMBERS = itertools.count(1)  # in order: whose identity is the lesser survives a merge
Happened = tuple[int, str, datetime, dict[str, Any]]


async def people(ctx: Context, count: int) -> list[int]:
    now = ctx.clock.now()
    async with ctx.db.transaction() as conn:
        return await resolve(
            conn,
            [Person((Identity("user_id", f"u{next(_NUMBERS):06}"),), None, stamp_of(now, f"m{n}"), now) for n in range(count)],
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
                "values (0, %s, %s, %s, %s, %s, 'track', %s, 0, %s)",
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


async def say(ctx: Context, user: str, said: dict[str, Any], at: datetime, message: str = "m") -> int:
    async with ctx.db.transaction() as conn:
        person = Person((Identity("user_id", user),), msgspec.json.encode(said), stamp_of(at, message), at)
        return (await resolve(conn, [person], at=at))[0]


async def test_nobody_else_writes_a_computed_trait(ctx: Context, lake: LakeClient, clock: VirtualClock) -> None:
    now = clock.now()
    ann = await say(ctx, "ann", {"plan": "gold"}, now)
    await define(ctx, "orders", Measured(measure="count", event=ORDER, default=0))
    await count(ctx)
    await happen(ctx, [(ann, ORDER, now, order(1, "Köln"))])
    await say(ctx, "ann", {"orders": 99, "plan": "red"}, now + timedelta(hours=1), "m2")
    bob = await say(ctx, "bob", {"orders": 99}, now)
    await count(ctx)
    assert await traits(ctx, ann) == {"plan": "red", "orders": 1} and await traits(ctx, bob) == {}
    await ctx_greets(ctx)
    assert await traits(ctx, bob) == {"orders": 0}
    with pytest.raises(ComputedNameTaken):
        await define(ctx, "plan", Measured(measure="count", event=ORDER)) if await mirror_profiles(ctx) else None
    (shown,) = await service.list_computed(ctx)
    await service.remove(ctx, SYSTEM, shown.id)
    await count(ctx)
    assert await traits(ctx, ann) == {"plan": "red"} and await service.list_computed(ctx) == []
    await say(ctx, "ann", {"orders": "mine"}, now + timedelta(hours=2), "m3")
    assert await traits(ctx, ann) == {"plan": "red", "orders": "mine"}


async def ctx_greets(ctx: Context) -> None:
    """New people are looked at again without waiting."""
    for _ in range(2):
        async with ctx.db.transaction() as conn:
            await conn.execute("update computed_newcomers set at = '-infinity'")
        await count(ctx)


async def test_merges_partings_and_erasure_are_followed(ctx: Context, lake: LakeClient, clock: VirtualClock) -> None:
    register_kinds(TRAIT_JOBS)
    rooms = PersonalRooms()
    rooms.register([PROFILES_ROOM, ROOM])
    ann, bob = await people(ctx, 2)
    now = clock.now()
    await define(ctx, "orders", SHOP["orders"])
    await define(ctx, "last_city", SHOP["last_city"])
    await happen(ctx, [(ann, ORDER, now - timedelta(days=1), order(1, "Köln")), (bob, ORDER, now, order(1, "Bonn"))])
    await count(ctx)
    async with ctx.db.transaction() as conn:
        await merge_profiles(ctx, conn, SYSTEM, gone=bob, into=ann)
    await count(ctx)
    assert await traits(ctx, ann) == {"orders": 2, "last_city": "Bonn"}
    await happen(ctx, [(bob, ORDER, now - timedelta(days=2), order(1, "Ulm"))])  # late, and of the merged-away
    await count(ctx)
    assert await traits(ctx, ann) == {"orders": 3, "last_city": "Bonn"}
    async with ctx.db.transaction() as conn:
        await undo_merge(ctx, conn, SYSTEM, bob)
    await count(ctx)
    assert await traits(ctx, ann) == {"orders": 1, "last_city": "Köln"}
    assert await traits(ctx, bob) == {"orders": 2, "last_city": "Bonn"}
    async with ctx.db.transaction() as conn:
        await rooms.erase(ctx, conn, bob)
    async with ctx.db.connection() as conn:
        left = await (await conn.execute("select distinct profile_id from trait_tally")).fetchall()
    assert left == [(ann,)]
    await happen(ctx, [(bob, ORDER, now, order(1, "Ulm"))])  # an event that was on its way
    await count(ctx)
    async with ctx.db.connection() as conn:
        assert await (await conn.execute("select distinct profile_id from trait_tally")).fetchall() == left


def naive(definition: Definition, events: list[tuple[str, datetime, str, dict[str, Any]]], today: date) -> dict[str, Any]:
    """The values of one person, worked out by the letter of `computed.model`; '' is the trait's own name."""
    if isinstance(definition, Affinity):
        weights: dict[str, float] = {}
        for source in definition.sources:
            for name, ts, _, properties in events:
                if name == source.event:
                    for item in items_of(properties, source.property):
                        age = (today - ts.date()).days
                        weights[item] = weights.get(item, 0) + source.weight * 2 ** (-age / definition.half_life_days)
        if not weights:
            return {}
        whole = sum(weights.values())
        ranked = sorted(weights, key=lambda item: (-round(weights[item] / whole, 6), item))
        return {"": ranked[: definition.top], "_share": pytest.approx(weights[ranked[0]] / whole, abs=2e-6)}
    counted = [
        (ts, message, properties)
        for name, ts, message, properties in sorted(events, key=lambda e: (e[1], e[2]))
        if name == definition.event
        and all(filter_holds(one, properties) for one in definition.where)
        and (definition.days is None or ts.date() > today - timedelta(days=definition.days))
    ]
    path = definition.property or ""
    numbers = [n for _, _, properties in counted if (n := number(dig(properties, path))) is not None]
    found: Any = None
    match definition.measure:
        case "count":
            found = len(counted) or None
        case "sum":
            found = sum(numbers) if numbers else None
        case "average":
            mean = Fraction(sum(numbers)) / len(numbers) if numbers else None
            found = None if mean is None else float(round(mean, 9))
        case "least":
            found = min(numbers, default=None)
        case "greatest":
            found = max(numbers, default=None)
        case "first" | "last":
            said = [value for _, _, p in counted if isinstance(value := dig(p, path), str | int | float)]
            if not path:
                said = [ts.strftime("%Y-%m-%dT%H:%M:%SZ") for ts, _, _ in counted]
            found = (said[0] if definition.measure == "first" else said[-1]) if said else None
        case "distinct" | "most_frequent":
            came: dict[str, list[int]] = {}
            for place, (_, _, properties) in enumerate(counted):
                for item in items_of(properties, path):
                    came.setdefault(item, []).append(place)
            if definition.measure == "distinct":
                found = len(came) or None
            elif came:
                found = min(came, key=lambda item: (-len(came[item]), -max(came[item]), item))
    found = definition.default if found is None else found
    return {} if found is None else {"": pytest.approx(float(found), abs=1e-8) if isinstance(found, Decimal | float) else found}


def items_of(properties: dict[str, Any], path: str) -> list[str]:
    before, star, after = path.partition(".*.")
    values = [dig(properties, path)] if not star else [dig(one, after) for one in dig(properties, before) or []]
    return [item for value in values if (item := plain(value))]


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_added_up_is_what_all_of_history_says(
    ctx: Context, lake: LakeClient, clock: VirtualClock, seed: int
) -> None:
    dice = random.Random(seed)
    everybody = await people(ctx, 4)
    happened: list[Happened] = []
    for name, definition in SHOP.items():
        await define(ctx, name, definition)

    async def agree() -> None:
        await count(ctx)
        async with ctx.db.connection() as conn:
            alias = dict(await (await conn.execute("select from_id, to_id from alias")).fetchall())
        today = clock.now().date()
        for person in everybody:
            if person in alias:
                continue
            own = [(n, ts, f"m{i:06}", p) for i, (who, n, ts, p) in enumerate(happened, 1) if alias.get(who, who) == person]
            wanted = {
                name + part: value for name, definition in SHOP.items() for part, value in naive(definition, own, today).items()
            }
            assert await traits(ctx, person) == wanted

    for _ in range(5):
        events = [
            (
                dice.choice(everybody),
                dice.choice([ORDER, ORDER, "Product Viewed", "Other"]),
                (clock.now() - timedelta(minutes=dice.choice([0, 5, 60, 1440, 20000, 400000]))).replace(microsecond=0),
                order(
                    dice.choice([1, 2.5, "3.25", -4, "x", None, True, 12]),
                    dice.choice(["Köln", "Bonn", "", 5, None, {"x": 1}]),
                    *[(dice.choice("abc"), dice.choice(["lamps", "chairs"])) for _ in range(dice.randrange(3))],
                )
                | {"category": dice.choice(["lamps", "chairs", "beds"])},
            )
            for _ in range(dice.randrange(1, 12))
        ]
        happened += events
        await happen(ctx, events)
        if dice.random() < 0.7:
            await agree()  # what proves to be something else was counted
            for place in dice.sample(range(len(happened)), min(3, len(happened))):
                who, was, ts, said = happened[place]
                happened[place] = who, dice.choice([ORDER, "Product Viewed", "Other"]), ts, said
                async with ctx.db.transaction() as conn:
                    await rename_events(conn, [Renaming(who, was, happened[place][1], (f"m{place + 1:06}",))], clock.now())
            if dice.random() < 0.5:
                await move_events(ctx)
            await run_until_idle(ctx, CORRECTIONS)
        act = dice.choice(["merge", "part", "move", "wait", "wait"])
        async with ctx.db.transaction() as conn:
            alias = dict(await (await conn.execute("select from_id, to_id from alias")).fetchall())
            left = [one for one in everybody if one not in alias]
            if act == "merge" and len(left) > 1:
                one, other = dice.sample(left, 2)
                await merge_profiles(ctx, conn, SYSTEM, gone=one, into=other)
            elif act == "part" and alias:
                await undo_merge(ctx, conn, SYSTEM, dice.choice(list(alias)))
        if act == "move":
            await move_events(ctx)
        if act == "wait":
            clock.advance(timedelta(hours=dice.choice([1, 30, 100])))
        await agree()
    async with ctx.db.transaction() as conn:
        await store.refill(conn)
    await agree()


async def test_events_nobody_counted_in_time_are_counted_anew(ctx: Context, lake: LakeClient, clock: VirtualClock) -> None:
    (ann,) = await people(ctx, 1)
    await define(ctx, "orders", SHOP["orders"])
    await happen(ctx, [(ann, ORDER, clock.now(), order(1, "Köln"))])
    await count(ctx)
    clock.advance(timedelta(days=1))
    await happen(ctx, [(ann, ORDER, clock.now(), order(2, "Köln"))])
    await move_events(ctx)
    gone = clock.now().date()
    clock.advance(timedelta(days=5))  # nobody counts, and the days are dropped meanwhile
    await happen(ctx, [(ann, ORDER, clock.now(), order(3, "Köln"))])
    async with ctx.db.connection() as conn:
        for day in (gone - timedelta(days=1), gone):
            await conn.execute(f"drop table event_{day:%Y%m%d}")
    await count(ctx)
    assert await traits(ctx, ann) == {"orders": 3}
