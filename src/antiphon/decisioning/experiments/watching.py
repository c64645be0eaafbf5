"""Working out what experiments come to: on demand while that is quick, else behind, and again and again while they go on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from antiphon.awareness.profiles import secret_traits
from antiphon.awareness.segments import find_segment, members
from antiphon.decisioning.experiments import records
from antiphon.decisioning.experiments.course import ExperimentCourse, put_together, steps_of
from antiphon.decisioning.experiments.dealing import column_of, mirrored
from antiphon.decisioning.experiments.design import Experiment, InvalidExperiment
from antiphon.decisioning.experiments.measuring import (
    EXPOSURES,
    Grouping,
    Row,
    Steps,
    answers_of,
    earliest,
    question,
    read_rows,
    strata_of,
)
from antiphon.decisioning.experiments.model import Holdout, held_out, salt_of
from antiphon.decisioning.experiments.notices import ExperimentAlarmed
from antiphon.decisioning.experiments.results import ExperimentAlarm, ExperimentResults, make_results
from antiphon.decisioning.experiments.store import find_holdout
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError, Forbidden
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop, wake
from antiphon.foundation.notices import publish
from antiphon.foundation.principal import Principal
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
LOOP = "experiments.watch"
FRESH = timedelta(minutes=1)
AGAIN = timedelta(minutes=10)
SLOW_MS = 1_000
"""Figures that take longer are worked out behind, and those there are answered meanwhile."""
AGE = 100
"""How an experiment went is kept for so many times as long as it took to work out."""
_HELD = "(select id as profile_id, arm, make_timestamptz(micros) as exposed_at from held_apart)"
Tables = dict[str, dict[str, Any]]


class TraitSecret(Forbidden):
    """The values of {trait} are not shown to you."""


async def results(ctx: Context, one: Experiment, *, anew: bool = False) -> ExperimentResults:
    """An experiment's figures: as kept when they are fresh, final, or slow to work out, else worked out now."""
    now = ctx.clock.now()
    async with ctx.db.connection() as conn:
        kept = await records.read_result(conn, one.id)
    if kept is not None:
        final = one.state == "finished" and kept.measured_at >= kept.settles_at
        if final or (now - kept.measured_at < FRESH and not anew):
            return kept.body
        if kept.took_ms > SLOW_MS:
            async with ctx.db.transaction() as conn:
                await records.run(conn, "want_result", {"id": one.id, "now": now})
                await wake(conn, LOOP)
            return kept.body
    return await refresh(ctx, one, before=kept.body.alarms if kept else ())


async def refresh(
    ctx: Context, one: Experiment, *, before: Sequence[ExperimentAlarm] = (), held: Held | None = None
) -> ExperimentResults:
    """Work an experiment's figures out and keep them; alarms that are new are told."""
    found = await measure(ctx, one, before=before)
    last = found.last_at or one.started_at or found.measured_at
    if one.kind == "holdout":  # people come in by being there
        last = one.finished_at or found.measured_at
    settles = last + max((metric.within for metric in one.design.metrics), default=timedelta(0))
    async with ctx.db.transaction() as conn:
        if held is not None:
            await held.fence(conn)
        await records.hold_experiment(conn, one.id)  # of two who worked it out at once one tells
        kept = await records.read_result(conn, one.id)
        known = {(alarm.kind, alarm.metric, alarm.arm) for alarm in (kept.body.alarms if kept else before)}
        await records.put_result(conn, one.id, found, settles)
        for alarm in found.alarms:
            if (alarm.kind, alarm.metric, alarm.arm) not in known:
                log.warning("experiment alarm", experiment=one.key, kind=alarm.kind, metric=alarm.metric, arm=alarm.arm)
                await publish(conn, ExperimentAlarmed(one.id, one.design.name, alarm.kind, alarm.metric, alarm.arm))
    return found


async def measure(
    ctx: Context, one: Experiment, *, before: Sequence[ExperimentAlarm] = (), grouping: Grouping | None = None,
    tables: Tables | None = None,
) -> ExperimentResults:  # fmt: skip
    """Ask the lake what an experiment comes to now: one question, whatever the number of metrics and arms."""
    now, began = ctx.clock.now(), time.perf_counter()
    rows = await _ask(ctx, one, now, grouping=grouping, tables=tables)
    took = round((time.perf_counter() - began) * 1000)
    return make_results(
        one.design, answers_of(rows), now=now, took_ms=took, before=before, ratio=one.kind == "random", strata=strata_of(rows)
    )


async def _ask(
    ctx: Context, one: Experiment, now: datetime, *, grouping: Grouping | None = None, tables: Tables | None = None,
    steps: Steps | None = None,
) -> list[Row]:  # fmt: skip
    metrics, given = one.design.metrics, dict(tables or {})
    if one.kind == "holdout":
        source, first = _HELD, await _hold_apart(ctx, one, given, now)
    else:
        source = EXPOSURES.format(id=one.id)
        async with ctx.db.connection() as conn:
            counted = await records.count_exposed(conn, one.id)
        first = min((row[2] for row in counted), default=None)
    if first is None:
        return []
    if one.dealt:
        given["strata"] = await _strata(ctx, one)
    since = earliest(metrics, first)
    sql = question(metrics, source, since=since, now=now, grouping=grouping, strata=one.dealt, steps=steps)
    return read_rows(await ctx.lake.run(sql, tables=given or None), metrics)


