"""The journal: where accepted means durable.

A lane of it is leased to one process, which appends on one connection and proves its lease in the same transaction, so
that ids in a lane appear in commit order and a reader needs no more than a number to know what it has read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import date, datetime
from struct import Struct
from typing import NamedTuple

from antiphon.awareness.events import store
from antiphon.awareness.events.errors import JournalDown, JournalFull
from antiphon.foundation.batcher import Batcher
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.leases import Held, LeaseLost, Leases
from antiphon.foundation.postgres import Connection, PostgresError
from antiphon.foundation.postgres.binary import COPY_HEAD, COPY_TAIL, NULL, byteas, from_micros, ints, maybe_instants, micros
from antiphon.foundation.tasks import end_task
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
LOOP = "journal"
LANES = 64
SMALL = 400
"""Up to so many rows go in one statement, one round trip; more are copied."""
MOST_ROWS = 20_000
MOST_WAITING_BYTES = 96 * 1024 * 1024
MOST_WAITING = 20_000
GATHER = 0.002
"""Seconds an append waits for those who asked at the same time as its first: a commit costs as much as ten calls."""
INTERNAL = 0
"""The source of Antiphon's own events, which may name a profile by `profileId`."""

_row = Struct(">hihiqiqii").pack
_sent = Struct(">iq").pack
_length = Struct(">i").pack


class Entry(NamedTuple):
    """Calls of one source that arrived together: each payload becomes a row. `sent_at` in microseconds (`micros`)."""

    source_id: int
    sent_at: int | None
    payloads: Sequence[bytes]


class JournalTransaction:
    """A transaction on the lane's connection: what is appended commits with whatever else `conn` wrote."""

    def __init__(self, journal: Journal, conn: Connection, received: int) -> None:
        self.conn = conn
        self.seq = journal.seq
        self._journal = journal
        self._received = received

    async def append(self, entries: Sequence[tuple[int, datetime | None, bytes]]) -> None:
        """Append (source, sent at, payload) rows."""
        if entries:
            rows = [Entry(s, None if at is None else micros(at), (payload,)) for s, at, payload in entries]
            count = await self._journal.copy(self.conn, rows, self.seq, self._received)
            self.seq += count


