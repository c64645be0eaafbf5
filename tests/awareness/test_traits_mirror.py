"""The typed mirror: what is inferred, what is refused, and that the lake holds exactly what the rule says."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from pyroaring import BitMap

from antiphon.awareness.profiles import mark_dirty
from antiphon.awareness.traits import TYPES, Trait, mirror_profiles, observe_traits, registry, typed
from antiphon.awareness.traits.columns import careful, inferred, native, typed_select
from antiphon.awareness.traits.loops import LOOPS
from antiphon.awareness.traits.service import JOBS, describe_trait
from antiphon.foundation.access import SYSTEM
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import register_kinds, run_one
from antiphon.foundation.lake import LakeClient, LakeConflict
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.postgres import Jsonb

pytestmark = pytest.mark.store

PEOPLE: list[dict[str, Any]] = [
    {"plan": "gold", "age": 31, "vip": True, "born": "1995-02-03", "signup": "2026-01-02T03:04:05Z", "tags": ["a", "b"]},
    {"plan": "red", "age": 31.5, "vip": False, "born": "1996-12-31", "signup": "2026-01-02", "tags": [], "Plan": "other"},
    {"address": {"city": "Köln"}, "odd \"name\" 'x' $.y": "z", "plan": None},
]


async def put(ctx: Context, people: list[dict[str, Any]]) -> list[int]:
    async with ctx.db.transaction() as conn:
        ids = []
        for traits in people:
            row = await (await conn.execute("insert into profile (traits) values (%s) returning id", (Jsonb(traits),))).fetchone()
            assert row is not None
            ids.append(row[0])
        await mark_dirty(conn, ids)
    return ids


async def change(ctx: Context, profile: int, traits: dict[str, Any]) -> None:
    async with ctx.db.transaction() as conn:
        await conn.execute("update profile set traits = traits || %s where id = %s", (Jsonb(traits), profile))
        await mark_dirty(conn, [profile])


async def mirrored(ctx: Context) -> dict[int, dict[str, Any]]:
    """profile → trait → value, as the lake has it."""
    async with ctx.db.connection() as conn:
        traits = await registry(conn)
    columns = ", ".join(trait.column_name for trait in traits.values())
    rows = await ctx.lake.run(f"select profile_id{', ' if columns else ''}{columns} from lake.profile")
    return {row[0]: {name: v for name, v in zip(traits, row[1:], strict=True) if v is not None} for row in rows}


async def test_types_are_inferred_and_mirrored(ctx: Context, lake: LakeClient) -> None:
    ids = await put(ctx, PEOPLE)
    assert await mirror_profiles(ctx) == 3
    async with ctx.db.connection() as conn:
        traits = await registry(conn)
    assert {name: trait.type for name, trait in traits.items()} == {
        "plan": "text", "Plan": "text", "age": "number", "vip": "boolean", "born": "date", "signup": "instant",
        "tags": "text_list", "odd \"name\" 'x' $.y": "text",
    }  # fmt: skip
    assert len({trait.column_name for trait in traits.values()}) == len(traits)
    expected = [
        {k: v for k, v in ((k, typed(v, traits[k].type)) for k, v in person.items() if k in traits) if v is not None}
        for person in PEOPLE
    ]
    assert await mirrored(ctx) == dict(zip(ids, expected, strict=True))
    assert await mirror_profiles(ctx) == 0


async def test_changes_merges_and_erasures_follow(ctx: Context, lake: LakeClient) -> None:
    one, two, three = await put(ctx, [{"plan": "a"}, {"plan": "b"}, {"plan": "c"}])
    await run_until_idle(ctx, LOOPS)
    await change(ctx, one, {"plan": "z", "new": 5})
    async with ctx.db.transaction() as conn:
        await conn.execute("update profile set merged_into = %s, traits = '{}' where id = %s", (one, two))
        await conn.execute("delete from profile where id = %s", (three,))
        await mark_dirty(conn, [two, three])
    await run_until_idle(ctx, LOOPS)
    assert await mirrored(ctx) == {one: {"plan": "z", "new": 5.0}}


async def test_a_misfit_is_noted_and_a_lossless_one_widens(ctx: Context, lake: LakeClient) -> None:
    register_kinds(JOBS)
    one, two = await put(ctx, [{"age": 3, "since": "2026-01-02", "tag": "x"}, {"age": 4, "since": "2026-01-03", "tag": "y"}])
    await run_until_idle(ctx, LOOPS)
    await change(ctx, two, {"age": "old", "since": "2026-01-03T10:00:00+02:00", "tag": ["y", "z"]})
    await run_until_idle(ctx, LOOPS)
    async with ctx.db.connection() as conn:
        traits = await registry(conn)
    assert traits["age"].type == "number" and traits["age"].misfit == '"old"'
    assert (traits["since"].next_type, traits["tag"].next_type) == ("instant", "text_list")
    await finish_jobs(ctx)
    async with ctx.db.connection() as conn:
        traits = await registry(conn)
    assert (traits["since"].type, traits["tag"].type, traits["tag"].next_type) == ("instant", "text_list", None)
    found = await mirrored(ctx)
    assert found[one]["tag"] == ["x"] and found[two]["tag"] == ["y", "z"] and "age" not in found[two]
    assert str(found[two]["since"]) == "2026-01-03 08:00:00+00:00" and str(found[one]["since"]) == "2026-01-02 00:00:00+00:00"
    columns = {row[0] for row in await lake.run("select column_name from (describe lake.profile)")}
    assert traits["tag"].column_name in columns and "t_tag" not in columns


async def finish_jobs(ctx: Context) -> None:

    for _ in range(4):
        job = asyncio.create_task(run_one(ctx))
        while not job.done():
            await mirror_profiles(ctx)
            await asyncio.sleep(0.05)
        await job


async def test_a_person_gives_another_type(ctx: Context, lake: LakeClient) -> None:
    register_kinds(JOBS)
    (one,) = await put(ctx, [{"code": 7}])
    await mirror_profiles(ctx)
    changed = await describe_trait(ctx, SYSTEM, "code", description="A code", personal=True, type="text")
    assert (changed.type, changed.next_type, changed.description, changed.personal) == ("number", "text", "A code", True)
    assert (await mirrored(ctx))[one]["code"] == 7.0  # the old column serves meanwhile
    await finish_jobs(ctx)
    assert (await mirrored(ctx))[one]["code"] == "7"


async def test_declared_types_are_kept_and_columns_are_bounded(
    ctx: Context, lake: LakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("antiphon.awareness.traits.service.MOST_TRAITS", 2)
    async with ctx.db.transaction() as conn:
        await observe_traits(conn, {"zip": "text"}, ctx.clock.now())
    (one,) = await put(ctx, [{"zip": 12345, "a": 1, "b": 2}])
    await mirror_profiles(ctx)
    found = (await mirrored(ctx))[one]
    assert found["zip"] == "12345" and len(found) == 2


async def test_two_copiers_never_leave_a_profile_twice(ctx: Context, lake: LakeClient) -> None:

    await put(ctx, [{"n": i} for i in range(300)])
    for _ in range(6):
        done = await asyncio.gather(mirror_profiles(ctx, batch=100), mirror_profiles(ctx, batch=100), return_exceptions=True)
        assert all(isinstance(d, (int, LakeConflict)) for d in done), done
    assert await lake.run("select count(*), count(distinct profile_id) from lake.profile") == [(300, 300)]


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(-1e9, 1e9).map(lambda x: round(x, 3)),
    st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([10**30, 10**308, 10**400, -(10**400)]),
    st.sampled_from(
        ["", " 5 ", "12.50", "1e5", "true", "False", "2026-02-30", "2026-02-28", "2026-01-02T03:04:05.123Z",
         "2026-01-02 03:04", "2026-01-02T03:04:05+02:30", "9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+01:00", "0000-01-01", "2026-01-02T24:00:00Z",
         "2026-01-02T10:00:00+24:00", "2026-01-02T10:00:60Z", "\t5", "5\n", "\u0663", "\uff15", "\ttrue", "true\u00a0", "[1]", "{}", "null", "ü\"'"]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=("Cs",)), max_size=6),
)  # fmt: skip
values = st.one_of(scalars, st.lists(scalars, max_size=3), st.just({"a": 1}))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=st.lists(values, min_size=1, max_size=12))
async def test_the_lake_types_exactly_as_the_rule_says(lake_of_module: LakeClient, batch: list[Any]) -> None:
    shapes = await lake_of_module.run(
        "select json_group_structure(t::json)::varchar from (select unnest($texts) as t)",
        {"texts": [msgspec.json.encode({"x": v}).decode() for v in batch]},
    )
    shape = msgspec.json.decode(shapes[0][0]).get("x", "NULL")
    for kind in TYPES:
        trait = Trait(
            name="x",
            type=kind,
            column_name="c",
            next_type=None,
            next_column=None,
            description="",
            personal=False,
            first_seen=SINCE,
            misfit=None,
            misfit_at=None,
        )
        select = typed_select([trait], {"x": shape}).select
        if " as c" not in select:
            assert all(v is None for v in batch)
            continue
        select = select.replace(
            "dirty",
            "(select i as profile_id, null as created_at, null as updated_at, null as first_seen, null as last_seen, "
            "true as alive, t::json as traits from (select unnest($texts) as t, generate_subscripts($texts, 1) as i))",
        )
        rows = await lake_of_module.run(
            f"select c from ({select}) order by profile_id", {"texts": [msgspec.json.encode({"x": v}).decode() for v in batch]}
        )
        assert [row[0] for row in rows] == [typed(v, kind) for v in batch], (kind, shape, native(kind, shape), careful("x", kind))


SINCE = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def lake_of_module(lake: LakeClient) -> LakeClient:
    return lake


def test_objects_and_empty_values_have_no_type() -> None:
    assert inferred({"city": "VARCHAR"}) is None and inferred("NULL") is None and inferred([{"a": "BIGINT"}]) is None


async def test_fifty_thousand_changes_are_copied_quickly(ctx: Context, lake: LakeClient) -> None:
    async with ctx.db.transaction() as conn:
        await conn.execute(
            "insert into profile (traits) select jsonb_build_object('plan', 'p' || i % 5, 'n', i, 'ok', i % 2 = 0, "
            "'at', '2026-01-02T03:04:05Z', 'name', 'Name ' || i) from generate_series(1, 50000) i"
        )
        await conn.execute("insert into profile_dirty select id, nextval('profile_version') from profile")
    begun = time.monotonic()
    assert await mirror_profiles(ctx) == 50_000
    assert time.monotonic() - begun < 60  # 1 on a machine of its own


async def test_whoever_was_mirrored_is_said_in_order(ctx: Context, lake: LakeClient) -> None:
    first = await put(ctx, PEOPLE)
    await mirror_profiles(ctx)
    await change(ctx, first[1], {"plan": "green"})
    await mirror_profiles(ctx)
    async with ctx.db.connection() as conn:
        rows = await (await conn.execute("select ids from mirror_change order by seq", binary=True)).fetchall()
    assert [list(BitMap.deserialize(bytes(ids))) for (ids,) in rows] == [first, [first[1]]]
