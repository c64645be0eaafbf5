"""Letting people into a journey: everybody who comes from any source passes here, as a set, by the rules of `entries`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from antiphon.decisioning.experiments import fractions_of
from antiphon.execution.journeys.contract import Bools, Ints
from antiphon.execution.journeys.engine import Plan
from antiphon.execution.journeys.entries import REASONS, Admitted, Outcome, Standing, admit
from antiphon.execution.journeys.passages import count_ways, take_of
from antiphon.execution.journeys.running import BUCKETS, RUN_LOOP, SQL, plans, running
from antiphon.execution.journeys.telling import plain_json
from antiphon.foundation.context import Context
from antiphon.foundation.faults import point
from antiphon.foundation.loops import wake
from antiphon.foundation.postgres import Connection, tuple_row
from antiphon.foundation.postgres.binary import bigints, instants, jsonbs, micros, numbers_of, texts

ENTRY = -1
"""The step of the numbers of those who came: entered, or refused."""
UNKNOWN = "unknown"
_IN_ADVANCE = 500


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What became of candidates, in their order: ``outcome`` is a word of `entries.REASONS`, or ``unknown`` for nobody;
    ``runs``: the passage of who entered, 0 for the others; ``count``: the numbers on the way in; ``displaced``: people whose
    passages in ``rivals`` (versions) ended by it."""

    outcome: Sequence[str]
    runs: Ints
    count: Counter[tuple[int, str, str]]
    displaced: Ints
    rivals: Sequence[int]

    @property
    def entered(self) -> Ints:
        """Places of those who entered."""
        return np.flatnonzero(self.runs)


async def enrol(
    ctx: Context,
    conn: Connection,
    plan: Plan,
    profiles: Ints,
    keys: Sequence[str],
    at: Ints,
    memory: Sequence[dict[str, Any] | None],
    *,
    by_tick: bool = False,
    moving: Ints | None = None,
    leaving: Ints | None = None,
) -> Enrolled:
    """Let people in, in the caller's transaction. ``profiles``: canonical ids; ``at``: when each enters, in microseconds (what
    they do from then on is heard); ``memory``: what each carries along from the start, such as ``{"entry": {…}}``. They stand
    before the first step until `journeys.run`, which this wakes, takes them. Candidates are judged in their order. Not more than
    20,000 at a time. ``by_tick``: the tick itself asks, which holds the entries of its buckets, moves them on and counts them.
    ``moving``: passages that the caller has in its hands, and ends itself where they are displaced; ``leaving``: the passage that
    each candidate leaves if they enter, which keeps them from nothing."""
    now = ctx.clock.now()
    if not by_tick:
        await hold_entries(conn, np.unique(profiles % BUCKETS).tolist())
    known, admitted, rivals = await _judge(ctx, conn, plan, profiles, keys, at, leaving)
    point("admitting")
    entered = admitted.entered
    held = np.flatnonzero(admitted.outcome == Outcome.HOLDOUT)
    ids = await _ids(ctx, conn, len(entered) + len(held))
    whose = known[entered]
    runs = np.zeros(len(profiles), dtype=np.int64)
    runs[whose] = ids[: len(entered)]
    displaced = np.unique(profiles[known[admitted.displaces]])
    if len(displaced):
        await leave_versions(ctx, conn, displaced, rivals, "displaced", {"by": plan.journey_id}, but=moving)
    common = {"journey_id": plan.journey_id, "version_id": plan.version_id, "now": now}
    if len(entered):
        await conn.execute(SQL.insert_runs, common | {
            "step": plan.start, "profiles": bigints(profiles[whose]), "ids": bigints(runs[whose]), "ats": instants(at[whose]),
            "keys": texts([keys[one] for one in whose.tolist()]),
            "memories": jsonbs([None if (one := memory[at]) is None else plain_json(one) for at in whose.tolist()]),
        })  # fmt: skip
        if not by_tick:
            await wake(conn, RUN_LOOP)
    if len(held):
        out = known[held]
        await conn.execute(SQL.insert_held_out, common | {
            "profiles": bigints(profiles[out]), "ids": bigints(ids[len(entered) :]), "ats": instants(at[out]),
            "keys": texts([keys[one] for one in out.tolist()]),
        })  # fmt: skip
    outcome = [UNKNOWN] * len(profiles)
    for place, code in zip(known.tolist(), admitted.outcome.tolist(), strict=True):
        outcome[place] = REASONS[code]
    count = Counter((ENTRY, word, "entered" if word == "entered" else "refused") for word in outcome)
    if not by_tick:
        await count_ways(conn, plan.version_id, count, now, 0)
    point("admitted")
    return Enrolled(outcome, runs, count, displaced, rivals)


