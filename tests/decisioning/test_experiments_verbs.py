"""Experiments as things: made, started, stopped, finished; layers that share nobody; deals; exposures, once and for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import numpy as np
import pytest
from pyroaring import BitMap
from tests.awareness.test_traits_computed import people

from antiphon.awareness.profiles import Identity, Person, resolve, stamp_of
from antiphon.awareness.traits import mirror_profiles
from antiphon.decisioning.experiments import OUTSIDE, expose, find_assignment, find_running, layers, personal, records, service
from antiphon.decisioning.experiments.design import (
    Arm,
    Design,
    Experiment,
    ExperimentKeyTaken,
    ExperimentStarted,
    InvalidExperiment,
    LayerFull,
    LayerInUse,
    LayerUnknown,
    TraitStrata,
    WrongExperimentState,
    check_design,
)
from antiphon.decisioning.experiments.metrics import ConversionMetric, MeanMetric
from antiphon.foundation.access import SYSTEM
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeClient

pytestmark = pytest.mark.store
BOTH = [Arm(key="a"), Arm(key="b", weight=2)]
PLAIN = Design(name="Greeting", arms=BOTH)
MANY = np.arange(1, 3_001)


async def running(ctx: Context, key: str, design: Design = PLAIN) -> Experiment:
    made = await service.create(ctx, SYSTEM, key, design)
    return await service.start(ctx, SYSTEM, made.id)


async def shown(ctx: Context, key: str, ids: Sequence[int] | np.ndarray[Any, Any] = MANY) -> list[int]:
    """Lead people to an experiment's branch."""
    async with ctx.db.transaction() as conn:
        found = await find_running(conn, key)
        assert found is not None
        return (await expose(conn, ctx.secret, found, ids, ctx.clock.now())).tolist()


async def exposures(ctx: Context) -> dict[int, tuple[int, Any]]:
    async with ctx.db.connection() as conn:
        rows = await (await conn.execute("select profile_id, arm, exposed_at from experiment_exposure")).fetchall()
    return {person: (arm, at) for person, arm, at in rows}


async def test_whoever_was_shown_something_stays_there(ctx: Context, clock: VirtualClock) -> None:
    one = await running(ctx, "greeting")
    began = clock.now()
    first = await shown(ctx, "greeting")
    clock.advance(timedelta(days=1))
    assert await shown(ctx, "greeting", MANY[::-1]) == first[::-1]
    assert await exposures(ctx) == {int(n): (arm, began) for n, arm in zip(MANY, first, strict=True)}
    assert abs(first.count(1) / 3000 - 2 / 3) < 0.04
    async with ctx.db.connection() as conn:
        assert (await records.exposed_arms(conn, one.id, [5, 4000, 3])).tolist() == [first[4], -1, first[2]]


async def test_two_who_expose_the_same_people_at_once_write_them_once(ctx: Context) -> None:
    await running(ctx, "greeting")
    every = await asyncio.gather(*(shown(ctx, "greeting", part) for part in (MANY[:2000], MANY[1000:], MANY)))
    found = await exposures(ctx)
    assert len(found) == 3000 and [found[int(n)][0] for n in MANY] == every[2]


async def test_only_those_who_take_part_are_exposed_and_only_while_it_runs(ctx: Context) -> None:
    one = await running(ctx, "greeting", msgspec.structs.replace(PLAIN, percent=20.0))
    arms = await shown(ctx, "greeting")
    assert set(await exposures(ctx)) == {int(n) for n, arm in zip(MANY, arms, strict=True) if arm != OUTSIDE}
    assert 450 < len(await exposures(ctx)) < 750
    async with ctx.db.connection() as conn:
        late = await find_running(conn, "greeting")
    await service.stop(ctx, SYSTEM, one.id)
    async with ctx.db.transaction() as conn:
        assert await find_running(conn, "greeting") is None
        assert late is not None
        stopped = await find_assignment(conn, "greeting")
        assert stopped is not None and stopped.state == "stopped"
        before = await exposures(ctx)
        await expose(conn, ctx.secret, stopped, np.arange(5000, 9000), ctx.clock.now())
    assert await exposures(ctx) == before
    again = await service.start(ctx, SYSTEM, one.id)
    assert again.state == "running" and await shown(ctx, "greeting") == arms


