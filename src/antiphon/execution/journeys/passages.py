"""Passages of one version that are being moved, as columns: read from rows, handed to the engine in parts, written back.

What was read is held by the transaction, so that what is written is not another's by then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import numpy as np

from antiphon.execution.journeys.contract import OUT, Cause, Heard, Ints, Line, People
from antiphon.execution.journeys.engine import Plan
from antiphon.execution.journeys.running import SQL
from antiphon.execution.journeys.telling import counted, paths, plain_json
from antiphon.foundation.faults import point
from antiphon.foundation.postgres import Connection, tuple_row
from antiphon.foundation.postgres.binary import bigints, instants, ints, jsonbs, numbers_of, texts

_decode = msgspec.json.Decoder(dict[str, Any]).decode
FEW = 64
"""Up to so many paths are sent once for all who took them."""
_COLUMNS = ("profile", "run", "step", "turn", "moved", "coming", "wake", "entered", "arrived")


class Passages:
    """Columns of passages, one place each, and what is to be written of them."""

    def __init__(self, plan: Plan, columns: Mapping[str, Ints], memory: Sequence[dict[str, Any] | None]) -> None:
        self.plan = plan
        self.profile = columns["profile"]
        self.run = columns["run"]
        self.step = columns["step"]
        self.turn = columns["turn"]
        self.moved = columns["moved"] > 0
        self.coming = columns["coming"] > 0
        self.wake = columns["wake"]
        self.entered = columns["entered"]
        self.arrived = columns["arrived"]
        self.memory = list(memory)
        self.left: list[str | None] = [None] * len(self.run)
        self.stood = self.step.copy()
        """The step at which something was last told of them."""
        self._carried = list(memory)
        self._touched = np.zeros(len(self.run), dtype=np.bool_)
        self._told: list[tuple[Ints, Ints, Sequence[bytes]]] = []
        self.count: Counter[tuple[int, str, str]] = Counter()

    def __len__(self) -> int:
        return len(self.run)

    def people(
        self, places: Ints, cause: Cause, now: int, since: Ints, heard: Ints | None = None, events: Sequence[Heard] = ()
    ) -> People:
        """Some of them for the engine: those who stand before their step come to it, the others are moved by ``cause``."""
        count = len(places)
        causes = np.where(self.coming[places], int(Cause.CAME), int(cause)).astype(np.int8)
        return People(
            run=self.run[places], profile=self.profile[places], step=self.step[places], entered=self.entered[places],
            arrived=self.arrived[places], at=np.full(count, now, dtype=np.int64), wake=self.wake[places], turn=self.turn[places],
            cause=causes, heard=np.full(count, -1, dtype=np.int64) if heard is None else heard,
            moved=self.moved[places], memory=[self.memory[one] for one in places.tolist()], events=events,
            left=[None] * count, since=np.minimum(since, now),
        )  # fmt: skip

    def absorb(self, places: Ints, people: People, lines: Sequence[Line]) -> None:
        """What became of some of them."""
        told = paths(lines, len(places))
        where = told.told
        self._told.append((places[where], told.way[where], told.texts))
        self.count.update(counted(lines))
        changed = (self.step[places] != people.step) | (self.wake[places] != people.wake) | self.coming[places]
        changed |= (self.arrived[places] != people.arrived) | (self.turn[places] != people.turn)
        for at, place in enumerate(places.tolist()):
            if self.memory[place] is not people.memory[at]:
                self.memory[place] = people.memory[at]
                changed[at] = True
        self._touched[places[changed]] = True
        self.step[places] = people.step
        self.turn[places] = people.turn
        self.wake[places] = people.wake
        self.arrived[places] = people.arrived
        self.coming[places] = False
        for line in lines:
            self.stood[places[line.places]] = line.step
        for at in np.flatnonzero(people.step == OUT).tolist():
            self.left[int(places[at])] = people.left[at]

    def let_go(self, places: Ints, reason: str, now: int, facts: Mapping[str, Any]) -> None:
        """Some of them leave, for a reason that is none of their steps'."""
        lines = [
            Line(int(number), reason, "left", np.flatnonzero(self.step[places] == number), np.empty(0, dtype=np.int64), facts)
            for number in np.unique(self.step[places]).tolist()
        ]
        people = self.people(places, Cause.WOKEN, now, np.full(len(places), now, dtype=np.int64))
        self.plan.let_go(people, np.arange(len(places)), reason)
        self.absorb(places, people, lines)

    def join(self, other: Passages) -> Ints:
        """Take others in; returns their places."""
        first = len(self)
        for name in ("profile", "run", "step", "turn", "moved", "coming", "wake", "entered", "arrived", "stood", "_touched"):
            setattr(self, name, np.concatenate((getattr(self, name), getattr(other, name))))
        self.memory += other.memory
        self.left += other.left
        self._carried += other._carried
        return np.arange(first, len(self))

    async def write(self, conn: Connection, now: datetime, slot: int) -> None:
        """Write what became of them since they were read or written: where they stand, who is over, the history, the numbers."""
        gone = self._touched & (self.step == OUT)
        stay = np.flatnonzero(self._touched & ~gone)
        if len(stay):
            carrying = np.fromiter(
                (self.memory[one] is not self._carried[one] for one in stay.tolist()), dtype=np.bool_, count=len(stay)
            )
            await self._move(conn, stay[~carrying])
            await self._move(conn, stay[carrying], memory=True)
        point("moving")
        if gone.any():
            await self._end(conn, np.flatnonzero(gone), now)
        await self._tell(conn, now)
        await count_ways(conn, self.plan.version_id, self.count, now, slot)
        self._touched[:] = False
        self._carried = list(self.memory)
        self._told.clear()
        self.count.clear()

    async def _move(self, conn: Connection, places: Ints, *, memory: bool = False) -> None:
        if not len(places):
            return
        params: dict[str, Any] = {
            "profiles": bigints(self.profile[places]), "ids": bigints(self.run[places]), "steps": ints(self.step[places]),
            "turns": ints(self.turn[places]), "wakes": instants(self.wake[places]), "arrived": instants(self.arrived[places]),
        }  # fmt: skip
        if memory:
            params["memories"] = jsonbs([None if (one := self.memory[at]) is None else plain_json(one) for at in places.tolist()])
        await conn.execute(SQL.move_runs_with_memory if memory else SQL.move_runs, params)

    async def _end(self, conn: Connection, places: Ints, now: datetime) -> None:
        memories = [self.memory[at] or {} for at in places.tolist()]
        await end(
            conn, profiles=self.profile[places], runs=self.run[places], steps=self.stood[places],
            reasons=[self.left[at] or "" for at in places.tolist()], memories=memories, now=now,
        )  # fmt: skip

    async def _tell(self, conn: Connection, now: datetime) -> None:
        for places, way, said in self._told:
            if not len(places):
                continue
            params: dict[str, Any] = {
                "profiles": bigints(self.profile[places]), "ids": bigints(self.run[places]), "now": now,
                "version_id": self.plan.version_id, "journey_id": self.plan.journey_id,
            }  # fmt: skip
            if len(said) <= FEW:
                await conn.execute(SQL.tell_alike, params | {"paths": jsonbs(said), "places": ints(way)})
            else:
                await conn.execute(SQL.tell_each, params | {"paths": jsonbs([said[one] for one in way.tolist()])})


