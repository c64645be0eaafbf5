"""The loop of live segments: takes them up, follows them, and tells how fresh they are."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime

from prometheus_client import Counter, Gauge, Histogram
from pyroaring import BitMap

from antiphon.awareness.segments import store
from antiphon.awareness.segments.evaluate import evaluate, known
from antiphon.awareness.segments.leaves import moved
from antiphon.awareness.segments.live import LIVE, corrections, reading, writing
from antiphon.awareness.segments.live.audit import Audit
from antiphon.awareness.segments.live.building import SLACK, Built, build
from antiphon.awareness.segments.live.people import BY_THE_CLOCK
from antiphon.awareness.segments.live.state import Condition, State
from antiphon.awareness.segments.live.tick import Tally, UnfitStrand, absorb, decide_people, touch
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop
from antiphon.foundation.postgres import Connection
from antiphon.foundation.tasks import end_task
from antiphon.foundation.telemetry import get_logger, registry

log = get_logger(__name__)
_AGAIN = 600.0
"""Seconds until a segment that could not be live is looked at again."""
_followed = Gauge("antiphon_live_segments", "Segments that this process keeps live", registry=registry)
_rows = Gauge("antiphon_live_rows", "Rows of events held for live segments", registry=registry)
_bytes = Gauge("antiphon_live_bytes", "Memory of what is held for live segments, without bitmaps", registry=registry)
_people = Counter("antiphon_live_people", "People decided anew", registry=registry)
_read = Counter("antiphon_live_rows_read", "Rows gathered to decide them", registry=registry)
_builds = Counter("antiphon_live_builds", "Times that live segments were made from the stores", registry=registry)
_ticks = Histogram("antiphon_live_tick_seconds", "A step of the live segments, by part", ["part"], registry=registry)


class Live:
    """What one process keeps of the live segments whose leases it holds."""

    def __init__(self) -> None:
        self.state = State()
        self.audit = Audit()
        self.refused: dict[tuple[int, int], float] = {}
        self.banned: dict[str, tuple[str, float]] = {}
        self.tally = Tally()
        self._building: asyncio.Task[Built] | None = None
        self._missing: set[int] = set()

    async def reset(self) -> None:
        """Know nothing: all of it is made anew."""
        for task in (self._building, self.audit.running):
            if task is not None:
                await end_task(task)
        self.state, self.audit, self._building = State(), Audit(), None

    async def built(self) -> bool:
        """Wait for what is being made in the background; whether anything was."""
        if self._building is None:
            return False
        await asyncio.wait([self._building])
        return True

    async def tick(self, ctx: Context, held: Held) -> bool:
        """One step; says whether there is more at once."""
        try:
            return await self._tick(ctx, held)
        except reading.Behind:
            log.info("more has happened than is followed: live segments are made anew")
            await self.reset()
            return True
        except UnfitStrand as unfit:
            log.warning("events do not fit into live segments", name=unfit.name, why=str(unfit))
            self.banned[unfit.name] = str(unfit), time.monotonic() + _AGAIN
            await self.reset()
            return True
        except BaseException:
            await self.reset()
            raise

    async def _tick(self, ctx: Context, held: Held) -> bool:
        state = self.state
        began = time.perf_counter()
        more = await self._take_up(ctx, held)
        if not state.segments:
            return more
        until = ctx.clock.now()  # whatever was stored by now is read below
        turned = await self._turn(ctx, until)
        corrected, unread = await corrections.follow(ctx, state)
        async with reading.snapshot(ctx) as conn:
            standing = await self._stand(conn, held)
            batch = await reading.read_batch(conn, state, standing)
            batch.corrected, batch.more = corrected, batch.more or unread
            batch.changed |= await self._resync(conn)
            if turned:
                batch.changed |= await reading.dirty(conn, reading.MOST_CHANGED)
            now = ctx.clock.now()
            touched = await asyncio.to_thread(touch, state, batch, now)
            aliases = await reading.read_aliases(conn, touched)
            wholly = touched.wholly | (touched.named(aliases) - state.everyone)
            touched.wholly = wholly | BitMap(aliases[one] for one in wholly if one in aliases)
            there = BitMap()
            async for some in reading.read_people(conn, state, touched.wholly):
                await asyncio.to_thread(decide_people, state, some, now)
                there |= BitMap(one.id for one in some)
        _ticks.labels("read").observe(time.perf_counter() - began)
        began = time.perf_counter()
        self.tally = await asyncio.to_thread(absorb, state, touched, batch, there, aliases, now)
        self.audit.note(touched.everybody | BitMap(aliases.values()))
        _ticks.labels("decide").observe(time.perf_counter() - began)
        began = time.perf_counter()
        await writing.write(ctx, state, held, now)
        await writing.pulse(ctx, held, self._whole(), until)
        _ticks.labels("write").observe(time.perf_counter() - began)
        await self._fold()
        await self.audit.step(ctx, state)
        self._tell()
        if state.bytes > SLACK * _budget(ctx):
            log.info("live segments have outgrown their memory: they are made anew, without those that do not fit")
            await self.reset()
            return True
        return more or batch.more

    async def _take_up(self, ctx: Context, held: Held) -> bool:
        """Begin to follow segments that can be, in the background; says whether some are to be followed now."""
        if self._building is not None:
            if not self._building.done():
                return False
            built = self._building.result()
            self._building = None
            return await self._join(ctx, held, built)
        async with ctx.db.connection() as conn:
            found = await reading.candidates(conn, held.buckets)
        now = time.monotonic()
        wanted = [
            one for one in found
            if one.id not in self.state.segments and one.current and not one.failed
            and self.refused.get((one.id, one.version), 0.0) < now
        ]  # fmt: skip
        if not wanted:
            return False
        banned = {name: why for name, (why, until) in self.banned.items() if until > now}
        self._building = asyncio.create_task(build(ctx, self.state, wanted, banned, _budget(ctx)))
        _builds.inc()
        if not self.state.segments:  # nothing else is to be done
            await asyncio.wait([self._building])
            return await self._take_up(ctx, held)
        return False

    async def _join(self, ctx: Context, held: Held, built: Built) -> bool:
        built.segments = [one for one in built.segments if one.id % 64 in held.epochs]
        unfit = {one: why for one, why in built.unfit.items() if one % 64 in held.epochs}
        await writing.set_freshness(ctx, held, [one.id for one in built.segments], unfit)
        for one, why in built.unfit.items():
            log.info("segment is not live", segment=one, why=why)
            self.refused[(one, built.versions[one])] = time.monotonic() + _AGAIN
        await asyncio.to_thread(built.join, self.state)
        return bool(built.segments)

    async def _stand(self, conn: Connection, held: Held) -> dict[int, int]:
        """Leave out the segments that are not ours any more or mean something else now; returns where each stands."""
        state = self.state
        rows = {one.id: one for one in await reading.candidates(conn, held.buckets)}
        standing = await reading.versions(conn)
        traits = await reading.traits_now(conn, state.traits)
        moved = {
            name for name, column in state.traits.items()
            if not name.startswith("$") and traits.get(name) != (column.type, column.column)
        }  # fmt: skip
        gone = [
            one.id for one in state.segments.values()
            if one.id not in rows or any(standing.get(ref) != version for ref, version in one.closure.items())
            or (moved and moved & state.traits_of(one))
        ]  # fmt: skip
        if gone:
            if self._building is not None:  # it may rest on what goes
                await end_task(self._building)
                self._building = None
            state.drop(gone)
        self._missing = {one.id % 64 for one in rows.values() if one.freshness == "live" and one.id not in state.segments}
        for one in state.segments.values():
            row = rows[one.id]
            one.stands(name=row.name, announce=row.announce, evaluated=row.evaluated, revision=row.revision)
        return standing

    async def _resync(self, conn: Connection) -> BitMap:
        """Read again what is stored of segments that somebody else changed; returns people to be looked at for it."""
        stale = {one.id: one for one in self.state.segments.values() if one.stale}
        looked = BitMap()
        for one, (seq, people) in (await store.read_members(conn, list(stale))).items() if stale else ():
            segment = stale[one]
            segment.seq, segment.stale = seq, False
            segment.changes, segment.deltas, segment.base = await store.weight(conn, one)
            segment.entered, segment.gone = segment.members - people, people - segment.members
            if len(segment.entered) + len(segment.gone) <= reading.MOST_CHANGED:
                looked |= segment.entered | segment.gone
        return looked

    def _whole(self) -> list[int]:
        """The buckets of which every segment that says it is live is followed, and stored."""
        followed = self.state.segments.values()
        open_ones = {one.id % 64 for one in followed if one.stale or one.entered or one.gone}
        return sorted({one.id % 64 for one in followed} - open_ones - self._missing)

    async def _turn(self, ctx: Context, now: datetime) -> bool:
        """Work out anew the conditions on ages and anniversaries where a day began somewhere; whether any were.

        The lake may be behind what we know of people who wait for the mirror: they are to be decided once more.
        """
        turned: dict[int, Condition] = {
            index: one for index, one in self.state.conditions.items()
            if isinstance(one.node, BY_THE_CLOCK) and moved(one.node, one.as_of, now)
        }  # fmt: skip
        if not turned:
            return False
        async with ctx.db.connection() as conn:
            about = await known(conn, ctx)
        found = await evaluate(ctx, {index: one.node for index, one in turned.items()}, now, about)
        for index, one in turned.items():
            one.flips |= one.members ^ found.members[index]
            one.members, one.as_of = found.members[index], now
        return True

    async def _fold(self) -> None:
        for strand in self.state.strands.values():
            if strand.crowded:
                await asyncio.to_thread(strand.fold, self.state.start_of(strand.name))

    def _tell(self) -> None:
        _followed.set(len(self.state.segments))
        _rows.set(self.state.rows)
        _bytes.set(self.state.bytes)
        _people.inc(self.tally.people)
        _read.inc(self.tally.rows)


def _budget(ctx: Context) -> int:
    return ctx.settings.live_segments_mb * 1_000_000


async def _tick(ctx: Context, held: Held) -> bool:
    if not ctx.has(Live):
        ctx.put(Live, Live())
    return await ctx.get(Live).tick(ctx, held)


LOOPS = (Loop(LIVE, _tick, interval=0.6, buckets=64),)
