"""A small installation in which things happen without being said."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from antiphon.awareness.consent import ChannelKind, ChannelRegistry, Evidence, Statement, record_consents
from antiphon.awareness.events import Renaming, rename_events
from antiphon.awareness.events.corrections import LOOPS as CORRECTIONS
from antiphon.awareness.events.erasure import erase_cold
from antiphon.awareness.profiles import mark_dirty, service as profiles
from antiphon.awareness.segments import (
    And,
    InSegment,
    members,
    service,
    store,
)
from antiphon.awareness.segments.check import Checker
from antiphon.awareness.segments.evaluate import evaluate, known
from antiphon.awareness.segments.explain import one_person
from antiphon.awareness.segments.live import LIVE
from antiphon.awareness.segments.live.loop import Live
from antiphon.awareness.segments.model import Node
from antiphon.awareness.traits import TraitType, mirror_profiles, observe_traits
from antiphon.foundation.access import SYSTEM
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Held, LeaseLost, Leases
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.postgres import Jsonb

DAY, HOUR, TICK = timedelta(days=1), timedelta(hours=1), timedelta(microseconds=1)
LANE = 40
"""A lane of the test's own: what is put there was understood at once."""
NAMES = ("Bought", "Viewed", "Email Opened")
TRAITS: dict[str, TraitType] = {
    "plan": "text", "visits": "number", "vip": "boolean", "since": "instant", "born": "date", "tags": "text_list",
    "lat": "number", "lon": "number", "timezone": "text",
}  # fmt: skip