async def end(
    conn: Connection,
    *,
    profiles: Ints,
    runs: Ints,
    steps: Ints,
    reasons: Sequence[str],
    memories: Sequence[Mapping[str, Any]],
    now: datetime,
) -> None:
    """Passages are over, for these reasons. ``steps``: where they stood last."""
    await conn.execute(SQL.end_runs, {
        "profiles": bigints(profiles), "ids": bigints(runs), "steps": ints(steps), "reasons": texts(reasons),
        "converted": ints(np.fromiter((1 if one.get("goal") else 0 for one in memories), dtype=np.int64, count=len(runs))),
        "values": texts([one.get("goal_value") for one in memories]), "now": now,
    })  # fmt: skip


async def count_ways(conn: Connection, version_id: int, count: Counter[tuple[int, str, str]], now: datetime, slot: int) -> None:
    """So many more went these ways; ``slot`` keeps workers from waiting for each other."""
    ways = sorted(count)
    if ways:
        await conn.execute(SQL.count, {
            "version_id": version_id, "now": now, "slot": slot, "steps": [step for step, _, _ in ways],
            "dids": [did for _, did, _ in ways], "hows": [how for _, _, how in ways], "people": [count[one] for one in ways],
        })  # fmt: skip


async def read(conn: Connection, plan: Plan, statement: Any, params: Mapping[str, Any]) -> Passages:
    """Passages as a statement gives them (`take_due`, `take_of`)."""
    async with conn.cursor(binary=True, row_factory=tuple_row) as cur:
        row = await (await cur.execute(statement, params)).fetchone()
    assert row is not None
    columns = {name: numbers_of(sent) for name, sent in zip(_COLUMNS, row, strict=False)}
    memory: list[dict[str, Any] | None] = [None] * len(columns["run"])
    for place, text in zip(numbers_of(row[-2]).tolist(), row[-1] or (), strict=True):
        memory[place] = _decode(text)
    return Passages(plan, columns, memory)


async def take_due(conn: Connection, plan: Plan, buckets: Sequence[int], now: datetime, most: int) -> Passages:
    """People of a version who are due now."""
    each = max(1, most // max(1, len(buckets)))
    params = {"version_id": plan.version_id, "buckets": list(buckets), "now": now, "each": each}
    return await read(conn, plan, SQL.take_due, params)


async def take_of(conn: Connection, plan: Plan, profiles: Sequence[int] | Ints) -> Passages:
    """All passages of some people in a version."""
    return await read(conn, plan, SQL.take_of, {"version_id": plan.version_id, "profiles": bigints(profiles)})
