"""What an experiment comes to: the lake's one question against a plain reading of everybody's events."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.awareness.test_traits_computed import happen, people

from antiphon.awareness.events import PropertyFilter, move_events
from antiphon.awareness.events.filters import filter_holds
from antiphon.awareness.profiles.deciding import merge_profiles
from antiphon.awareness.segments import TraitCondition
from antiphon.awareness.segments.service import publish, refresh
from antiphon.awareness.traits import mirror_profiles
from antiphon.decisioning.experiments import expose, find_running, holdouts, is_held_out, records, salt_of, service, watching
from antiphon.decisioning.experiments.design import Arm, Design, Experiment
from antiphon.decisioning.experiments.metrics import ConversionMetric, CountMetric, MeanMetric, Metric, SumMetric
from antiphon.decisioning.experiments.results import MetricResult
from antiphon.decisioning.experiments.statistics import Moments, compare, theta_of
from antiphon.foundation.access import SYSTEM
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeClient
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.notices import LISTENERS, Listener

pytestmark = pytest.mark.store
BIG = PropertyFilter(property="total", op="ge", value=20)
METRICS: list[Metric] = [
    ConversionMetric(name="bought", event="Order", within_hours=72, role="primary"),
    ConversionMetric(name="bought big", event="Order", where=[BIG], within_hours=72, before_days=5),
    CountMetric(name="visits", event="Visit", within_hours=48, before_days=10),
    SumMetric(name="spend", event="Order", property="total", within_hours=72, before_days=10),
    MeanMetric(name="order value", event="Order", property="total", within_hours=72),
    CountMetric(name="returns", event="Return", within_hours=72, role="guardrail", good="down", margin=0.1),
]
DESIGN = Design(name="Greeting", arms=[Arm(key="a"), Arm(key="b"), Arm(key="c")], metrics=METRICS, method="fixed", correction="none")
Rows = list[tuple[int, str, datetime, dict[str, Any]]]


async def begin(ctx: Context, design: Design = DESIGN, key: str = "greeting") -> Experiment:
    made = await service.create(ctx, SYSTEM, key, design)
    return await service.start(ctx, SYSTEM, made.id)


async def show(ctx: Context, ids: list[int], key: str = "greeting") -> dict[int, int]:
    async with ctx.db.transaction() as conn:
        found = await find_running(conn, key)
        assert found is not None
        arms = await expose(conn, ctx.secret, found, ids, ctx.clock.now())
    return dict(zip(ids, arms.tolist(), strict=True))


def measured(metric: Metric, events: Rows, at: datetime) -> tuple[float, float, float]:
    """One person's value after, before, and its denominator, read plainly."""
    def of(first: datetime, end: datetime) -> tuple[float, float]:
        found = [p for _, name, ts, p in events if name == metric.event and first <= ts < end and all(filter_holds(f, p) for f in metric.where)]
        match metric:
            case ConversionMetric():
                return float(bool(found)), 1.0
            case CountMetric():
                return float(len(found)), 1.0
            case SumMetric() | MeanMetric():
                totals = [p[metric.property] for p in found if isinstance(p.get(metric.property), int | float)]
                return float(sum(totals)), float(len(totals)) if isinstance(metric, MeanMetric) else 1.0
    after, under = of(at, at + metric.within)
    return after, of(at - metric.before, at)[0] if metric.before_days else 0.0, under


def plainly(metric: Metric, events: Rows, exposed: dict[int, tuple[int, datetime]], now: datetime) -> dict[int, Moments]:
    by_person: dict[int, Rows] = defaultdict(list)
    for row in events:
        by_person[row[0]].append(row)
    values: dict[int, list[tuple[float, float, float]]] = defaultdict(list)
    for person, (arm, at) in exposed.items():
        if at + metric.within <= now:
            values[arm].append(measured(metric, by_person[person], at))
    found = {}
    for arm, rows in values.items():
        y, x, d = np.array(rows).T
        found[arm] = Moments(
            people=len(y), mean=y.mean(), variance=y.var(ddof=1), before=x.mean(), before_variance=x.var(ddof=1),
            covariance=float(np.cov(y, x)[0, 1]), under=d.mean(), under_variance=d.var(ddof=1), under_covariance=float(np.cov(y, d)[0, 1]),
        )  # fmt: skip
    return found