class World:
    """Its verbs take effect at once; `tick` is a step of the live segments."""

    def __init__(self, ctx: Context, clock: VirtualClock) -> None:
        self.ctx = ctx
        self.clock = clock
        self.live = Live()
        self.held: Held | None = None
        self._seq = itertools.count(1)

    async def declare(self) -> None:
        self.ctx.put(ChannelRegistry, ChannelRegistry((ChannelKind("email", "email", "E-mail"),)))
        async with self.ctx.db.transaction() as conn:
            await conn.execute("insert into topic (name, title) values ('news', 'News') on conflict do nothing")
            await observe_traits(conn, TRAITS, self.clock.now())

    async def forget_segments(self) -> None:
        """As if there had been none: those of an example before are out of use."""
        async with self.ctx.db.transaction() as conn:
            await conn.execute("update segment set state = 'archived', name = name || ' ' || id where state <> 'archived'")
        await self.live.reset()

    async def person(self, **traits: Any) -> int:
        async with self.ctx.db.transaction() as conn:
            sql = "insert into profile (traits, created_at) values (%s, %s) returning id"
            row = await (await conn.execute(sql, (Jsonb(traits), self.clock.now()))).fetchone()
            assert row is not None
            await mark_dirty(conn, [row[0]])
        return int(row[0])

    async def change(self, profile: int, **traits: Any) -> None:
        async with self.ctx.db.transaction() as conn:
            await conn.execute("update profile set traits = traits || %s where id = %s", (Jsonb(traits), profile))
            await mark_dirty(conn, [profile])

    async def does(self, profile: int, name: str, at: datetime | None = None, **properties: Any) -> None:
        await self.do([(profile, name, at or self.clock.now(), properties)])

    async def do(self, events: Sequence[tuple[int, str, datetime, dict[str, Any]]]) -> None:
        now = self.clock.now()
        async with self.ctx.db.transaction() as conn:
            await conn.execute("select ensure_day('event', %s::date)", (now.date(),))
            seq = 0
            for profile, name, at, properties in events:
                seq = next(self._seq)
                await conn.execute(
                    "insert into event (lane, seq, received_at, ts, profile_id, name, kind, message_id, source_id, properties)"
                    " values (%s, %s, %s, %s, %s, %s, 'track', %s, 0, %s)",
                    (LANE, seq, now, at, profile, name, f"m{seq}", Jsonb(properties)),
                )
            await conn.execute(
                "insert into intake_cursor (lane, seq, received_at) values (%s, %s, %s)"
                " on conflict (lane) do update set seq = excluded.seq", (LANE, seq, now),
            )  # fmt: skip

    async def rename(self, renamings: Sequence[Renaming]) -> None:
        """Events prove to be something else."""
        async with self.ctx.db.transaction() as conn:
            await rename_events(conn, renamings, self.clock.now())
        await run_until_idle(self.ctx, CORRECTIONS)

    async def some_event(self, choices: random.Random) -> tuple[int, str, str]:
        """(whose, its name, its id) of one that is in PostgreSQL."""
        async with self.ctx.db.connection() as conn:
            rows = await (await conn.execute("select profile_id, name, message_id from event where lane = %s order by seq", (LANE,))).fetchall()
        profile, name, message = choices.choice(rows)
        return int(profile), str(name), str(message)

    async def merge(self, gone: int, into: int) -> None:
        """What a merge leaves in the tables that segments read; whoever was merged into ``gone`` goes along."""
        async with self.ctx.db.transaction() as conn:
            await conn.execute("update alias set to_id = %s where to_id = %s", (into, gone))
            sql = "insert into alias (from_id, to_id, into_id, at, reason) values (%s, %s, %s, %s, 'test')"
            await conn.execute(sql, (gone, into, into, self.clock.now()))
            await conn.execute("update profile set merged_into = %s where id = %s", (into, gone))
            await mark_dirty(conn, [gone, into])

    async def unmerge(self, gone: int) -> None:
        """And what undoing it leaves."""
        async with self.ctx.db.transaction() as conn:
            row = await (await conn.execute("delete from alias where from_id = %s returning to_id", (gone,))).fetchone()
            assert row is not None
            below = [gone]
            for one in below:
                rows = await (await conn.execute("update alias set to_id = %s where into_id = %s returning from_id", (gone, one))).fetchall()
                below += [row[0] for row in rows]
            await conn.execute("update profile set merged_into = null where id = %s", (gone,))
            await mark_dirty(conn, [gone, row[0]])

    async def says(self, profile: int, state: Any) -> None:
        """A word about being written to."""
        async with self.ctx.db.transaction() as conn:
            said = Statement(
                profile_id=profile, channel="email", topic="news", state=state, at=self.clock.now(), source="form",
                evidence=Evidence(text="yes"),
            )  # fmt: skip
            await record_consents(conn, [said])

    async def has(self, profile: int) -> None:
        """An address."""
        async with self.ctx.db.transaction() as conn:
            sql = "insert into identity (kind, value, profile_id, created_at) values ('email', %s, %s, %s) on conflict do nothing"
            await conn.execute(sql, (f"p{profile}@x.example", profile, self.clock.now()))
            await mark_dirty(conn, [profile])

    async def erase(self, profile: int) -> list[int]:
        """Forget somebody and whoever was merged into them; returns them all."""
        async with self.ctx.db.transaction() as conn:
            rows = await (await conn.execute("select from_id from alias where to_id = %s", (profile,))).fetchall()
            ids = [profile, *(row[0] for row in rows)]
            for table in ("event", "consent_state", "consent"):
                await conn.execute(f"delete from {table} where profile_id = any(%s)", (ids,))
            await service.erase(self.ctx, conn, profile)
            await profiles.erase(self.ctx, conn, profile)
        await erase_cold(self.ctx, ids)
        return ids

    async def segment(self, name: str, tree: Node | None, announce: store.Announce = "changes") -> int:
        one = await self.publish(name, tree, announce)
        await service.refresh(self.ctx, [one])
        return one

    async def publish(self, name: str, tree: Node | None, announce: store.Announce = "changes") -> int:
        """A segment that nobody has worked out yet."""
        row = await service.publish(self.ctx, SYSTEM, name=name, description="", tree=tree, announce=announce)
        return row.id

    async def mirror(self) -> None:
        while await mirror_profiles(self.ctx):
            pass

    async def tick_once(self) -> bool:
        """One step, and what it began to make; says whether there is more to do."""
        more = await self.tick_once_without_waiting()
        return await self.live.built() or more

    async def tick_once_without_waiting(self) -> bool:
        """One step alone."""
        leases = Leases(self.ctx.db, self.ctx.node, self.ctx.kind)
        await leases.beat()
        await leases.declare(LIVE, 64)
        if self.held is None:
            self.held = await leases.share(LIVE, 64)
        try:
            return await self.live.tick(self.ctx, self.held)
        except LeaseLost:
            self.held = None
            raise

    async def tick(self) -> None:
        """Steps until there is no more to do."""
        for _ in range(50):
            if not await self.tick_once():
                return
        raise AssertionError("it never ends")

    async def members(self, segment: int) -> list[int]:
        async with self.ctx.db.connection() as conn:
            return list(await members(conn, segment))

    async def whole(self, segments: Sequence[int]) -> dict[int, list[int]]:
        """The members worked out whole, now."""
        async with self.ctx.db.connection() as conn:
            about = await known(conn, self.ctx)
        found = await evaluate(self.ctx, {one: InSegment(id=one) for one in segments}, self.clock.now(), about)
        return {one: list(people) for one, people in found.members.items()}

    async def checked(self, segments: Sequence[int], people: Sequence[int]) -> dict[int, list[int]]:
        """The members, each person looked at alone."""
        async with self.ctx.db.connection() as conn:
            about = await known(conn, self.ctx)
        tree = And(of=[InSegment(id=one) for one in segments])
        seen = [await one_person(self.ctx, one, tree, about) for one in people]
        checker = Checker(self.clock.now(), about.traits, about.segments)
        return {one: [who.id for who in seen if checker.holds(InSegment(id=one), who)] for one in segments}

    async def tell(self, segments: Sequence[int], whole: dict[int, list[int]], step: int) -> str:
        """What a failure is about."""
        async with self.ctx.db.connection() as conn:
            about = await known(conn, self.ctx)
        said = [f"step {step}, {self.clock.now()}"]
        for one in segments:
            if (found := await self.members(one)) != whole[one]:
                said.append(f"{one}: followed {found}, whole {whole[one]}: {about.segments[one]}")
        return "\n".join(said)

    async def told(self) -> list[tuple[str, int, int]]:
        """(what, segment, profile) of all that was announced, in order."""
        async with self.ctx.db.connection() as conn:
            rows = await (await conn.execute("select payload from journal order by received_at, lane, seq")).fetchall()
        said = [msgspec.json.decode(row[0]) for row in rows]
        return [(one["event"], one["properties"]["segment_id"], one["profileId"]) for one in said]
