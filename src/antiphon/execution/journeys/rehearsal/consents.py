"""What people said of topics and channels, each word at its instant: by the ledger of consents, and by the journey itself.

Only of those who said anything since the rehearsal begins is the ledger read, what this journey recorded when it was live left
out; everybody else's latest word of today was the latest all the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from antiphon.execution.journeys.contract import NEVER, Ints
from antiphon.execution.journeys.rehearsal.columns import Stream
from antiphon.execution.journeys.rehearsal.queries import SQL
from antiphon.foundation.context import Context
from antiphon.foundation.postgres.binary import bigints, ints, numbers_of

UNKNOWN, GRANTED, PENDING, WITHDRAWN = range(4)
CONSENT = ("unknown", "granted", "pending", "withdrawn")


@dataclass(frozen=True)
class Latest:
    """Since when words are looked for, and who said any since then: profile ids, ascending."""

    since: datetime
    journey_id: int
    people: Ints


async def read_latest(ctx: Context, since: datetime, journey_id: int) -> Latest:
    """Who said anything since an instant."""
    async with ctx.db.connection() as conn:
        row = await (await conn.execute(SQL.consented_since, {"since": since}, binary=True)).fetchone()
    return Latest(since, journey_id, np.unique(numbers_of(row[0] if row else None)))


class Words:
    """The words of one channel and topic: a stream of (seat, instant) with states, and whose it knows."""

    def __init__(self, size: int, seat: Ints, at: Ints, state: Ints) -> None:
        self._stream = Stream(seat, at)
        self._state = heeded(self._stream.seat, state[self._stream.order])
        self._known = np.zeros(size, dtype=np.bool_)
        self._known[seat] = True

    def of(self, seats: Ints, at: Ints, now: Ints) -> tuple[Ints, Ints]:
        """(each one's word at their instant, since when): that of ``now``, since ever, where nothing is known."""
        found, since = now.copy(), np.full(len(seats), -NEVER)
        mine = np.flatnonzero(self._known[seats])
        if len(mine):
            place = self._stream.place(seats[mine], at[mine]) - 1
            has = (place >= 0) & self._stream.of(seats[mine], np.maximum(place, 0))
            found[mine] = np.where(has, self._state[np.maximum(place, 0)], UNKNOWN)
            since[mine] = np.where(has, self._stream.at[np.maximum(place, 0)], -NEVER)
        return found, since


def heeded(seat: Ints, state: Ints) -> Ints:
    """The word that counts after each, seat by seat in order: who has said yes is not asked to confirm it any more."""
    found = state.copy()
    for place in np.flatnonzero(state == PENDING).tolist():
        if place and seat[place - 1] == seat[place] and found[place - 1] == GRANTED:
            found[place] = GRANTED
    return found


class Consents:
    """The latest words of the people of one part at any instant."""

    def __init__(self, ctx: Context, ids: Ints, latest: Latest | None = None) -> None:
        """Without ``latest`` what people said before is what they say today."""
        self.ctx = ctx
        self.ids = ids
        self._latest = latest
        self._lately = np.empty(0, dtype=np.int64) if latest is None else np.flatnonzero(np.isin(ids, latest.people))
        self._words: dict[tuple[str, str], Words | None] = {}
        self.restart()

    def restart(self) -> None:
        """Forget what the journey recorded."""
        self._own: dict[tuple[str, str], tuple[Ints, Ints]] = {}

    async def of(self, channel: str, topic: str, seats: Ints, at: Ints, now: Ints) -> Ints:
        """Each one's word at their instant: a place in `CONSENT`. ``now``: what they say today."""
        found, since = now, np.full(len(seats), -NEVER)
        words = await self._read(channel, topic)
        if words is not None:
            found, since = words.of(seats, at, now)
        own = self._own.get((channel, topic))
        if own is not None:
            state, when = own[0][seats], own[1][seats]
            found = np.where(when >= np.maximum(since, -NEVER + 1), state, found)
        return found

    def say(self, channel: str, topic: str, seats: Ints, at: Ints, state: str) -> None:
        """The journey records a word."""
        size = len(self.ids)
        own = self._own.setdefault((channel, topic), (np.zeros(size, dtype=np.int64), np.full(size, -NEVER)))
        own[0][seats], own[1][seats] = CONSENT.index(state), at

    async def _read(self, channel: str, topic: str) -> Words | None:
        key = (channel, topic)
        if key not in self._words:
            self._words[key] = await self._ledger(channel, topic) if len(self._lately) else None
        return self._words[key]

    async def _ledger(self, channel: str, topic: str) -> Words | None:
        assert self._latest is not None
        params = {
            "ids": bigints(self.ids[self._lately]), "seats": ints(self._lately), "channel": channel, "topic": topic,
            "own": f"journey {self._latest.journey_id}, ",
        }  # fmt: skip
        async with self.ctx.db.connection() as conn:
            row = await (await conn.execute(SQL.consent_words, params, binary=True)).fetchone()
        seat, at, state = (numbers_of(one) for one in (row or (None, None, None)))
        return Words(len(self.ids), seat, at, state) if len(seat) else None
