"""The truth of a tree for some people now is what the check of each of them alone says, whatever the tree and the people."""

from __future__ import annotations

import json
import random
import time
from datetime import datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from pyroaring import BitMap
from tests.awareness.segment_trees import AROUND, CHANNELS, INNER, NOW, NOWS, STATIC, TRAITS, Crowd, Trees

from antiphon.awareness.events import move_events
from antiphon.awareness.segments import InvalidTree, holds_for
from antiphon.awareness.segments.asked import Remembered
from antiphon.awareness.segments.bitmaps import encode
from antiphon.awareness.segments.check import Checker, Person
from antiphon.awareness.segments.evaluate import Known
from antiphon.awareness.segments.lookalikes import Lookalikes
from antiphon.awareness.segments.model import Node
from antiphon.awareness.traits import observe_traits
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection

pytestmark = pytest.mark.store
TABLES = "profile, identity, consent_state, suppression, alias, event, segment, segment_base"


async def insert(conn: Connection, table: str, columns: str, rows: list[list[Any]]) -> None:
    """Insert rows by one statement."""
    names = [one.split()[0] for one in columns.split(", ")]
    await conn.execute(
        f"insert into {table} ({', '.join(names)}) select r.* from json_to_recordset(%s::json) as r ({columns})",  # type: ignore[call-overload]
        (json.dumps([dict(zip(names, row, strict=True)) for row in rows], default=str),),
    )


async def fill(conn: Connection, people: list[Person], listed: set[int], merged: bool, now: datetime) -> None:
    """Put people into the tables, some of their events under ids that were merged into theirs."""
    await conn.execute(f"truncate {TABLES} cascade")  # type: ignore[call-overload]
    await conn.execute("insert into topic (name, title) values ('offers', 'Offers') on conflict do nothing")
    for ahead in range(-1, 4):
        await conn.execute("select ensure_day('event', %s)", ((now + timedelta(days=ahead)).date(),))
    await insert(conn, "profile", "id bigint, traits jsonb", [[one.id, one.traits] for one in people])
    events = [
        [seq, max(event.ts, now), event.ts, person.id + 100 if merged and seq % 3 == 0 else person.id, event.name, event.properties]
        for person in people
        for seq, event in enumerate(person.events, start=person.id * 1000)
    ]
    await insert(conn, "event", "lane smallint, seq bigint, received_at timestamptz, ts timestamptz, profile_id bigint, name text, "
                 "kind text, message_id text, source_id int, properties jsonb",
                 [[0, seq, at, ts, whose, name, "track", str(seq), 0, said] for seq, at, ts, whose, name, said in events])  # fmt: skip
    if merged:
        await insert(conn, "alias", "from_id bigint, to_id bigint, into_id bigint, at timestamptz, reason text",
                     [[one.id + 100, one.id, one.id, now, "test"] for one in people])  # fmt: skip
    await insert(conn, "identity", "kind text, value text, profile_id bigint, created_at timestamptz",
                 [[CHANNELS[channel], address, one.id, now] for one in people for channel, address in one.addresses.items()])  # fmt: skip
    await insert(conn, "consent_state", "profile_id bigint, channel text, topic text, state text, at timestamptz, consent_id bigint",
                 [[one.id, *key, state, now, 0] for one in people for key, state in one.consents.items()])  # fmt: skip
    await insert(conn, "suppression", "channel text, address text, reason text, source text, at timestamptz",
                 [[channel, one.addresses[channel], "manual", "test", now] for one in people for channel in one.suppressed])  # fmt: skip
    await conn.execute("insert into segment (id, name, description, kind, refs, created_at, updated_at) overriding system value"
                       " values (%s, 'list', '', 'static', '{}', now(), now())", (STATIC,))  # fmt: skip
    await conn.execute("insert into segment_base (segment_id, seq, ids, size) values (%s, 1, %s, 0)", (STATIC, encode(BitMap(listed))))


async def knowing(ctx: Context, segments: dict[int, Node | None], merged: bool, people: list[Person]) -> None:
    """The process knows these traits and segments, and a model of likeness."""
    async def alike(_: Context, ref: int, percent: float, now: datetime) -> BitMap:
        return BitMap(one.id for one in people if (ref, percent) in one.alike)

    model = Lookalikes()
    model.register(alike)
    ctx.put(Lookalikes, model)
    kept = Remembered()
    kept.about, kept.at = Known(TRAITS, segments, merged, AROUND), time.monotonic() + 3600
    ctx.put(Remembered, kept)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    choices=st.randoms(use_true_random=False), seed=st.integers(0, 2**32), listed=st.sets(st.integers(1, 33)), merged=st.booleans(),
    now=st.sampled_from(NOWS),
)  # fmt: skip
async def test_together_is_one_by_one(
    ctx: Context, choices: random.Random, seed: int, listed: set[int], merged: bool, now: datetime
) -> None:
    trees, people = Trees(choices, now), Crowd(seed, now).people(listed)
    inner = trees.plain()
    segments: dict[int, Node | None] = {INNER: inner, STATIC: None}
    await knowing(ctx, segments, merged, people)
    checker = Checker(now, TRAITS, segments)
    asked = np.array([one.id for one in people] + [people[0].id], dtype=np.int64)
    async with ctx.db.transaction() as conn:
        await fill(conn, people, listed, merged, now)
        for tree in [trees.tree() for _ in range(4)] + [trees.leaf() for _ in range(6)]:
            found = await holds_for(ctx, conn, tree, asked, now)
            expected = [checker.holds(tree, one) for one in people]
            assert found.tolist() == [*expected, expected[0]], tree
            if merged:
                assert (await holds_for(ctx, conn, tree, asked + 100, now)).tolist() == found.tolist()


