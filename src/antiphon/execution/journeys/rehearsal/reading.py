"""Reading what a rehearsal needs from PostgreSQL: whom, what they were told, who else writes to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
import numpy as np

from antiphon.decisioning.experiments import fractions_of
from antiphon.execution.journeys.contract import NEVER, Ints
from antiphon.execution.journeys.entries import NO_RIVAL
from antiphon.execution.journeys.rehearsal.columns import Stream
from antiphon.execution.journeys.rehearsal.gate import Spoken
from antiphon.execution.journeys.rehearsal.queries import SQL
from antiphon.foundation.context import Context
from antiphon.foundation.postgres.binary import bigints, ints, micros, numbers_of


def own(journey_id: int) -> str:
    """What the keys of a journey's own messages are like."""
    return f"journey:{journey_id}:%"


async def read_population(ctx: Context, sample: int | None, name: str) -> tuple[Ints, int]:
    """(ids of those who take part, ascending, how many there are in all). A sample is a keyed choice."""
    async with ctx.db.connection() as conn:
        row = await (await conn.execute(SQL.population, binary=True)).fetchone()
    ids = numbers_of(row[0] if row else None)
    if sample is None or sample >= len(ids):
        return ids, len(ids)
    return np.sort(ids[np.argsort(fractions_of(ctx.secret, name, ids), kind="stable")[:sample]]), len(ids)


async def read_spoken(ctx: Context, ids: Ints, journey_id: int, since: datetime) -> Spoken:
    """What others than this journey said to these people."""
    params = {"ids": bigints(ids), "seats": ints(np.arange(len(ids))), "since": since, "own": own(journey_id)}
    async with ctx.db.connection() as conn:
        row = await (await conn.execute(SQL.spoken, params, binary=True)).fetchone()
    assert row is not None
    seat, at, number = (numbers_of(one) for one in row[:3])
    marks: dict[int, tuple[str, str, str | None]] = {}
    for text in row[3] or ():
        which, said = text.split(" ", 1)
        marks[int(which)] = msgspec.json.decode(said, type=tuple[str, str, str | None])
    place = {which: n for n, which in enumerate(marks)}
    kind = np.array([place[one] for one in number.tolist()], dtype=np.int64)
    return Spoken(seat, at, list(marks.values()), kind)


async def read_recorded(ctx: Context, journey_id: int, since: datetime) -> dict[int, list[int]]:
    """When people came in while the journey was live, by profile."""
    found: dict[int, list[int]] = defaultdict(list)
    async with ctx.db.connection() as conn:
        cursor = await conn.execute(SQL.recorded_entries, {"journey_id": journey_id, "since": since})
        for profile, at in await cursor.fetchall():
            found[profile].append(micros(at))
    return found


async def read_answers(ctx: Context, journey_id: int) -> Mapping[tuple[int, str], list[Mapping[str, int]]]:
    """What became of the journey's own messages, by (profile, step)."""
    found: dict[tuple[int, str], list[Mapping[str, int]]] = defaultdict(list)
    async with ctx.db.connection() as conn:
        cursor = await conn.execute(SQL.recorded_messages, {"own": own(journey_id)})
        for profile, step, *instants in await cursor.fetchall():
            whats = zip(("delivered", "opened", "clicked", "replied"), instants, strict=True)
            found[profile, step].append({what: micros(at) for what, at in whats if at is not None})
    return found


@dataclass
class Others:
    """Other live journeys: what they are called and whom they keep out, and, of some people, who is in one when."""

    names: Mapping[int, str]
    exclusive: Mapping[int, tuple[str, int]]
    """By journey: its set of exclusive journeys, and its priority."""
    journey: Ints
    seat: Ints
    begin: Ints
    end: Ints
    said: Mapping[int, Ints]
    """By journey: (person and day) of what it said, as one number."""

    def rivals(self, group: str) -> Rivals:
        """Who is in a journey of the same exclusive set, when."""
        mine = np.array([self.exclusive.get(one, ("", 0))[0] == group for one in self.journey.tolist()], dtype=np.bool_)
        priority = np.array([self.exclusive.get(one, ("", 0))[1] for one in self.journey[mine].tolist()], dtype=np.int64)
        return Rivals(self.seat[mine], self.begin[mine], self.end[mine], priority)


class Rivals:
    """Passages in journeys that exclude this one."""

    def __init__(self, seat: Ints, begin: Ints, end: Ints, priority: Ints) -> None:
        self._stream = Stream(seat, begin)
        order = self._stream.order
        self._end, self._priority = end[order], priority[order]

    def __call__(self, seats: Ints, at: Ints) -> Ints:
        """The first priority among those in which each is at their instant, or `NO_RIVAL`."""
        found = np.full(len(seats), NO_RIVAL, dtype=np.int64)
        first = self._stream.place(seats, np.full(len(seats), -NEVER))
        last = self._stream.place(seats, at)
        for place in np.flatnonzero(last > first).tolist():
            there = slice(int(first[place]), int(last[place]))
            inside = self._end[there] > at[place]
            if inside.any():
                found[place] = self._priority[there][inside].min()
        return found


DAYS = 1 << 20


async def read_others(ctx: Context, ids: Ints, journey_id: int, since: datetime) -> Others:
    """The other live journeys of these people from an instant on."""
    params = {
        "journey_id": journey_id, "first": int(ids[0]), "last": int(ids[-1]), "since": since, "own": own(journey_id),
    }  # fmt: skip
    async with ctx.db.connection() as conn:
        live = await (await conn.execute(SQL.live_journeys, params)).fetchall()
        rows = await (await conn.execute(SQL.others, params)).fetchall() if live else []
        said = await (await conn.execute(SQL.others_said, params)).fetchall() if live else []
    days: dict[int, list[int]] = defaultdict(list)
    for journey, profile, at in said:
        days[journey].append(profile * DAYS + micros(at) // 86_400_000_000)
    profile = np.array([row[1] for row in rows], dtype=np.int64)
    seat = np.searchsorted(ids, profile)
    mine = (seat < len(ids)) & (ids[np.minimum(seat, len(ids) - 1)] == profile)
    return Others(
        names={row[0]: row[1] for row in live}, exclusive={row[0]: (row[2] or "", row[3]) for row in live},
        journey=np.array([row[0] for row in rows], dtype=np.int64)[mine], seat=seat[mine],
        begin=np.array([micros(row[2]) for row in rows], dtype=np.int64)[mine],
        end=np.array([NEVER if row[3] is None else micros(row[3]) for row in rows], dtype=np.int64)[mine],
        said={journey: np.unique(np.array(some, dtype=np.int64)) for journey, some in days.items()},
    )  # fmt: skip
