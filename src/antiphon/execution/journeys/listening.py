"""What people did, as the journeys of a chunk hear it: each person's events in order, one after another for everybody at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from antiphon.awareness.events.values import dig, number, properties_of
from antiphon.execution.journeys.chain import begun_after, moved_on
from antiphon.execution.journeys.contract import OUT, Cause, Heard, Ints, World
from antiphon.execution.journeys.engine import advance
from antiphon.execution.journeys.entering import ENTRY, enrol
from antiphon.execution.journeys.entries import key_of
from antiphon.execution.journeys.passages import Passages, count_ways, take_of
from antiphon.execution.journeys.running import SQL, Running
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection
from antiphon.foundation.postgres.binary import bigints, instants, ints, micros, texts

PAUSED = "paused"
"""Why somebody did not come in, who would have while the journey was paused."""
_MOST_WAKES = 100
"""How often somebody may wake before one event is heard."""


@dataclass(frozen=True, slots=True)
class Row:
    """An event that is to be heard: ``id`` and ``owner`` are where it lies, ``event.profile`` is whose it is by now."""

    owner: int
    id: int
    order: tuple[int, int, int]
    event: Heard
    admits: bool = True
    """False of what was kept for a paused journey that does not let in who did it then."""


def rows_of(found: Sequence[Sequence[Any]]) -> list[Row]:
    """Rows as `take_heard` gives them, in the order in which things happened."""
    rows = [
        Row(owner, row_id, (micros(ts), lane, seq), Heard(
            name=name, kind=kind, at=micros(ts), received=micros(received), profile=profile, properties=properties_of(text),
            begun=begun,
        ), *admits)
        for owner, row_id, profile, lane, seq, ts, received, kind, name, text, begun, *admits in found
    ]  # fmt: skip
    return sorted(rows, key=lambda one: one.order)


MOST_ROUNDS = 100


def in_rounds(rows: Sequence[Row], cares: Mapping[str, Collection[int]]) -> tuple[list[list[Row]], list[Row]]:
    """(rounds, what is left for later): in a round nobody does two things that different versions care about, so that who
    hears them
    round after round hears each person's events in their order, whichever journeys they are for. ``cares``: the versions that
    care
    about an event's name. Nearly everybody is in the first round alone; who does more than `MOST_ROUNDS` such things has the rest
    heard with the next chunk."""
    of: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        of[row.event.profile].append(row)
    rounds: list[list[Row]] = [[]]
    later: list[Row] = []
    for theirs in of.values():
        turn, alone = 0, None  # the version that alone cares about what is in the round so far
        concerned = {one for row in theirs for one in cares.get(row.event.name, ())} if len(theirs) > 1 else ()
        for row in theirs:
            if len(concerned) > 1 and (those := cares.get(row.event.name, ())):
                only = next(iter(those)) if len(those) == 1 else -1
                turn += 0 if alone is None or (alone == only and only >= 0) else 1
                alone = only
            if turn >= MOST_ROUNDS:
                later.append(row)
                continue
            while len(rounds) <= turn:
                rounds.append([])
            rounds[turn].append(row)
    return [sorted(one, key=lambda row: row.order) for one in rounds], later


async def keep_for(conn: Connection, version: Running, rows: Sequence[Row], now: datetime, slot: int) -> None:
    """A paused journey's people hear these when it goes on, and who would have come in comes in then, where it keeps them."""
    passages = await take_of(conn, version.plan, sorted({one.event.profile for one in rows}))
    inside = set(passages.profile.tolist())
    comes = [version.shut and _opens(version, one.event) for one in rows]
    admitted = await _admitted(conn, version, sum(comes), now, slot)
    kept: list[Row] = []
    admits: list[int] = []
    for row, coming in zip(rows, comes, strict=True):
        admit = coming and admitted > 0
        admitted -= admit
        if admit or row.event.profile in inside:
            kept.append(row)
            admits.append(int(admit))
    if kept:
        await conn.execute(SQL.keep_heard, {
            "profiles": bigints([one.owner for one in kept]), "ids": bigints([one.id for one in kept]), "admits": ints(admits),
            "journey_id": version.plan.journey_id,
        })  # fmt: skip


async def _admitted(conn: Connection, version: Running, coming: int, now: datetime, slot: int) -> int:
    """How many of those who would come in are kept; the others are counted as refused."""
    rule, kept = version.definition.while_paused, 0
    if coming and rule.entries == "keep":
        counted = {"journey_id": version.plan.journey_id, "count": coming}
        row = await (await conn.execute(SQL.count_kept, counted)).fetchone()
        assert row is not None
        kept = max(0, min(coming, rule.most - (row[0] - coming)))
        if kept < coming:
            await conn.execute(SQL.count_kept, counted | {"count": kept - coming})
    if kept < coming:
        await count_ways(conn, version.plan.version_id, Counter({(ENTRY, PAUSED, "refused"): coming - kept}), now, slot)
    return kept


def _opens(version: Running, event: Heard) -> bool:
    return event.received >= micros(version.started_at) and any(door.opens(event) for door in version.doors)


