"""What people did, as the journeys of a chunk hear it: each person's events in order, one after another for everybody at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from antiphon.awareness.events.values import dig, number, plain, properties_of
from antiphon.execution.journeys.contract import OUT, Cause, Heard, Ints, World
from antiphon.execution.journeys.engine import advance
from antiphon.execution.journeys.entering import enrol
from antiphon.execution.journeys.passages import Passages, take_of
from antiphon.execution.journeys.running import SQL, Running
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection
from antiphon.foundation.postgres.binary import bigints, instants, micros, texts

_MOST_WAKES = 100
"""How often somebody may wake before one event is heard."""


@dataclass(frozen=True, slots=True)
class Row:
    """An event that is to be heard: ``id`` and ``owner`` are where it lies, ``event.profile`` is whose it is by now."""

    owner: int
    id: int
    order: tuple[int, int, int]
    event: Heard


def rows_of(found: Sequence[Sequence[Any]]) -> list[Row]:
    """Rows as `take_heard` gives them, in the order in which things happened."""
    rows = [
        Row(owner, row_id, (micros(ts), lane, seq), Heard(
            name=name, kind=kind, at=micros(ts), received=micros(received), profile=profile, properties=properties_of(text)
        ))
        for owner, row_id, profile, lane, seq, ts, received, kind, name, text in found
    ]  # fmt: skip
    return sorted(rows, key=lambda one: one.order)


async def keep_for(conn: Connection, version: Running, rows: Sequence[Row]) -> None:
    """A paused journey's people hear these when it goes on."""
    passages = await take_of(conn, version.plan, sorted({one.event.profile for one in rows}))
    inside = set(passages.profile.tolist())
    kept = [one for one in rows if one.event.profile in inside]
    if kept:
        await conn.execute(SQL.keep_heard, {
            "profiles": bigints([one.owner for one in kept]), "ids": bigints([one.id for one in kept]),
            "journey_id": version.plan.journey_id,
        })  # fmt: skip


async def listen(
    ctx: Context, conn: Connection, version: Running, world: World, rows: Sequence[Row], now: datetime, slot: int
) -> None:
    """A version's people hear what they did, and who comes in by it comes in."""
    of: dict[int, list[Heard]] = defaultdict(list)
    for row in rows:
        of[row.event.profile].append(row.event)
    passages = await take_of(conn, version.plan, sorted(of))
    inside: dict[int, list[int]] = defaultdict(list)
    for place, profile in enumerate(passages.profile.tolist()):
        inside[profile].append(place)
    for turn in range(max(map(len, of.values()), default=0)):
        events = [those[turn] for those in of.values() if len(those) > turn]
        await _wake_before(passages, inside, events, world, micros(now))
        await _hear(passages, inside, events, world, micros(now))
        if version.enters:
            await _let_in(ctx, conn, version, passages, inside, events, world, now, slot)
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
        people = passages.people(where, Cause.HEARD, now, since, which, events)
        passages.absorb(where, people, await advance(plan, people, world))


async def _let_in(
    ctx: Context,
    conn: Connection,
    version: Running,
    passages: Passages,
    inside: dict[int, list[int]],
    events: Sequence[Heard],
    world: World,
    now: datetime,
    slot: int,
) -> None:
    since = micros(version.started_at)
    coming = [one for one in events if one.received >= since and any(door.opens(one) for door in version.doors)]
    if not coming:
        return
    await passages.write(conn, now, slot)  # who has left just now may come again
    profiles = np.array([one.profile for one in coming], dtype=np.int64)
    at = np.array([min(one.at, micros(now)) for one in coming], dtype=np.int64)
    keys = [key_of(version.definition.again.key, one.properties) for one in coming]
    memory: list[dict[str, Any] | None] = [{"entry": dict(one.properties)} if one.properties else None for one in coming]
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


def key_of(names: Sequence[str], properties: Mapping[str, Any]) -> str:
    """What somebody enters for, as one text: the values of these properties; empty where one says nothing."""
    parts = [plain(dig(dict(properties), name)) for name in names]
    return "" if not parts or any(not one for one in parts) else "\x1f".join(one for one in parts if one)


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


