"""How an experiment went: each look is what somebody who looked then would have seen."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.awareness.test_traits_computed import happen, people
from tests.decisioning.test_experiments_results import DESIGN, METRICS, begin, life, show, with_plan

from antiphon.decisioning.experiments import service, watching
from antiphon.decisioning.experiments.course import FEWEST_POINTS, MOST_POINTS, STEPS, ExperimentCourse, steps_of
from antiphon.decisioning.experiments.design import TraitStrata
from antiphon.decisioning.experiments.results import ExperimentResults
from antiphon.foundation.access import SYSTEM
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeClient

pytestmark = pytest.mark.store
START = datetime(2026, 6, 1, 12, 20, tzinfo=UTC)


@pytest.mark.parametrize("hours", [0, 1, 30, 24 * 9, 24 * 90, 24 * 2000])
@pytest.mark.parametrize("sets", [2, 1_000, 10**9])
def test_steps_are_few_and_begin_on_the_hour(hours: int, sets: int) -> None:
    steps = steps_of(START, START + timedelta(hours=hours), sets=sets)
    step = timedelta(microseconds=steps.micros)
    assert step in STEPS and steps.start <= START and steps.start.minute == 0
    assert (START + timedelta(hours=hours) - steps.start) / step <= (FEWEST_POINTS if sets == 10**9 else MOST_POINTS)


def seen(found: ExperimentResults, metric: str) -> dict[str, Any]:
    """What a look says of a metric."""
    one = next(one for one in found.metrics if one.metric == metric)
    return {other.arm: (other.difference, other.sequential and (other.sequential.low, other.sequential.high)) for other in one.others}


def told(course: ExperimentCourse, metric: str, at: datetime) -> dict[str, Any]:
    one = next(one for one in course.metrics if one.metric == metric)
    return {p.arm: (p.difference, None if p.low is None else (p.low, p.high)) for p in one.points if p.at == at}


def same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one.keys() == other.keys()
    for arm, (difference, interval) in one.items():
        assert difference == pytest.approx(other[arm][0], abs=1e-9)
        assert (interval is None) == (other[arm][1] is None)
        if interval is not None:
            assert interval == pytest.approx(other[arm][1], abs=1e-6)


@pytest.mark.parametrize("dealt", [False, True])
async def test_each_look_is_what_was_seen_then(ctx: Context, lake: LakeClient, clock: VirtualClock, dealt: bool) -> None:
    rng = random.Random(3)
    began = clock.now()
    assert began.minute == 0
    ids = await people(ctx, 900)
    if dealt:
        await with_plan(ctx, ids)
    design = msgspec.structs.replace(
        DESIGN, arms=DESIGN.arms[:2], metrics=METRICS[2:4], method="sequential", strata=TraitStrata(trait="plan") if dealt else None
    )
    one = await begin(ctx, design)
    await happen(ctx, life(ids, rng, began - timedelta(days=4), 24 * 12))
    looks: dict[datetime, ExperimentResults] = {}
    came = iter([ids[:300], ids[300:600], ids[600:], *[[]] * 99])
    for day in range(8):
        clock.set(began + timedelta(days=day, minutes=30))
        if some := next(came):
            await show(ctx, some)
        clock.set(began + timedelta(days=day + 1))
        looks[clock.now()] = await watching.measure(ctx, one)
    course = await watching.course(ctx, one)
    assert course.measured_at == clock.now() and 1 <= course.step_hours <= 24
    for metric in design.metrics:
        points = next(found for found in course.metrics if found.metric == metric.name).points
        assert [point.at for point in points] == sorted({point.at for point in points}), "one arm beside the first"
        whole = [at for at in looks if any(point.at == at for point in points)]
        assert clock.now() in {point.at for point in points} or points[-1].at < clock.now()
        for at in whole:
            same(told(course, metric.name, at), seen(looks[at], metric.name))
        last = points[-1]
        same({last.arm: (last.difference, (last.low, last.high))}, seen(looks[clock.now()], metric.name))
        assert points[0].people <= 300 < points[-1].people == 900


async def test_it_is_kept_forgotten_and_final(ctx: Context, lake: LakeClient, clock: VirtualClock) -> None:
    one = await begin(ctx, msgspec.structs.replace(DESIGN, metrics=METRICS[:1]))
    nobody = await watching.course(ctx, one)
    assert [metric.points for metric in nobody.metrics] == [[]]
    ids = await people(ctx, 30)
    await show(ctx, ids)
    clock.advance(timedelta(seconds=20))
    assert (await watching.course(ctx, one)).measured_at == nobody.measured_at, "fresh enough"
    changed = await service.change(ctx, SYSTEM, one.id, msgspec.structs.replace(one.design, metrics=METRICS[:2]))
    clock.advance(timedelta(days=4))
    later = await watching.course(ctx, changed)
    assert [metric.metric for metric in later.metrics] == ["bought", "bought big"]
    assert {point.people for point in later.metrics[0].points} and later.metrics[0].points[-1].low is None, "too few for an interval"
    done = await service.finish(ctx, SYSTEM, one.id, None)
    clock.advance(timedelta(days=4))
    await watching.results(ctx, done, anew=True)
    last = await watching.course(ctx, done)
    clock.advance(timedelta(days=40))
    assert (await watching.course(ctx, done)).measured_at == last.measured_at, "nothing more can come"