class Journal:
    """One process's lane. `submit` for requests, `transaction` for a change and its event together."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.leases = Leases(ctx.db, ctx.node, ctx.kind)
        self.seq = 0
        self.waiting_bytes = 0
        self._held: Held | None = None
        self._received = 0
        self._days: set[date] = set()
        self._conn: Connection | None = None
        self._lock = asyncio.Lock()
        self._batcher: Batcher[Entry, int] = Batcher(
            self._flush, max_items=1000, max_delay=0, gather=GATHER, max_queue=MOST_WAITING
        )
        self._beat: asyncio.Task[None] | None = None

    @property
    def lane(self) -> int:
        """The lane held, -1 when none."""
        return self._held.buckets[0] if self._held else -1

    async def start(self) -> None:
        await self.leases.declare(LOOP, LANES)
        await self.leases.beat()
        self._beat = asyncio.create_task(self._keep())
        async with self._lock:
            await self._ready()

    async def close(self) -> None:
        """Flush what was accepted, give the lane back."""
        await self._batcher.close()
        if self._beat is not None:
            await end_task(self._beat)
        async with self._lock:
            await self._drop_connection()
            self._held = None
            with suppress(PostgresError, AntiphonError):
                await self.leases.release(LOOP)

    async def submit(self, entry: Entry) -> int:
        """Wait until these payloads are durable; returns how many. JournalFull when too much waits, JournalDown when
        the database does not take them: then nobody was told that they are safe."""
        size = sum(map(len, entry.payloads))
        if self.waiting_bytes + size > MOST_WAITING_BYTES:
            raise JournalFull
        self.waiting_bytes += size
        try:
            return await self._batcher.submit(entry)
        finally:
            self.waiting_bytes -= size

    def put(self, entry: Entry, done: Callable[[Exception | None], None]) -> None:
        """`submit` for who would not wait: `done` is told when the payloads are durable, or what was raised."""
        size = sum(map(len, entry.payloads))
        if self.waiting_bytes + size > MOST_WAITING_BYTES:
            raise JournalFull

        def stored(answer: int | Exception) -> None:
            self.waiting_bytes -= size
            done(answer if isinstance(answer, Exception) else None)

        self._batcher.put(entry, stored)
        self.waiting_bytes += size

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[JournalTransaction]:
        """A transaction whose first statement proved the lane; one at a time in a process, so keep it short."""
        async with self._lock:
            conn, held = await self._ready()
            received = await self._tell_time(conn)
            try:
                async with conn.transaction():
                    await held.fence(conn)
                    inside = JournalTransaction(self, conn, received)
                    yield inside
                self.seq = inside.seq
            except LeaseLost:
                self._held = None
                raise
            except PostgresError:
                if conn.broken:
                    self._held = None  # whether it committed is unknown: begin again from what is written
                raise

    async def copy(self, conn: Connection, entries: Sequence[Entry], seq: int, received: int) -> int:
        """Copy rows after `seq` inside the caller's transaction; returns how many."""
        parts: list[bytes] = [COPY_HEAD]
        lane, first = self.lane, seq
        add = parts.append
        for source, sent_at, payloads in entries:
            sent = NULL if sent_at is None else _sent(8, sent_at)
            for payload in payloads:
                seq += 1
                add(_row(6, 2, lane, 8, seq, 8, received, 4, source) + sent + _length(len(payload)))
                add(payload)
        add(COPY_TAIL)
        await store.copy(conn, "copy_journal", b"".join(parts))
        return seq - first

    async def _flush(self, entries: list[Entry]) -> list[int | AntiphonError]:
        counts = [len(entry.payloads) for entry in entries]
        async with self._lock:
            for attempt in (1, 2, 3):
                try:
                    await self._write(entries, sum(counts))
                    return list(counts)
                except LeaseLost:  # fenced off before anything was written: another lane will do
                    log.warning("journal lane lost", lane=self.lane, attempt=attempt)
                    self._held = None
                except (PostgresError, OSError) as failed:
                    log.warning("journal append failed", lane=self.lane, error=repr(failed))
                    self._held = None
                    await self._drop_connection()
                    raise JournalDown from failed
        raise JournalDown

    async def _write(self, entries: Sequence[Entry], total: int) -> None:
        conn, held = await self._ready()
        received = await self._tell_time(conn)
        if total <= SMALL:
            await self._insert(conn, held, entries, total, received)
            self.seq += total
            return
        for chunk in _chunks(entries):
            async with conn.transaction():
                await held.fence(conn)
                count = await self.copy(conn, chunk, self.seq, received)
            self.seq += count

    async def _insert(self, conn: Connection, held: Held, entries: Sequence[Entry], total: int, received: int) -> None:
        payloads = [payload for entry in entries for payload in entry.payloads]
        sources = [entry.source_id for entry in entries for _ in entry.payloads]
        sents = [entry.sent_at for entry in entries for _ in entry.payloads]
        lane = self.lane
        params = {
            "lane": lane, "owner": held.owner, "epoch": held.epochs[lane], "first": self.seq,
            "received": from_micros(received), "sources": ints(sources), "sents": maybe_instants(sents),
            "payloads": byteas(payloads),
        }  # fmt: skip
        if await store.run(conn, "append_journal", params) != total:
            raise LeaseLost

    async def _ready(self) -> tuple[Connection, Held]:
        """The connection and the lane, taken anew where they were lost."""
        if self._conn is None or self._conn.closed:
            await self._drop_connection()
            self._conn = await self.ctx.db.dedicated()
            await store.run(self._conn, "plan_once")
            self._held = None
        if self._held is None:
            self._held = await self.leases.take_one(LOOP)
            self.seq, last = await store.read_lane(self._conn, self.lane)
            self._received = max(self._received, micros(last)) if last is not None else self._received
        return self._conn, self._held

    async def _tell_time(self, conn: Connection) -> int:
        """When this was received: never before what the lane holds already, and with a partition to hold it."""
        now = self.ctx.clock.now()
        self._received = max(self._received, micros(now))
        day = from_micros(self._received).date()
        if day not in self._days:
            await store.ensure_day(conn, "journal", day)
            self._days.add(day)
        return self._received

    async def _drop_connection(self) -> None:
        if self._conn is not None:
            with suppress(PostgresError, OSError):
                await self._conn.close()
            self._conn = None

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self.leases.term.total_seconds() / 5)
            try:
                await self.leases.beat()
            except Exception as failed:
                log.warning("journal heartbeat failed", error=repr(failed))


def _chunks(entries: Sequence[Entry]) -> list[list[Entry]]:
    chunks: list[list[Entry]] = [[]]
    rows = 0
    for entry in entries:
        if rows and rows + len(entry.payloads) > MOST_ROWS:
            chunks.append([])
            rows = 0
        chunks[-1].append(entry)
        rows += len(entry.payloads)
    return chunks


@asynccontextmanager
async def open_journal(ctx: Context) -> AsyncIterator[Journal]:
    """A process's journal, closed with everything flushed."""
    journal = Journal(ctx)
    await journal.start()
    try:
        yield journal
    finally:
        await journal.close()
