"""Combinations of segments, how they overlap, and how one grew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given, settings, strategies as st
from pyroaring import BitMap
from tests.awareness.test_segments_lookup import add_segment

from antiphon.awareness.profiles import mark_dirty
from antiphon.awareness.segments import growth, reads, store
from antiphon.awareness.segments.growth import _floor, _next
from antiphon.awareness.segments.sets import SetOf, _overlap, _work
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeClient

EXPRESSIONS = st.recursive(
    st.integers(1, 5),
    lambda inner: st.builds(
        SetOf, op=st.sampled_from(["union", "intersection", "difference"]), of=st.lists(inner, min_size=1, max_size=4)
    ),
    max_leaves=12,
).filter(lambda one: isinstance(one, SetOf))


def naive(one: Any, members: dict[int, set[int]]) -> set[int]:
    if isinstance(one, int):
        return members[one]
    first, *rest = [naive(part, members) for part in one.of]
    return {"union": first.union, "intersection": first.intersection, "difference": first.difference}[one.op](*rest)


@settings(max_examples=150)
@given(EXPRESSIONS, st.lists(st.sets(st.integers(0, 30)), min_size=5, max_size=5))
def test_a_combination_is_what_sets_of_python_say(expression: SetOf, people: list[set[int]]) -> None:
    members = {n: BitMap(some) for n, some in enumerate(people, start=1)}
    before = {n: some.copy() for n, some in members.items()}
    assert set(_work(expression, members)) == naive(expression, dict(enumerate(people, start=1)))
    assert members == before


@given(st.lists(st.sets(st.integers(0, 30)), min_size=1, max_size=3))
def test_regions_hold_everybody_once(people: list[set[int]]) -> None:
    members = {n: BitMap(some) for n, some in enumerate(people, start=1)}
    found = _overlap(list(members), [], members)
    assert sum(one.count for one in found.regions) == found.total == len(set().union(*people))
    for region in found.regions:
        inside = set.intersection(*(people[one - 1] for one in region.ids))
        outside = set().union(*(some for n, some in enumerate(people, start=1) if n not in region.ids))
        assert region.count == len(inside - outside)
    for pair in found.pairs:
        one, other = people[pair.first - 1], people[pair.second - 1]
        assert pair.both == len(one & other)
        assert pair.jaccard == (len(one & other) / len(one | other) if one | other else 0)
    assert len(found.pairs) == len(list(combinations(members, 2)))


@pytest.mark.store
async def test_combine_overlap_and_save(
    lake: LakeClient, app: Any, client: httpx.AsyncClient, as_role: Callable[[str], Any], clock: VirtualClock
) -> None:
    ctx = app.app.state.ctx
    async with ctx.db.connection() as conn:
        for _ in range(12):
            await conn.execute("insert into profile (traits) values ('{}')")
        await mark_dirty(conn, range(1, 13))
        a = await add_segment(conn, clock, "A", BitMap(range(1, 9)))
        b = await add_segment(conn, clock, "B", BitMap(range(5, 11)))
        c = await add_segment(conn, clock, "C", BitMap([1, 5, 12]))
    expression = {"op": "difference", "of": [{"op": "union", "of": [a, b]}, c]}
    found = (await client.post("/v1/segments/combine", json={"expression": expression, "sample": 3})).json()
    assert found["count"] == 8
    assert [one["id"] for one in found["sample"]] == [2, 6, 10]
    assert [(one["name"], one["size"]) for one in found["sources"]] == [("A", 8), ("B", 6), ("C", 3)]

    found = (await client.post("/v1/segments/overlap", json={"ids": [a, b, c]})).json()
    assert found["total"] == 11
    assert {tuple(one["ids"]): one["count"] for one in found["regions"]} == {
        (a,): 3, (b,): 2, (a, b): 3, (c,): 1, (a, c): 1, (b, c): 0, (a, b, c): 1,
    }  # fmt: skip
    assert found["pairs"][0] == {
        "first": a, "second": b, "both": 4, "of_first": 0.5, "of_second": 4 / 6, "jaccard": 0.4,
    }  # fmt: skip

    body = {"expression": expression, "name": "A or B, not C"}
    saved = (await client.post("/v1/segments/combine/save", json=body | {"kind": "static"})).json()
    assert (saved["kind"], saved["size"], saved["tree"]) == ("static", 8, None)
    assert (await client.post("/v1/segments/combine/save", json=body)).status_code == 409
    rule = (await client.post("/v1/segments/combine/save", json=body | {"name": "Rule"})).json()
    assert rule["tree"]["of"][1] == {"kind": "not", "of": {"kind": "segment", "id": c}}
    assert (await client.post(f"/v1/segments/{rule['id']}/refresh")).json()["size"] == 8

    for wrong, status in (
        ({"op": "union", "of": [a, 999]}, 404), ({"op": "union", "of": []}, 400), ({"op": "xor", "of": [a]}, 400),
    ):  # fmt: skip
        assert (await client.post("/v1/segments/combine", json={"expression": wrong})).status_code == status
    deep: dict[str, Any] = {"op": "union", "of": [a]}
    for _ in range(9):
        deep = {"op": "union", "of": [deep]}
    answer = await client.post("/v1/segments/combine", json={"expression": deep})
    assert (answer.status_code, answer.json()["field"]) == (400, "expression")
    assert (await client.post("/v1/segments/overlap", json={"ids": [a] * 31})).status_code == 400
    agent = await as_role("agent")
    assert (await agent.post("/v1/segments/combine", json={"expression": expression})).status_code == 200
    assert (await agent.post("/v1/segments/combine/save", json=body)).status_code == 403


@pytest.mark.store
async def test_sizes_of_many_day_by_day(app: Any, client: httpx.AsyncClient, ctx: Context, clock: VirtualClock) -> None:
    async with ctx.db.connection() as conn:
        one, other = await add_segment(conn, clock, "A", BitMap([1])), await add_segment(conn, clock, "B", BitMap([1]))
        row = await store.find_segment(conn, one)
        for days, size in ((0, 5), (2, 9)):
            at = clock.now() + timedelta(days=days)
            await store.write_growth(conn, row, now=at, size=size, entered=size, gone=0)
    clock.advance(timedelta(days=3))
    found = (await client.get("/v1/segments/sizes", params={"ids": [other, one, 999], "days": 5})).json()
    sizes = {each["segment_id"]: each["sizes"] for each in found}
    assert sizes[one] == [None, 5, 5, 9, 9] and sizes[999] == [None] * 5
    assert (await client.get("/v1/segments/sizes", params={"ids": list(range(1, 102))})).status_code == 400


async def test_growth_has_no_gaps_and_days_begin_where_people_are(
    app: Any, client: httpx.AsyncClient, ctx: Context, clock: VirtualClock
) -> None:
    async with ctx.db.connection() as conn:
        segment = await add_segment(conn, clock, "A", BitMap([1]))
        row = await store.find_segment(conn, segment)
        start = clock.now()  # 12:00 in UTC
        for hours, size, entered, gone in ((0, 5, 5, 0), (0.001, 6, 1, 0), (11, 8, 3, 1), (13, 7, 0, 1), (60, 9, 2, 0)):
            at = start + timedelta(hours=hours)
            await store.write_growth(conn, row, now=at, size=size, entered=entered, gone=gone)
    clock.advance(timedelta(days=4))
    path = f"/v1/segments/{segment}/growth"
    days = (await client.get(path)).json()["items"]
    assert [(one["at"][:10], one["size"], one["entered"], one["gone"]) for one in days] == [
        ("2026-06-01", 8, 9, 1), ("2026-06-02", 7, 0, 1), ("2026-06-03", 7, 0, 0), ("2026-06-04", 9, 2, 0), ("2026-06-05", 9, 0, 0),
    ]  # fmt: skip
    london = (await client.get(path, params={"timezone": "Europe/London"})).json()["items"]
    assert [(one["at"], one["size"]) for one in london][:2] == [("2026-05-31T23:00:00Z", 6), ("2026-06-01T23:00:00Z", 7)]
    since = (start + timedelta(hours=58)).isoformat()
    hours = (await client.get(path, params={"step": "hour", "since": since})).json()["items"]
    assert [one["size"] for one in hours][:4] == [7, 7, 9, 9]
    assert (await client.get(path, params={"timezone": "Nowhere"})).status_code == 400
    async with ctx.db.connection() as conn:
        assert await reads.fold_growth(conn, clock.now()) == 0
        await store.write_growth(conn, row, now=start + timedelta(minutes=7), size=6, entered=2, gone=2)
        assert await reads.fold_growth(conn, clock.now() - growth.KEPT_BY_MINUTE) == 1
    folded = (await client.get(path)).json()["items"]
    assert [(one["size"], one["entered"], one["gone"]) for one in folded][:2] == [(8, 11, 3), (7, 0, 1)]


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
       st.sampled_from(["UTC", "Europe/London", "Asia/Kolkata", "America/Sao_Paulo", "Australia/Lord_Howe"]),
       st.sampled_from(["minute", "hour", "day", "week", "month"]))  # fmt: skip
def test_stretches_follow_each_other(at: datetime, zone: str, step: Any) -> None:
    first = _floor(at, step, ZoneInfo(zone))
    following = _next(first, step, ZoneInfo(zone))
    assert first <= at < following
    assert step in ("minute", "hour") or _floor(following, step, ZoneInfo(zone)) == following