def agree(found: MetricResult, metric: Metric, wanted: dict[int, Moments], design: Design = DESIGN) -> None:
    """What the lake says of a metric is what the plain reading says."""
    assert [one.people for one in found.arms] == [wanted[n].people if n in wanted else 0 for n in range(3)]
    theta = theta_of(list(wanted.values())) if metric.before_days else None
    for n, shown in enumerate(found.arms):
        if shown.value is not None:
            assert shown.value == pytest.approx(wanted[n].value, abs=1e-9)
            assert shown.total == pytest.approx(wanted[n].mean * wanted[n].people, abs=1e-9)
    for n, other in enumerate(found.others, start=1):
        mine = compare(wanted[0], wanted[n], alpha=0.05, rho2=1.0, share=isinstance(metric, ConversionMetric), theta=theta).fixed
        assert (other.fixed.low, other.fixed.high) == pytest.approx((mine.low, mine.high), abs=1e-5)  # nought, squared and rooted


def life(ids: list[int], rng: random.Random, start: datetime, hours: int) -> Rows:
    """What happens to people over so many hours, on the hour now and then, so that edges of windows are hit."""
    rows: Rows = []
    for person in ids:
        for _ in range(rng.randint(0, 6)):
            at = start + timedelta(hours=rng.randint(0, hours), seconds=rng.choice([0, 0, 1, 1800]))
            name = rng.choice(["Visit", "Visit", "Order", "Order", "Return"])
            properties: dict[str, Any] = {"total": rng.choice([5, 19.99, 20, 30.5, "30", "none"])} if name == "Order" else {}
            rows.append((person, name, at, {k: v for k, v in properties.items() if v != "30"}))
    return rows


