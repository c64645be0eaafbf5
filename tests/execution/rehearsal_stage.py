"""People with a history, a journey that lives through it under a clock moved from one due instant to the next, and its rehearsal."""

from __future__ import annotations

import heapq
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from tests.execution.cast import add_account, add_people
from tests.execution.journeys_cast import add_journey

from antiphon.awareness.consent import Statement, record_consents
from antiphon.awareness.events import ReadEvent
from antiphon.awareness.events.calls import IDENTIFIED
from antiphon.awareness.profiles import mark_dirty, say_traits, stamp_of
from antiphon.awareness.traits import mirror_profiles
from antiphon.execution.journeys.contract import Ints, Line
from antiphon.execution.journeys.engine import Plan
from antiphon.execution.journeys.hearing import put_heard
from antiphon.execution.journeys.model import Definition
from antiphon.execution.journeys.rehearsal.model import RehearsalAsked, RehearsalReport
from antiphon.execution.journeys.rehearsal.rehearsing import rehearse
from antiphon.execution.journeys.telling import paths
from antiphon.execution.journeys.ticking import LOOP
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.ids import keyed_fraction
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.postgres.binary import from_micros

TRAITS, CONSENT = "$traits", "$consent"
"""What somebody does who says something of themselves, or of what they are sent."""
Told = list[tuple[datetime, int, str, str, dict[str, Any]]]
EVENT = (
    "insert into event (lane, seq, received_at, ts, profile_id, name, kind, message_id, source_id, properties)"
    " values (0, %s, %s, %s, %s, %s, 'track', %s, 1, %s::text::jsonb)"
)


async def populate(ctx: Context, count: int, *, since: datetime, days: int, traits: Mapping[str, Sequence[Any]]) -> None:
    """People 1 to count who can be written to by the parrot, with traits in turn, and days for what they do."""
    async with ctx.db.transaction() as conn:
        await add_people(conn, count)
        await conn.execute("select setval('profile_id_seq', %s)", (count + 1000,))
        await conn.execute("insert into source (id, name) values (1, 'Tests') on conflict do nothing")
        for day in range(days + 1):
            await conn.execute("select ensure_day('event', %s)", ((since + timedelta(days=day)).date(),))
        for name, values in traits.items():
            await conn.execute(
                "update profile set traits = traits || jsonb_build_object(%s::text, (%s::text[])[1 + id %% %s])",
                (name, list(values), len(values)),
            )
        await mark_dirty(conn, list(range(1, count + 1)))
    await add_account(ctx)
    while await mirror_profiles(ctx):
        pass