async def test_what_may_happen_in_which_state(ctx: Context) -> None:
    made = await service.create(ctx, SYSTEM, "greeting", PLAIN)
    with pytest.raises(ExperimentKeyTaken):
        await service.create(ctx, SYSTEM, "greeting", PLAIN)
    with pytest.raises(WrongExperimentState):
        await service.stop(ctx, SYSTEM, made.id)
    async with ctx.db.connection() as conn:
        assert await find_assignment(conn, "greeting") is None
    await service.change(ctx, SYSTEM, made.id, msgspec.structs.replace(PLAIN, percent=50.0))
    await service.start(ctx, SYSTEM, made.id)
    for verb in (service.start, service.remove):
        with pytest.raises(WrongExperimentState):
            await verb(ctx, SYSTEM, made.id)
    for other in ({"percent": 60.0}, {"arms": [Arm(key="a"), Arm(key="b")]}, {"strata": TraitStrata(trait="x")}, {"layer": "x"}, {"alpha": 0.1}):
        with pytest.raises(ExperimentStarted) as refused:
            await service.change(ctx, SYSTEM, made.id, msgspec.structs.replace(PLAIN, **({"percent": 50.0} | other)))
        assert refused.value.field in other
    renamed = await service.change(ctx, SYSTEM, made.id, msgspec.structs.replace(PLAIN, percent=50.0, name="Hello", metrics=[ConversionMetric(name="x", event="y")]))
    assert renamed.design.name == "Hello"
    with pytest.raises(InvalidExperiment):
        await service.finish(ctx, SYSTEM, made.id, "z")
    done = await service.finish(ctx, SYSTEM, made.id, "b")
    assert (done.state, done.winner) == ("finished", 1)
    async with ctx.db.transaction() as conn:
        over = await find_running(conn, "greeting")
        assert over is not None and over.arms[1] == "b"
        assert (await expose(conn, ctx.secret, over, MANY, ctx.clock.now())).tolist() == [1] * 3000
        assert await exposures(ctx) == {}
    for verb in (service.start, service.stop):
        with pytest.raises(WrongExperimentState):
            await verb(ctx, SYSTEM, made.id)
    with pytest.raises(WrongExperimentState):
        await service.change(ctx, SYSTEM, made.id, PLAIN)


async def layered(ctx: Context, key: str, percent: float) -> Experiment:
    return await running(ctx, key, msgspec.structs.replace(PLAIN, layer="sale", percent=percent))


async def test_a_layer_is_shared_out_and_nobody_is_in_two(ctx: Context) -> None:
    async with ctx.db.transaction() as conn:
        await layers.put_layer(ctx, conn, SYSTEM, "sale", "Sale")
    one = await layered(ctx, "one", 30)
    await layered(ctx, "two", 60)
    with pytest.raises(LayerFull) as full:
        await layered(ctx, "three", 20)
    assert full.value.facts["free"] == "10"

    async def inside(key: str) -> set[int]:
        async with ctx.db.connection() as conn:
            found = await find_assignment(conn, key)
        assert found is not None
        return set(MANY[found.assign(ctx.secret, MANY) >= 0].tolist())

    first, second = await inside("one"), await inside("two")
    assert not first & second and abs(len(first) / 3000 - 0.3) < 0.03 and abs(len(second) / 3000 - 0.6) < 0.03
    await service.stop(ctx, SYSTEM, one.id)
    async with ctx.db.connection() as conn:
        (layer,) = await records.list_layers(conn)
    assert layer.free == 10, "a stopped experiment may go on: its place stays its own"
    await service.finish(ctx, SYSTEM, one.id, None)
    async with ctx.db.connection() as conn:
        (layer,) = await records.list_layers(conn)
    assert layer.free == 40 and [(share.key, share.percent) for share in layer.experiments] == [("three", 20), ("two", 60)][::-1]
    await service.start(ctx, SYSTEM, next(share.id for share in layer.experiments if share.key == "three"))
    third = await inside("three")
    assert await inside("two") == second and not third & second and third < first, "nobody of the others moved"
    async with ctx.db.transaction() as conn:
        with pytest.raises(LayerInUse):
            await layers.remove_layer(conn, SYSTEM, "sale")
        with pytest.raises(LayerUnknown):
            await layers.remove_layer(conn, SYSTEM, "other")
    with pytest.raises(LayerUnknown):
        await service.create(ctx, SYSTEM, "four", msgspec.structs.replace(PLAIN, layer="other"))