async def course(ctx: Context, one: Experiment) -> ExperimentCourse:
    """How an experiment went: as kept where it is fresh, or final, or took long a short while ago, else worked out now."""
    now = ctx.clock.now()
    async with ctx.db.connection() as conn:
        kept = await records.read_course(conn, one.id)
        result = await records.read_result(conn, one.id)
        strata = len({row[0] for row in await records.deal_sizes(conn, one.id)}) + 1 if one.dealt else 1
    if kept is not None:
        final = one.state == "finished" and result is not None and kept.measured_at >= result.settles_at
        if final or now - kept.measured_at < max(FRESH, min(AGAIN, AGE * timedelta(milliseconds=kept.took_ms))):
            return kept.body
    found = await results(ctx, one)
    began = time.perf_counter()
    rows: list[Row] = []
    steps = Steps(start=now, micros=3_600_000_000)
    if found.first_at is not None and found.last_at is not None:
        steps = steps_of(found.first_at, found.last_at, sets=strata * len(one.design.arms))
        rows = await _ask(ctx, one, now, steps=steps)
    made = put_together(one.design, rows, steps, now)
    async with ctx.db.transaction() as conn:
        await records.put_course(conn, one.id, made, round((time.perf_counter() - began) * 1000))
    return made


async def _strata(ctx: Context, one: Experiment) -> dict[str, Any]:
    """Who was dealt an arm in which stratum, as a table; whoever came later is in none of them."""
    async with ctx.db.connection() as conn:
        dealt = await records.read_strata(conn, one.id)
    ids = [np.frombuffer(people.to_array(), dtype=np.uint32).astype(np.int64) for people in dealt]
    numbers = [np.full(len(some), n, dtype=np.int64) for n, some in enumerate(ids)]
    empty = np.zeros(0, dtype=np.int64)
    return {"id": np.concatenate([empty, *ids]), "n": np.concatenate([empty, *numbers])}


async def by_trait(ctx: Context, who: Principal, one: Experiment, trait: str) -> ExperimentResults:
    """The same by the values of a trait as people are now. Raises InvalidExperiment, or TraitSecret for one not for `who`."""
    async with ctx.db.connection() as conn:
        if trait in await secret_traits(conn, who):
            raise TraitSecret(trait=trait, field="trait")
        column = await column_of(conn, trait, "trait")
    if not await mirrored(ctx, column):
        raise InvalidExperiment("nobody has a value of this trait yet", field="trait")
    return await measure(ctx, one, grouping=Grouping(column))


async def by_segment(ctx: Context, one: Experiment, segment_id: int) -> ExperimentResults:
    """The same in and out of a segment as it is now. Raises SegmentNotFound."""
    async with ctx.db.connection() as conn:
        await find_segment(conn, segment_id)
        people = await members(conn, segment_id)
    ids = np.frombuffer(people.to_array(), dtype=np.uint32).astype(np.int64)
    return await measure(ctx, one, grouping=Grouping(), tables={"inside": {"id": ids}})


async def _hold_apart(ctx: Context, one: Experiment, tables: Tables, now: datetime) -> datetime | None:
    """Everybody, held out (arm 0) or not, from when the group was drawn or they came: as the table `held_apart`.

    Of an experiment that is over, as it was then.
    """
    now = min(now, one.finished_at) if one.finished_at is not None else now
    async with ctx.db.connection() as conn:
        holdout = await find_holdout(conn, one.key.removeprefix("holdout-"))
    if holdout is None or one.started_at is None:
        return None
    since = max(one.started_at, _drawn(holdout, now))
    found = await ctx.lake.columns("select profile_id::bigint as id, epoch_us(first_seen) as born from lake.profile")
    ids = np.asarray(found["id"], dtype=np.int64)
    if not len(ids):
        return None
    held = held_out(ctx.secret, holdout.name, holdout.percent, ids, salt_of(holdout, now))
    start, end = (round(at.timestamp() * 1_000_000) for at in (since, now))
    born = np.maximum(np.ma.filled(found["born"], 0).astype(np.int64), start)
    there = born <= end
    tables["held_apart"] = {"id": ids[there], "arm": np.where(held, 0, 1)[there].astype(np.int64), "micros": born[there]}
    return since


def _drawn(holdout: Holdout, now: datetime) -> datetime:
    """When the present group was drawn: the beginning of its period, in UTC."""
    at = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0, day=1)
    match holdout.period:
        case "year":
            return at.replace(month=1)
        case "quarter":
            return at.replace(month=3 * ((at.month - 1) // 3) + 1)
        case "month":
            return at
        case _:
            return holdout.updated_at


async def watch(ctx: Context, held: Held) -> bool:
    """One tick: figures that are old, or wanted, are worked out anew."""
    async with ctx.db.connection() as conn:
        ids = await records.stale_results(conn, ctx.clock.now() - AGAIN)
    for one_id in ids:
        async with ctx.db.connection() as conn:
            one = await records.find_experiment(conn, one_id)
            kept = await records.read_result(conn, one_id)
        if one is None:
            continue
        try:
            await refresh(ctx, one, before=kept.body.alarms if kept else (), held=held)
        except AntiphonError as failed:
            if not failed.permanent:
                return False
            log.warning("experiment not measured", experiment=one.key, error=str(failed))
    return False


LOOPS = (Loop(LOOP, watch, interval=30.0, buckets=1),)
