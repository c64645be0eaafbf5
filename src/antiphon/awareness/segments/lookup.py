"""Which segments is this person in: the members of every segment, kept in a process and brought up to date beside it.

An answer is one test of a bitmap for each segment, without a query. A task of its own reads what changed, each second, a
few segments at a time, so that no request waits for it; it begins with the first question and ends when nobody has asked
for a while, and then nothing is kept.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

import msgspec
from msgspec import Struct
from prometheus_client import Gauge
from pyroaring import BitMap

from antiphon.awareness.profiles import Identity, NoSuchProfile, canonical, normal_identity, normal_kind, owners
from antiphon.awareness.segments import reads, store
from antiphon.awareness.segments.bitmaps import decode
from antiphon.awareness.segments.errors import IdentityWanted
from antiphon.awareness.segments.store import Place
from antiphon.foundation.batcher import Batcher
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.postgres import Connection, PostgresError
from antiphon.foundation.telemetry import get_logger, registry

AGE = 1.0
"""Seconds between two looks at what changed."""
STALE = 30.0
"""Seconds after which a question waits for a look rather than be answered from what was known."""
IDLE = 600.0
"""Seconds without a question after which a process forgets all members."""
SLICE = 32
"""Segments read between two turns of the requests."""

log = get_logger(__name__)
_kept = Gauge("antiphon_lookup_segments", "Segments whose members a process keeps for look-ups", registry=registry)
_bytes = Gauge("antiphon_lookup_bytes", "Serialised size of the members a process keeps for look-ups", registry=registry)


class SegmentOfCustomer(Struct, frozen=True, kw_only=True):
    """A segment somebody is in, as of its last refresh."""

    id: int
    name: str
    evaluated_at: datetime | None


class SegmentsOfCustomer(Struct, frozen=True, kw_only=True):
    """The segments a customer is in, by id. `profile_id` is who they are now, if they were merged."""

    profile_id: int
    items: list[SegmentOfCustomer]
    total: int


class _Kept:
    """A segment, its members as far as they were read, and how an answer speaks of it."""

    __slots__ = ("people", "place", "seq", "size", "told")

    def __init__(self, place: Place) -> None:
        self.seq = -1
        self.people = BitMap()
        self.size = 0
        self.tell(place)

    def tell(self, place: Place) -> None:
        self.place = place
        item = SegmentOfCustomer(id=place.id, name=place.name, evaluated_at=place.evaluated_at)
        self.told = msgspec.json.encode(item)


class Memberships:
    """The members of every segment in force, kept in this process. Answers are at most a second or two behind the store."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._known: dict[int, _Kept] = {}
        self._order: list[_Kept] = []
        self._merged = BitMap()
        self._merged_from = 0
        self._read_at = self._asked_at = float("-inf")
        self._reading = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._identities: Batcher[Identity, int | None] = Batcher(self._find, max_delay=0)

    async def of(self, profile_id: int) -> list[Place]:
        """Return the segments that hold a profile, merged or not, by id."""
        await self._ready()
        person = await self._real(profile_id)
        return [one.place for one in self._order if person in one.people]

    async def told(self, profile_id: int) -> bytes:
        """Return the JSON of SegmentsOfCustomer for a profile."""
        await self._ready()
        if profile_id in self._merged:
            profile_id = await self._real(profile_id)
        found = [one.told for one in self._order if profile_id in one.people]
        return b'{"profile_id":%d,"items":[%b],"total":%d}' % (profile_id, b",".join(found), len(found))

    async def whose(self, kind: str, value: str) -> int:
        """Return the profile an identity belongs to, merges followed. Raises IdentityWanted, NoSuchProfile."""
        spelled = normal_kind(kind)
        identity = None if spelled is None else normal_identity(spelled, value)
        if identity is None:
            raise IdentityWanted(field="kind" if spelled is None else "value")
        found = await self._identities.submit(identity)
        if found is None:
            raise NoSuchProfile
        return found

    async def look(self) -> None:
        """Read what changed since the last look, now. A request gets its turn after every few segments."""
        async with self._reading:
            await self._look()

    async def close(self) -> None:
        """Stop looking."""
        await self._identities.close()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _ready(self) -> None:
        self._asked_at = time.monotonic()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._keep())
        if self._asked_at - self._read_at > STALE:
            async with self._reading:
                if time.monotonic() - self._read_at > STALE:
                    await self._look()

    async def _real(self, profile_id: int) -> int:
        """Who a profile is now. Only those who were ever merged away are asked after."""
        if profile_id not in self._merged:
            return profile_id
        async with self._ctx.db.connection() as conn:
            found = await canonical(conn, profile_id)
        return profile_id if found is None else found

    async def _keep(self) -> None:
        """Look again and again until nobody asks any more."""
        while time.monotonic() - self._asked_at < IDLE:
            if time.monotonic() - self._read_at >= AGE:
                try:
                    await self.look()
                except (AntiphonError, PostgresError) as error:
                    log.warning("memberships not read", error=str(error))
            await asyncio.sleep(AGE)
        self._known, self._order, self._merged, self._merged_from = {}, [], BitMap(), 0
        self._read_at = float("-inf")

    async def _look(self) -> None:
        began = time.monotonic()
        seen: list[_Kept] = []
        async with self._ctx.db.connection() as conn:
            since, merged = await reads.merged_since(conn, self._merged_from)
            self._merged |= merged
            self._merged_from = since
            after = 0
            while places := await reads.places_after(conn, after, SLICE):
                seen += await self._slice(conn, places)
                after = places[-1].id
        self._known = {one.place.id: one for one in seen}
        self._order = seen
        self._read_at = began
        _kept.set(len(seen))
        _bytes.set(sum(one.size for one in seen))

    async def _slice(self, conn: Connection, places: Sequence[Place]) -> list[_Kept]:
        kept = []
        behind: dict[int, _Kept] = {}
        for place in places:
            one = self._known.get(place.id)
            if one is None:
                one = _Kept(place)
                await self._read(conn, {place.id: one})  # alone: it is read whole
            elif one.place != place:
                one.tell(place)
                if one.seq < place.delta_seq:
                    behind[place.id] = one
            kept.append(one)
        if behind:
            await self._read(conn, behind)
        return kept

    async def _read(self, conn: Connection, behind: dict[int, _Kept]) -> None:
        changes = await store.changes(conn, {key: one.seq for key, one in behind.items()})
        for key, seq, entered, gone in changes:
            one = behind[key]
            # No turn is given up between the two halves of a change.
            if gone is None:
                one.people = decode(entered)
                one.size = len(entered)
            else:
                one.people |= decode(entered)
                one.people -= decode(gone)
                one.size += len(entered) - len(gone)
            one.seq = seq
            await asyncio.sleep(0)
        for one in behind.values():
            one.seq = max(one.seq, 0)

    async def _find(self, identities: list[Identity]) -> list[int | AntiphonError | None]:
        async with self._ctx.db.connection() as conn:
            found = await owners(conn, identities)
        return [found.get(one) for one in identities]