async def test_starts_at_once_never_share_a_slot(ctx: Context) -> None:
    async with ctx.db.transaction() as conn:
        await layers.put_layer(ctx, conn, SYSTEM, "sale", "")
    made = [await service.create(ctx, SYSTEM, f"e{n}", msgspec.structs.replace(PLAIN, layer="sale", percent=40)) for n in range(4)]
    outcomes = await asyncio.gather(*(service.start(ctx, SYSTEM, one.id) for one in made), return_exceptions=True)
    started = [one for one in outcomes if isinstance(one, Experiment)]
    assert len(started) == 2 and all(isinstance(one, Experiment | LayerFull) for one in outcomes)
    assert not set(started[0].slots) & set(started[1].slots)


async def with_city(ctx: Context, count: int) -> list[int]:
    now = ctx.clock.now()
    async with ctx.db.transaction() as conn:
        return await resolve(conn, [
            Person((Identity("user_id", f"c{n:05}"),), msgspec.json.encode({"city": ["Bonn", "Köln", "Ulm"][n % 7 % 3]}) if n % 5 else None, stamp_of(now, f"{n}"), now)
            for n in range(count)
        ], at=now)  # fmt: skip


async def test_strata_are_dealt_for_everybody_and_stay(ctx: Context, lake: LakeClient) -> None:
    ids = await with_city(ctx, 600)
    await mirror_profiles(ctx)
    one = await running(ctx, "greeting", msgspec.structs.replace(PLAIN, strata=TraitStrata(trait="city")))
    async with ctx.db.connection() as conn:
        cities: dict[int, str | None] = dict(await (await conn.execute("select id, traits ->> 'city' from profile")).fetchall())
        sizes = await records.deal_sizes(conn, one.id)
    arms = dict(zip(ids, await shown(ctx, "greeting", ids), strict=True))
    for city in ("Bonn", "Köln", "Ulm", None):
        of = [arms[n] for n in ids if cities[n] == city]
        assert len(of) > 100 and abs(of.count(1) - len(of) * 2 / 3) < 1
        assert {(arm, size) for stratum, arm, size in sizes if stratum == (city or "")} == {(0, of.count(0)), (1, of.count(1))}
    async with ctx.db.transaction() as conn:  # they move, others come: nobody changes arms
        await conn.execute("update profile set traits = traits || '{\"city\": \"Ulm\"}'")
    late = await people(ctx, 40)
    assert dict(zip(ids, await shown(ctx, "greeting", ids), strict=True)) == arms
    assert set(await shown(ctx, "greeting", late)) == {0, 1}
    async with ctx.db.connection() as conn:
        found = await find_running(conn, "greeting")
    assert found is not None
    everybody = [*ids, *late]
    assert [int(found.assign(ctx.secret, [n])[0]) for n in everybody] == found.assign(ctx.secret, everybody).tolist()


async def test_strata_within_a_layer_are_dealt_among_those_inside(ctx: Context, lake: LakeClient) -> None:
    await with_city(ctx, 600)
    await mirror_profiles(ctx)
    async with ctx.db.transaction() as conn:
        await layers.put_layer(ctx, conn, SYSTEM, "sale", "")
    one = await running(ctx, "greeting", msgspec.structs.replace(PLAIN, strata=TraitStrata(trait="city"), layer="sale", percent=50))
    async with ctx.db.connection() as conn:
        found = await find_running(conn, "greeting")
        sizes = await records.deal_sizes(conn, one.id)
    assert found is not None
    inside = np.arange(1, 601)[found.takes_part(ctx.secret, np.arange(1, 601))]
    assert BitMap.union(*found.dealt) == BitMap(inside.tolist()) and sum(size for _, _, size in sizes) == len(inside)