class Life:
    """What people do, told to the live engine at its time, and written down as history."""

    def __init__(self, ctx: Context, clock: VirtualClock) -> None:
        self.ctx = ctx
        self.clock = clock
        self.seq = 0
        self.coming: list[tuple[datetime, int, int, str, dict[str, Any]]] = []
        self.answers: list[tuple[datetime, int, int, str]] = []
        self._seen: set[int] = set()

    def will(self, profile: int, at: datetime, name: str, **properties: Any) -> None:
        """Somebody will do something."""
        heapq.heappush(self.coming, (at, len(self.coming), profile, name, properties))

    async def live(self, until: datetime) -> None:
        """Move the clock from one due instant to the next."""
        while (at := await self._next()) is not None and at < until:
            self.clock.set(at)
            await self._answer(at)
            await self._do(at)
            await run_until_idle(self.ctx, [LOOP])
            await self._speak(at)
        self.clock.set(until)

    async def _next(self) -> datetime | None:
        async with self.ctx.db.connection() as conn:
            row = await (await conn.execute(
                "select least((select min(wake_at) from journey_run),"
                " (select min(due_at) from delivery where state in ('planned', 'queued')))"
            )).fetchone()  # fmt: skip
        times = [row[0] if row else None, *(heap[0][0] for heap in (self.coming, self.answers) if heap)]
        return min((one for one in times if one is not None), default=None)

    async def _do(self, at: datetime) -> None:
        told: list[ReadEvent] = []
        async with self.ctx.db.transaction() as conn:
            while self.coming and self.coming[0][0] <= at:
                _, _, profile, name, properties = heapq.heappop(self.coming)
                await self._write(conn, told, profile, at, name, properties)
            if told:
                await put_heard(conn, told)

    async def _write(self, conn: Any, told: list[ReadEvent], profile: int, at: datetime, name: str, properties: Any) -> None:
        self.seq += 1
        if name == TRAITS:
            await self._identify(conn, profile, at, dict(properties))
            return
        if name == CONSENT:
            await record_consents(conn, [Statement(profile_id=profile, channel="parrot", topic="news", at=at, source="web", **properties)])
            return
        text = json.dumps(properties)
        await conn.execute(EVENT, (self.seq, at, at, profile, name, f"m{self.seq}", text))
        told.append(ReadEvent(0, self.seq, at, at, profile, "track", name, text))

    async def _identify(self, conn: Any, profile: int, at: datetime, traits: dict[str, Any]) -> None:
        """An identify call, perhaps one that was long on its way."""
        ts = at - timedelta(seconds=traits.pop("ago", 0))
        text, message = json.dumps(traits), f"m{self.seq}"
        values = (self.seq, at, ts, profile, IDENTIFIED, message, text)
        await conn.execute(EVENT.replace("'track'", "'identify'"), values)
        await say_traits(conn, [(profile, text.encode(), stamp_of(ts, message))])

    async def _speak(self, at: datetime) -> None:
        """What is due is said; whether and when somebody opens it is decided once."""
        async with self.ctx.db.transaction() as conn:
            rows = await (await conn.execute(
                "update delivery set state = 'delivered', sent_at = due_at, delivered_at = due_at"
                " where state in ('planned', 'queued') and due_at <= %s returning id, profile_id, channel", (at,)
            )).fetchall()  # fmt: skip
            for delivery, profile, channel in rows:
                luck = keyed_fraction(b"life", "opens", delivery)
                if luck < 0.5:
                    heapq.heappush(self.answers, (at + timedelta(hours=60 * luck, microseconds=delivery), delivery, profile, channel))

    async def _answer(self, at: datetime) -> None:
        told: list[ReadEvent] = []
        async with self.ctx.db.transaction() as conn:
            while self.answers and self.answers[0][0] <= at:
                _, delivery, profile, channel = heapq.heappop(self.answers)
                await conn.execute("update delivery set opened_at = %s where id = %s", (at, delivery))
                await self._write(conn, told, profile, at, f"{channel.capitalize()} Opened", {"delivery_id": delivery})
            if told:
                await put_heard(conn, told)

    async def history(self) -> dict[int, Told]:
        """What the live engine told of each person, line by line."""
        found: dict[int, Told] = defaultdict(list)
        async with self.ctx.db.connection() as conn:
            rows = await (await conn.execute("select profile_id, at, path from journey_history order by at, n")).fetchall()
        for profile, at, path in rows:
            found[profile] += [(at, one["s"], one["d"], one["h"], one.get("w") or {}) for one in path]
        return dict(found)


async def journey(ctx: Context, definition: Definition, started: datetime) -> Plan:
    """A live journey."""
    async with ctx.db.transaction() as conn:
        return await add_journey(conn, definition, started)


async def rehearsed(ctx: Context, plan: Plan, asked: RehearsalAsked, **more: Any) -> tuple[RehearsalReport, dict[int, Told]]:
    """The report, and what the rehearsal would tell of each person, line by line."""
    found: dict[int, Told] = defaultdict(list)

    def told(profiles: Ints, runs: Ints, line: Line) -> None:
        count = len(profiles)
        alone = Line(line.step, line.did, line.how, np.arange(count), line.at, line.facts)
        said = paths([alone], count)
        for profile, at, way in zip(profiles.tolist(), line.at.tolist(), said.way.tolist(), strict=True):
            one = json.loads(said.texts[way])[0]
            found[profile].append((from_micros(at), one["s"], one["d"], one["h"], one.get("w") or {}))

    report = await rehearse(ctx, plan, asked, told=told, **more)
    return report, dict(found)