async def test_what_is_beyond_the_hot_part_is_read_from_the_lake(ctx: Context, lake: Any, clock: VirtualClock) -> None:
    now = clock.now()
    person = Person(1, {}, [])
    async with ctx.db.transaction() as conn:
        await fill(conn, [person], set(), False, now - timedelta(days=9))
        await insert(conn, "event", "lane smallint, seq bigint, received_at timestamptz, ts timestamptz, profile_id bigint, name text, "
                     "kind text, message_id text, source_id int, properties jsonb",
                     [[0, 1, now - timedelta(days=9), now - timedelta(days=9), 1, "Ordered", "track", "a", 0, {"n": 1}]])  # fmt: skip
    await move_events(ctx)
    ever, lately = {"kind": "event", "name": "Ordered"}, {"kind": "event", "name": "Ordered", "window": {"kind": "last", "amount": 2, "unit": "days"}}
    ids = np.array([1, 2], dtype=np.int64)
    async with ctx.db.connection() as conn:
        assert (await holds_for(ctx, conn, msgspec.convert(ever, Node), ids, now)).tolist() == [True, False]
        names = await (await conn.execute("select relname from pg_class where relname ~ '^event_\\d{8}$'")).fetchall()
        for (name,) in names:  # the hot days are dropped, as upkeep does
            await conn.execute(f'drop table "{name}"')  # type: ignore[call-overload]
        await conn.execute("insert into lake_upkeep (task, done_at) values ('events.dropped', now())")
        await conn.execute("select ensure_day('event', %s)", ((now - timedelta(days=4)).date(),))
        assert (await holds_for(ctx, conn, msgspec.convert(ever, Node), ids, now)).tolist() == [True, False]
        await lake.close()  # what is recent needs no lake
        assert (await holds_for(ctx, conn, msgspec.convert(lately, Node), ids, now)).tolist() == [False, False]


async def test_what_is_not_there_is_refused(ctx: Context) -> None:
    ids = np.array([1], dtype=np.int64)
    async with ctx.db.connection() as conn:
        for tree in ({"kind": "trait", "trait": "plan", "op": "set"}, {"kind": "segment", "id": 77}):
            with pytest.raises(InvalidTree):
                await holds_for(ctx, conn, msgspec.convert(tree, Node), ids, NOW)
        await observe_traits(conn, {"plan": "text"}, NOW)  # what is new is known at once
        assert (await holds_for(ctx, conn, msgspec.convert({"kind": "trait", "trait": "plan", "op": "not_set"}, Node), ids, NOW)).all()
        assert len(await holds_for(ctx, conn, msgspec.convert({"kind": "and", "of": []}, Node), ids[:0], NOW)) == 0


async def test_many_people_by_their_traits_are_quick(ctx: Context) -> None:
    people = 20_000
    async with ctx.db.connection() as conn:
        await conn.execute("insert into profile (id, traits) select i, jsonb_build_object('plan', 'p' || i %% 7, 'age', i %% 90, 'first', 'P' || i,"
                           " 'city', 'c' || i %% 100, 'total', i * 1.5) from generate_series(1, %s) i", (people,))  # fmt: skip
        await conn.execute("analyze profile")
        await observe_traits(conn, {"plan": "text", "age": "number", "total": "number"}, NOW)
        tree = msgspec.convert({"kind": "or", "of": [
            {"kind": "trait", "trait": "plan", "op": "in", "values": ["p1", "p2"]}, {"kind": "trait", "trait": "age", "op": "ge", "value": 80},
            {"kind": "not", "of": {"kind": "trait", "trait": "plan", "op": "set"}},
        ]}, Node)  # fmt: skip
        ids = np.arange(1, people + 1)
        took = []
        for _ in range(3):
            began = time.perf_counter()
            found = await holds_for(ctx, conn, tree, ids, NOW)
            took.append(time.perf_counter() - began)
        assert int(found.sum()) == sum(1 for i in range(1, people + 1) if i % 7 in (1, 2) or i % 90 >= 80)
        assert min(took) < 10, took  # 0.1 on a machine of its own