async def test_strata_that_cannot_be_told_apart_are_refused(ctx: Context, lake: LakeClient) -> None:
    with pytest.raises(InvalidExperiment, match="no trait"):
        await service.create(ctx, SYSTEM, "greeting", msgspec.structs.replace(PLAIN, strata=TraitStrata(trait="nothing")))
    now = ctx.clock.now()
    async with ctx.db.transaction() as conn:
        await resolve(conn, [Person((Identity("user_id", f"m{n}"),), msgspec.json.encode({"code": f"x{n}"}), stamp_of(now, f"{n}"), now) for n in range(250)], at=now)
    await mirror_profiles(ctx)
    made = await service.create(ctx, SYSTEM, "greeting", msgspec.structs.replace(PLAIN, strata=TraitStrata(trait="code")))
    with pytest.raises(InvalidExperiment, match="more than 200 values"):
        await service.start(ctx, SYSTEM, made.id)
    async with ctx.db.connection() as conn:
        assert (await service.find(conn, made.id)).state == "draft"


async def test_a_person_is_exported_and_erased(ctx: Context, lake: LakeClient) -> None:
    ids = await with_city(ctx, 30)
    await mirror_profiles(ctx)
    await running(ctx, "greeting", msgspec.structs.replace(PLAIN, strata=TraitStrata(trait="city")))
    await shown(ctx, "greeting", ids)
    async with ctx.db.transaction() as conn:
        told = await personal.export(ctx, conn, ids[3])
        assert [one["key"] for one in told["exposures"]] == ["greeting"] and told["exposures"][0]["arm"] in ("a", "b")
        await personal.erase(ctx, conn, ids[3])
        assert await personal.export(ctx, conn, ids[3]) == {"exposures": []}
        found = await find_running(conn, "greeting")
    assert found is not None and not any(ids[3] in people for people in found.dealt)
    assert set(await exposures(ctx)) == set(ids) - {ids[3]}


async def test_everything_is_audited(ctx: Context) -> None:
    one = await running(ctx, "greeting")
    await service.stop(ctx, SYSTEM, one.id)
    await service.finish(ctx, SYSTEM, one.id, None)
    async with ctx.db.connection() as conn:
        rows = await (await conn.execute("select action from audit where subject = %s order by id", (f"experiment:{one.id}",))).fetchall()
    assert [row[0] for row in rows] == ["experiments.create", "experiments.start", "experiments.stop", "experiments.finish"]


@pytest.mark.parametrize(("change", "field"), [
    ({"arms": [Arm(key="a"), Arm(key="a")]}, "arms[1].key"),
    ({"arms": [Arm(key="a"), Arm(key="b", weight=100_000)]}, "arms"),
    ({"layer": "sale", "percent": 0.15}, "percent"),
    ({"metrics": [ConversionMetric(name="x", event="e"), ConversionMetric(name="x", event="f")]}, "metrics[1].name"),
    ({"metrics": [MeanMetric(name="x", event="e", property="a..b")]}, "metrics[0].property"),
    ({"metrics": [MeanMetric(name="x", event="e", property="a", before_days=7)]}, "metrics[0].before_days"),
    ({"metrics": [ConversionMetric(name="x", event="e", margin=0.1)]}, "metrics[0].margin"),
    ({"metrics": [ConversionMetric(name="x", event="e\x00")]}, "metrics[0].event"),
])  # fmt: skip
def test_designs_that_make_no_sense(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidExperiment) as refused:
        check_design(msgspec.structs.replace(PLAIN, **change))
    assert refused.value.field == field


async def test_a_draft_is_thrown_away_with_what_a_crash_left_of_it(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "CHUNK", 7)
    made = await service.create(ctx, SYSTEM, "greeting", PLAIN, "adopted")
    other = await running(ctx, "other")
    await shown(ctx, "other", [1, 2, 3])
    async with ctx.db.transaction() as conn:
        await records.write_exposures(conn, made.id, np.arange(1, 20), np.zeros(19, dtype=np.int8), ctx.clock.now())
    await service.remove(ctx, SYSTEM, made.id)
    async with ctx.db.connection() as conn:
        assert await records.count_exposed(conn, made.id) == []
        assert sum(row[1] for row in await records.count_exposed(conn, other.id)) == 3