async def listen(
    ctx: Context, conn: Connection, version: Running, world: World, rows: Sequence[Row], now: datetime, slot: int
) -> None:
    """A version's people hear what they did, and who comes in by it comes in."""
    of: dict[int, list[Heard]] = defaultdict(list)
    for row in rows:
        of[row.event.profile].append(row.event)
    barred = {id(row.event) for row in rows if not row.admits}
    passages = await take_of(conn, version.plan, sorted(of))
    inside: dict[int, list[int]] = defaultdict(list)
    for place, profile in enumerate(passages.profile.tolist()):
        inside[profile].append(place)
    for turn in range(max(map(len, of.values()), default=0)):
        events = [those[turn] for those in of.values() if len(those) > turn]
        await _wake_before(passages, inside, events, world, micros(now))
        await _hear(passages, inside, events, world, micros(now))
        if version.enters:
            coming = [one for one in events if _opens(version, one) and id(one) not in barred]
            if coming:
                await _let_in(ctx, conn, version, passages, inside, coming, world, now, slot)
    await passages.write(conn, now, slot)
    goal = version.definition.goal
    if version.enters and version.definition.holdout_percent and goal is not None and goal.event is not None:
        await _convert_held_out(conn, version, [row.event for row in rows if row.event.is_one_of(goal.event)])


async def _wake_before(
    passages: Passages, inside: Mapping[int, list[int]], events: Sequence[Heard], world: World, now: int
) -> None:
    """Whoever was to go on before they did something goes on first."""
    places = np.array([place for one in events for place in inside.get(one.profile, ())], dtype=np.int64)
    until = np.array([min(one.at, now) for one in events for _ in inside.get(one.profile, ())], dtype=np.int64)
    for _ in range(_MOST_WAKES):
        due = (passages.step[places] != OUT) & ((passages.wake[places] <= until) | passages.coming[places])
        if not due.any():
            return
        await wake_up(passages, places[due], world, now)


async def wake_up(passages: Passages, places: Ints, world: World, now: int) -> None:
    """These go on: their wait is over, or they come to their step."""
    since = np.where(passages.coming[places], passages.arrived[places], passages.wake[places])
    people = passages.people(places, Cause.WOKEN, now, since)
    passages.absorb(places, people, await advance(passages.plan, people, world))


async def _hear(
    passages: Passages, inside: Mapping[int, list[int]], events: Sequence[Heard], world: World, now: int
) -> None:
    plan = passages.plan
    places: list[int] = []
    heard: list[int] = []
    for at, one in enumerate(events):
        for place in inside.get(one.profile, ()):
            step = int(passages.step[place])
            if step != OUT and (
                (one.name in plan.leaves_on and one.at > passages.entered[place])
                or (one.name in plan.steps[step].hears and one.at > passages.arrived[place])
            ):
                places.append(place)
                heard.append(at)
    if places:
        where, which = np.array(places, dtype=np.int64), np.array(heard, dtype=np.int64)
        since = np.maximum(np.array([events[one].at for one in heard], dtype=np.int64), passages.arrived[where])
        for place, number, at in zip(places, heard, since.tolist(), strict=True):
            if events[number].begun:
                passages.memory[place] = moved_on(passages.memory[place], events[number].begun, at)
        people = passages.people(where, Cause.HEARD, now, since, which, events)
        passages.absorb(where, people, await advance(plan, people, world))


async def _let_in(
    ctx: Context,
    conn: Connection,
    version: Running,
    passages: Passages,
    inside: dict[int, list[int]],
    coming: Sequence[Heard],
    world: World,
    now: datetime,
    slot: int,
) -> None:
    await passages.write(conn, now, slot)  # who has left just now may come again
    profiles = np.array([one.profile for one in coming], dtype=np.int64)
    at = np.array([min(one.at, micros(now)) for one in coming], dtype=np.int64)
    keys = [key_of(version.definition.again.key, one.properties) for one in coming]
    memory = [_carried(one) for one in coming]
    enrolled = await enrol(ctx, conn, version.plan, profiles, keys, at, memory, by_tick=True)
    passages.count.update(enrolled.count)
    came = enrolled.entered
    if not len(came):
        return
    count = len(came)
    places = passages.join(Passages(version.plan, {
        "profile": profiles[came], "run": enrolled.runs[came], "step": np.full(count, version.plan.start, dtype=np.int64),
        "turn": np.zeros(count, dtype=np.int64), "moved": np.zeros(count, dtype=np.int64),
        "coming": np.ones(count, dtype=np.int64), "wake": np.full(count, micros(now), dtype=np.int64),
        "entered": at[came], "arrived": at[came],
    }, [memory[one] for one in came.tolist()]))  # fmt: skip
    for place in places.tolist():
        inside.setdefault(int(passages.profile[place]), []).append(place)
    await wake_up(passages, places, world, micros(now))


def _carried(event: Heard) -> dict[str, Any] | None:
    """What somebody carries along from the event they come in by."""
    carried: dict[str, Any] = {"entry": dict(event.properties)} if event.properties else {}
    return (carried | begun_after(event.begun) if event.begun else carried) or None


async def _convert_held_out(conn: Connection, version: Running, events: Sequence[Heard]) -> None:
    """Those of the holdout who reached the goal all the same are compared with."""
    first: dict[int, Heard] = {}
    for one in events:
        first.setdefault(one.profile, one)
    goal = version.definition.goal
    if not first or goal is None:
        return
    worth = [None if goal.value is None else number(dig(dict(one.properties), goal.value)) for one in first.values()]
    await conn.execute(SQL.convert_held_out, {
        "profiles": bigints(list(first)), "ats": instants([one.at for one in first.values()]),
        "values": texts([None if one is None else str(one) for one in worth]), "journey_id": version.plan.journey_id,
    })  # fmt: skip