@pytest.mark.parametrize("cold", [True, False])
async def test_figures_are_those_of_a_plain_reading(ctx: Context, lake: LakeClient, clock: VirtualClock, cold: bool) -> None:
    rng = random.Random(4)
    ids = await people(ctx, 240)
    began = clock.now()
    one = await begin(ctx)
    exposed = {person: (arm, clock.now()) for person, arm in (await show(ctx, ids[:160])).items()}
    clock.advance(timedelta(hours=30))
    exposed |= {person: (arm, clock.now()) for person, arm in (await show(ctx, ids[160:])).items()}
    clock.advance(timedelta(hours=50))
    events = life(ids, rng, began - timedelta(hours=280), 420)
    await happen(ctx, events[: len(events) // 2] if cold else events)
    if cold:
        await move_events(ctx)
        await happen(ctx, events[len(events) // 2 :])
    found = await watching.measure(ctx, one)
    assert (found.people, found.crossed, [arm.people for arm in found.arms]) == (240, 0, [sum(a == n for a, _ in exposed.values()) for n in range(3)])
    for shown, metric in zip(found.metrics, METRICS, strict=True):
        agree(shown, metric, plainly(metric, events, exposed, clock.now()))
        assert sum(arm.people + arm.waiting for arm in shown.arms) == 240
    assert found.metrics[0].arms[0].waiting > 0, "windows of those who came late are open"


async def test_merged_people_are_one_and_their_first_exposure_counts(ctx: Context, lake: LakeClient, clock: VirtualClock) -> None:
    ids = await people(ctx, 60)
    one = await begin(ctx, msgspec.structs.replace(DESIGN, metrics=METRICS[2:3]))
    arms = await show(ctx, ids[:30])
    clock.advance(timedelta(hours=1))
    arms |= await show(ctx, ids[30:])
    await happen(ctx, [(person, "Visit", clock.now(), {}) for person in ids])
    pairs = list(zip(ids[:10], ids[30:40], strict=True))
    for early, late in pairs:
        async with ctx.db.transaction() as conn:
            await merge_profiles(ctx, conn, SYSTEM, gone=late, into=early)
    clock.advance(timedelta(hours=60))
    found = await watching.measure(ctx, one)
    assert found.people == 50 and found.crossed == sum(arms[early] != arms[late] for early, late in pairs) > 0
    assert [arm.people for arm in found.arms] == [sum(arms[n] == arm for n in [*ids[:30], *ids[40:]]) for arm in range(3)]
    assert sum(arm.total for arm in found.metrics[0].arms) == 60, "the events of both are the one person's"


async def with_plan(ctx: Context, ids: list[int]) -> dict[int, str | None]:
    plans = {person: [None, "free", "pro", "gold"][n % 4] for n, person in enumerate(ids)}
    async with ctx.db.transaction() as conn:
        for person, plan in plans.items():
            if plan is not None:
                await conn.execute("update profile set traits = jsonb_build_object('plan', %s::text) where id = %s", (plan, person))
    await mirror_profiles(ctx)
    return plans


async def test_apart_by_trait_and_by_segment(ctx: Context, lake: LakeClient, clock: VirtualClock) -> None:
    rng = random.Random(9)
    ids = await people(ctx, 200)
    plans = await with_plan(ctx, ids)
    one = await begin(ctx)
    at = clock.now()
    exposed = {person: (arm, at) for person, arm in (await show(ctx, ids)).items()}
    events = life(ids, rng, at - timedelta(hours=200), 280)
    clock.advance(timedelta(hours=90))
    await happen(ctx, events)
    found = await watching.by_trait(ctx, SYSTEM, one, "plan")
    assert [(part.kind, part.value, part.people) for part in found.parts] == [
        ("value", "free", 50), ("value", "gold", 50), ("value", "pro", 50), ("none", None, 50),
    ]  # fmt: skip
    for part in found.parts:
        some = {person: said for person, said in exposed.items() if plans[person] == part.value}
        for shown, metric in zip(part.metrics, METRICS, strict=True):
            agree(shown, metric, plainly(metric, events, some, clock.now()))
    for shown, metric in zip(found.metrics, METRICS, strict=True):
        agree(shown, metric, plainly(metric, events, exposed, clock.now()))
    made = await publish(ctx, SYSTEM, name="Pro", description="", tree=TraitCondition(trait="plan", op="is", value="pro"), announce="never")
    await refresh(ctx, [made.id])
    parts = (await watching.by_segment(ctx, one, made.id)).parts
    assert {part.value: part.people for part in parts} == {"in": 50, "out": 150}


async def test_the_universal_holdout_is_an_experiment_whose_result_is_shown(ctx: Context, lake: LakeClient, clock: VirtualClock) -> None:
    ids = await people(ctx, 400)
    await mirror_profiles(ctx)
    async with ctx.db.transaction() as conn:
        held = await holdouts.set_holdout(ctx, conn, SYSTEM, "universal", title="", percent=25, period="always", enabled=True, redraw=False)
    metric = ConversionMetric(name="bought", event="Order", within_hours=24)
    one = await service.create_for_holdout(ctx, SYSTEM, "universal", Design(name="What marketing does", arms=DESIGN.arms[:2], metrics=[metric]))
    salt = salt_of(held, clock.now())
    out = {person for person in ids if is_held_out(ctx.secret, "universal", 25, person, salt)}
    buyers = [person for n, person in enumerate(ids) if n % (4 if person in out else 2) == 0]
    clock.advance(timedelta(hours=2))
    await happen(ctx, [(person, "Order", clock.now(), {}) for person in buyers])
    clock.advance(timedelta(hours=30))
    found = await watching.results(ctx, one)
    assert [(arm.arm, arm.people) for arm in found.arms] == [("held_out", len(out)), ("told", 400 - len(out))]
    shown = found.metrics[0]
    assert [arm.total for arm in shown.arms] == [len(out & set(buyers)), len(set(buyers) - out)]
    assert shown.others[0].arm == "told" and shown.others[0].verdict == ("early" if len(out) < 100 else shown.others[0].verdict)
    assert shown.others[0].difference > 0.1 and found.ratio is None


async def test_alarms_are_raised_once_and_told(ctx: Context, lake: LakeClient, clock: VirtualClock) -> None:
    heard: list[Any] = []

    async def hear(ctx: Context, conn: Any, notice: Any) -> None:
        heard.append(notice)

    LISTENERS.register([Listener("test.hear_alarms", watching.ExperimentAlarmed, hear)])
    guard = CountMetric(name="returns", event="Return", within_hours=24, role="guardrail", good="down", margin=0.05)
    one = await begin(ctx, Design(name="Greeting", arms=[Arm(key="a"), Arm(key="b")], metrics=[guard]))
    ids = await people(ctx, 2400)
    arms = await show(ctx, ids)
    async with ctx.db.transaction() as conn:  # a fault of whoever exposes: two in three of one arm are lost
        lost = [person for n, person in enumerate(ids) if arms[person] == 0 and n % 3]
        await conn.execute("delete from experiment_exposure where profile_id = any(%s)", (lost,))
    clock.advance(timedelta(hours=1))
    await happen(ctx, [(person, "Return", clock.now(), {}) for n, person in enumerate(ids) if arms[person] == 1 or n % 4 == 0])
    clock.advance(timedelta(days=2))
    await run_until_idle(ctx, watching.LOOPS)
    async with ctx.db.connection() as conn:
        kept = await records.read_result(conn, one.id)
    assert kept is not None
    assert [(alarm.kind, alarm.metric, alarm.arm) for alarm in kept.body.alarms] == [("ratio", None, None), ("guardrail", "returns", "b")]
    assert kept.body.metrics[0].others[0].guard == "harmed" and kept.body.ratio is not None and kept.body.ratio.alarm
    clock.advance(timedelta(hours=1))
    await run_until_idle(ctx, watching.LOOPS)
    from antiphon.foundation.notices import LOOPS as NOTICES

    await run_until_idle(ctx, NOTICES)
    assert [(notice.kind, notice.arm) for notice in heard] == [("ratio", None), ("guardrail", "b")]
    async with ctx.db.connection() as conn:
        later = await records.read_result(conn, one.id)
    assert later is not None and later.measured_at > kept.measured_at and later.body.alarms == kept.body.alarms


async def test_figures_are_kept_and_final_once_the_last_window_has_closed(ctx: Context, lake: LakeClient, clock: VirtualClock) -> None:
    metric = ConversionMetric(name="bought", event="Order", within_hours=24)
    one = await begin(ctx, Design(name="Greeting", arms=[Arm(key="a"), Arm(key="b")], metrics=[metric]))
    ids = await people(ctx, 20)
    await show(ctx, ids)
    first = await watching.results(ctx, one)
    assert first.metrics[0].arms[0].people == 0 and first.metrics[0].others == [] and first.metrics[0].arms[0].value is None
    clock.advance(timedelta(seconds=30))
    assert (await watching.results(ctx, one)).measured_at == first.measured_at, "fresh enough"
    assert (await watching.results(ctx, one, anew=True)).measured_at > first.measured_at
    done = await service.finish(ctx, SYSTEM, one.id, None)
    clock.advance(timedelta(hours=25))
    last = await watching.results(ctx, done)
    assert sum(arm.people for arm in last.metrics[0].arms) == 20
    clock.advance(timedelta(days=9))
    assert (await watching.results(ctx, done)).measured_at == last.measured_at, "nothing more can come"


async def test_nobody_yet(ctx: Context, lake: LakeClient) -> None:
    found = await watching.results(ctx, await begin(ctx))
    assert (found.people, found.first_at, [arm.people for arm in found.arms]) == (0, None, [0, 0, 0])
    assert all(metric.others == [] for metric in found.metrics) and found.alarms == []


async def test_slow_figures_are_those_kept_and_are_worked_out_behind(ctx: Context, lake: LakeClient, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SLOW_MS", -1)
    one = await begin(ctx)
    first = await watching.results(ctx, one)
    await show(ctx, await people(ctx, 10))
    clock.advance(timedelta(minutes=2))
    assert (await watching.results(ctx, one)).people == 0, "what is kept, at once"
    await run_until_idle(ctx, watching.LOOPS)
    later = await watching.results(ctx, one)
    assert later.people == 10 and later.measured_at > first.measured_at
    clock.advance(timedelta(minutes=5))
    await run_until_idle(ctx, watching.LOOPS)
    assert (await watching.results(ctx, one)).measured_at == later.measured_at, "nobody asked for fresher ones before"


async def test_a_holdouts_experiment_that_is_over_stays_as_it_was(ctx: Context, lake: LakeClient, clock: VirtualClock) -> None:
    await people(ctx, 50)
    await mirror_profiles(ctx)
    async with ctx.db.transaction() as conn:
        await holdouts.set_holdout(ctx, conn, SYSTEM, "universal", title="", percent=40, period="month", enabled=True, redraw=False)
    metric = ConversionMetric(name="bought", event="Order", within_hours=24)
    one = await service.create_for_holdout(ctx, SYSTEM, "universal", Design(name="Marketing", arms=DESIGN.arms[:2], metrics=[metric]))
    clock.advance(timedelta(hours=2))
    done = await service.finish(ctx, SYSTEM, one.id, None)
    before = await watching.measure(ctx, done)
    clock.advance(timedelta(days=40))  # another month, another drawing; others have come
    await people(ctx, 30)
    await mirror_profiles(ctx)
    last = await watching.results(ctx, done)
    assert [arm.people for arm in last.arms] == [arm.people for arm in before.arms] and last.people == 50
    clock.advance(timedelta(days=40))
    assert (await watching.results(ctx, done)).measured_at == last.measured_at
