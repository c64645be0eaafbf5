"""Traits of the people of one part at any instant: as identify calls said them, and as the journey itself changes them.

Every identify call is in the history of events. Of those by whom a trait changed since the rehearsal begins, the words are read
with their instants: the lake gives the changes alone. What imports and journeys said is known by its latest word only. What a
journey said counts from then on; what an import said, as far back as no identify call says otherwise, since imports say the same
again and again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import numpy as np

from antiphon.awareness.events import event_relation
from antiphon.awareness.events.properties import literal
from antiphon.awareness.segments.language import BUILT_IN
from antiphon.execution.journeys.contract import NEVER, Ints
from antiphon.execution.journeys.rehearsal.past import EPOCH, FRESH
from antiphon.execution.journeys.rehearsal.queries import SQL
from antiphon.foundation.context import Context
from antiphon.foundation.postgres.binary import bigints, micros, texts

IDENTIFIED = "Identified"
_MOMENTS = ("$created_at", "$first_seen", "$last_seen")
_decode = msgspec.json.Decoder().decode


@dataclass
class Told:
    """What was said of one trait of somebody who changed it: values from these instants on, in order."""

    at: list[int] = field(default_factory=list)
    value: list[Any] = field(default_factory=list)

    def of(self, at: int) -> tuple[Any, int]:
        """(the value at an instant, since when); None, since ever, before anything was said."""
        place = bisect_right(self.at, at) - 1
        return (self.value[place], self.at[place]) if place >= 0 else (None, -NEVER)


class Traits:
    """The traits of some people (ids ascending; a seat is a place among them)."""

    def __init__(self, ctx: Context, ids: Ints, since: datetime | None = None, *, merged: bool = False) -> None:
        """``since``: from when on traits are looked back at; None: they are as today. ``merged``: some were merged."""
        self.ctx = ctx
        self.ids = ids
        self.since = since
        self.merged = merged
        self._today: dict[str, list[Any]] = {}
        self._told: dict[str, dict[int, Told]] = {}
        self.restart()

    def restart(self) -> None:
        """Forget what the journey changed."""
        self._own: dict[str, dict[int, tuple[int, Any]]] = {}

    async def know(self, names: Iterable[str]) -> None:
        """Read these, once."""
        missing = sorted(set(names) - self._today.keys())
        plain = [name for name in missing if name not in BUILT_IN]
        if not missing:
            return
        async with self.ctx.db.connection() as conn:
            if plain:
                row = await (await conn.execute(SQL.traits, {"ids": bigints(self.ids), "names": plain})).fetchone()
                decoded = [_decode(one) if one else {} for one in (row[0] if row and row[0] else [])]
                for name in plain:
                    self._today[name] = [one.get(name) for one in decoded]
            if len(plain) < len(missing):
                row = await (await conn.execute(SQL.moments, {"ids": bigints(self.ids)})).fetchone()
                for column, name in enumerate(_MOMENTS):
                    self._today[name] = [None if at is None else at.isoformat() for at in (row[column] if row else None) or []]
        if self.since is not None and plain:
            await self._look_back(plain)

    def of(self, name: str, seat: int, at: int) -> Any:
        """A trait of one person at an instant; it is known."""
        told = self._told.get(name, {}).get(seat)
        value, since = (self._today[name][seat], -NEVER) if told is None else told.of(at)
        own = self._own.get(name, {}).get(seat)
        return own[1] if own is not None and own[0] >= since else value

    async def columns(self, names: Sequence[str], seats: Ints, at: Ints) -> Mapping[str, Sequence[Any]]:
        """Traits of some, each at their instant."""
        await self.know(names)
        found: dict[str, Sequence[Any]] = {}
        for name in names:
            if self._told.get(name) or self._own.get(name):
                found[name] = [self.of(name, seat, one) for seat, one in zip(seats.tolist(), at.tolist(), strict=True)]
            else:
                today = self._today[name]
                found[name] = [today[seat] for seat in seats.tolist()]
        return found

    async def change(self, name: str, seats: Ints, at: Ints, values: Sequence[Any]) -> None:
        """The journey sets a trait; a value that its rule refuses is not heard."""
        refused = await self._refused([(name, value) for value in values])
        own = self._own.setdefault(name, {})
        for seat, one, value in zip(seats.tolist(), at.tolist(), values, strict=True):
            if (name, msgspec.json.encode(value)) not in refused:
                own[seat] = (one, value)

    async def moved(self, names: Collection[str]) -> Ints:
        """Seats of those of whom any of these traits is not all the time what it is today."""
        if self.since is not None:
            await self.know(names)
        found: set[int] = set()
        for name in names:
            found |= self._told.get(name, {}).keys() | self._own.get(name, {}).keys()
        return np.array(sorted(found), dtype=np.int64)

    async def _refused(self, said: Sequence[tuple[str, Any]]) -> set[tuple[str, bytes]]:
        """Which of these values the rules of their traits refuse."""
        distinct = sorted({(name, msgspec.json.encode(value)) for name, value in said})
        if not distinct:
            return set()
        params = {"names": texts([name for name, _ in distinct]), "said": texts([text.decode() for _, text in distinct])}
        async with self.ctx.db.connection() as conn:
            rows = await (await conn.execute(SQL.refused_traits, params)).fetchall()
        return {distinct[row[0]] for row in rows}

    async def _look_back(self, names: Sequence[str]) -> None:
        """Find who changed these, and what was said when."""
        rows = await self.ctx.lake.run(self._question(names), timeout=600)
        refused = await self._refused([(names[n], _decode(text)) for _, n, _, _, text, _ in rows])
        words: dict[tuple[int, int], list[tuple[int, Any]]] = {}
        latest: dict[tuple[int, int], str] = {}
        for person, n, heard, _, text, last in rows:
            value = _decode(text)
            latest[person, n] = last
            if (names[n], msgspec.json.encode(value)) not in refused:
                words.setdefault((person, n), []).append((heard, value))
        seats = {person: seat for seat, person in enumerate(self.ids.tolist())}
        stamps = await self._stamps(sorted({person for person, _ in words}), names)
        since = micros(self.since) if self.since is not None else -NEVER
        for person, theirs in stamps.items():
            for n, stamp in enumerate(theirs):
                said = words.get((person, n), [])
                told = _timeline(said, stamp, latest.get((person, n), ""), self._today[names[n]][seats[person]])
                if told.at and max(told.at) >= since:
                    self._told.setdefault(names[n], {})[seats[person]] = told

    async def _stamps(self, people: Sequence[int], names: Sequence[str]) -> dict[int, list[str]]:
        """The stamps of the latest words on these traits: of these people, and of those of whom a journey said it."""
        params = {"ids": bigints(self.ids), "people": bigints(people), "names": list(names)}
        async with self.ctx.db.connection() as conn:
            rows = await (await conn.execute(SQL.trait_stamps, params)).fetchall()
        return {person: [one or "" for one in stamps] for person, stamps in rows}

    def _question(self, names: Sequence[str]) -> str:
        """The changes of traits by identify calls, as the lake knows them: (person, which trait, when it was heard, its stamp,
        the value as JSON, the stamp of the last word). A word that came later than a later one is not heard."""
        relation = event_relation(
            ["profile_id", "ts", "received_at", "message_id", "kind", "properties"], names=[IDENTIFIED],
            within=None if self.merged or not len(self.ids) else (int(self.ids[0]), int(self.ids[-1])),
        )  # fmt: skip
        pointers = ", ".join(literal("/" + name.replace("~", "~0").replace("/", "~1")) for name in names)
        person, join = "e.profile_id", ""
        if self.merged:
            join = " left join postgres_query('pg', 'select from_id, to_id from alias') a on a.from_id = e.profile_id"
            person = "coalesce(a.to_id, e.profile_id)"
        ts, got = (f"(epoch_us({one})::bigint - {EPOCH})" for one in ("ts", "received_at"))
        return (
            f"with calls as (select {person}::bigint as person,"
            f" case when {got} - {ts} between 0 and {FRESH} then {got} else {ts} end as heard,"
            f" lpad(epoch_us(ts)::varchar, 16, '0') || ' ' || message_id as stamp,"
            f" json_extract(properties, [{pointers}]) as words from {relation} e{join}"
            f" where kind = 'identify' and e.profile_id is not null),"
            f" said as (select person, unnest(range({len(names)})) as n, heard, stamp, unnest(words) as word from calls),"
            f" heard as (select *, max(stamp) over (partition by person, n order by heard, stamp"
            f" rows between unbounded preceding and 1 preceding) as best from said where word is not null),"
            f" kept as (select *, lag(word::varchar) over (partition by person, n order by heard, stamp) as was,"
            f" max(stamp) over (partition by person, n) as last from heard where best is null or stamp > best)"
            f" select person, n, heard, stamp, word::varchar, last from kept where was is null or was <> word::varchar"
            f" order by person, n, heard, stamp"
        )


def _timeline(said: Sequence[tuple[int, Any]], stamp: str, last: str, today: Any) -> Told:
    """What identify calls said, put together with the latest word of all: ``stamp`` and ``today``'s value. What a journey said
    was not so before; what an import said it may have said before, too."""
    source = stamp.partition(" ")[2]
    if not stamp or (stamp > last and not said and not source.startswith("journey:")):
        return Told()  # of this nothing is known but what is today
    told = Told()
    if stamp > last:
        at = _instant(stamp)
        if not source.startswith("journey:"):
            told.at.append(-NEVER)
            told.value.append(today)
        said = [one for one in said if one[0] < at] + [(at, today)]
    for at, value in said:
        told.at.append(at)
        told.value.append(value)
    return told


def _instant(stamp: str) -> int:
    """When a stamp is of, as `micros` counts."""
    digits = stamp.split(" ", 1)[0]
    return int(digits) - EPOCH if digits.isdigit() else -NEVER