async def _judge(
    ctx: Context, conn: Connection, plan: Plan, profiles: Ints, keys: Sequence[str], at: Ints, leaving: Ints | None
) -> tuple[Ints, Admitted, list[int]]:
    """Places of those there are, what becomes of them, and the versions of rival journeys."""
    definition = plan.definition
    rivals: dict[int, int] = {}
    if definition.exclusive:
        rivals = {
            one.plan.version_id: one.definition.priority
            for one in await running(ctx, conn)
            if one.definition.exclusive == definition.exclusive and one.plan.journey_id != plan.journey_id
        }
    there, standing = await _standing(conn, plan, profiles, keys, rivals, leaving)
    known = np.flatnonzero(there)
    room = None
    if definition.most_inside is not None:
        await conn.execute(SQL.alone_in, {"journey_id": plan.journey_id})
        versions = [one.plan.version_id for one in await running(ctx, conn) if one.plan.journey_id == plan.journey_id]
        asked = {"versions": versions, "most": definition.most_inside}
        row = await (await conn.execute(SQL.inside, asked)).fetchone()
        assert row is not None
        room = definition.most_inside - row[0]
    held_out = held_out_of(ctx.secret, plan, profiles[known])
    admitted = admit(
        definition, profiles[known], [keys[one] for one in known.tolist()], at[known],
        Standing(standing.inside[known], standing.last[known], standing.used[known], standing.rival[known]), held_out, room,
    )  # fmt: skip
    return known, admitted, list(rivals)


def held_out_of(secret: bytes, plan: Plan, profiles: Ints) -> Bools:
    """Who belongs to a journey's holdout, in all its versions alike."""
    percent = plan.definition.holdout_percent
    if not percent:
        return np.zeros(len(profiles), dtype=np.bool_)
    held: Bools = fractions_of(secret, f"journey holdout {plan.journey_id}", profiles) < percent / 100
    return held


async def hold_entries(conn: Connection, buckets: Sequence[int]) -> None:
    """One at a time lets people of these buckets in; until the commit. Who will let people of several buckets in, in more than
    one call, holds them all first, so that two who do cannot wait for each other."""
    await conn.execute(SQL.alone, {"buckets": sorted(buckets)})


async def _standing(
    conn: Connection, plan: Plan, profiles: Ints, keys: Sequence[str], rivals: dict[int, int], leaving: Ints | None
) -> tuple[Bools, Standing]:
    params = {
        "profiles": bigints(profiles), "journey_id": plan.journey_id, "rivals": list(rivals), "priorities": list(rivals.values()),
        "leaving": bigints(np.zeros(len(profiles), dtype=np.int64) if leaving is None else leaving),
    }  # fmt: skip
    async with conn.cursor(binary=True, row_factory=tuple_row) as cur:
        row = await (await cur.execute(SQL.standing, params)).fetchone()
        assert row is not None
        there, inside, last, rival = map(numbers_of, row)
        used = np.zeros(len(profiles), dtype=np.bool_)
        if plan.definition.again.rule == "key":
            asked = {"profiles": bigints(profiles), "keys": texts(keys), "journey_id": plan.journey_id}
            row = await (await cur.execute(SQL.used_keys, asked)).fetchone()
            assert row is not None
            used = numbers_of(row[0]) > 0
    return there > 0, Standing(inside=inside, last=last, used=used, rival=rival)


async def _ids(ctx: Context, conn: Connection, count: int) -> Ints:
    """Ids of passages to come: a process takes some in advance."""
    spare = plans(ctx).spare_ids
    if count > len(spare):
        async with conn.cursor(binary=True, row_factory=tuple_row) as cur:
            row = await (await cur.execute(SQL.run_ids, {"count": max(count, _IN_ADVANCE)})).fetchone()
        assert row is not None
        spare += numbers_of(row[0]).tolist()
    taken = spare[:count]
    del spare[:count]
    return np.array(taken, dtype=np.int64)


async def leave_versions(
    ctx: Context, conn: Connection, profiles: Ints, versions: Sequence[int], reason: str, facts: dict[str, Any],
    *, but: Ints | None = None,
) -> int:  # fmt: skip
    """People leave these versions, wherever they stand, all ``but`` some passages; returns how many passages ended."""
    found = await running(ctx, conn)
    ended = 0
    now: datetime = ctx.clock.now()
    for plan in (one.plan for one in found if one.plan.version_id in versions):
        passages = await take_of(conn, plan, profiles)
        places = np.arange(len(passages)) if but is None else np.flatnonzero(~np.isin(passages.run, but))
        if len(places):
            passages.let_go(places, reason, micros(now), facts)
            await passages.write(conn, now, 0)
            ended += len(places)
    return ended


async def leave_journey(
    ctx: Context, conn: Connection, profiles: Ints, journey_id: int, reason: str, facts: dict[str, Any] | None = None
) -> int:
    """People leave a journey, wherever they stand, with this reason in their history; returns how many passages ended."""
    versions = [one.plan.version_id for one in await running(ctx, conn) if one.plan.journey_id == journey_id]
    return await leave_versions(ctx, conn, profiles, versions, reason, facts or {})

