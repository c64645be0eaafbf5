"""Intake: from what was accepted to who did what.

One transaction takes the next calls of some lanes, drops duplicates, finds the people, updates their traits, writes the
events and moves the cursor: after a crash the same calls are taken again, and nothing is lost or doubled.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from prometheus_client import Counter, Gauge

from antiphon.awareness import profiles
from antiphon.awareness.events import store
from antiphon.awareness.events.dedupe import drop_duplicates
from antiphon.awareness.events.pack import pack_events, pack_rejects
from antiphon.awareness.events.people import Intake, find_people, join_groups
from antiphon.awareness.events.reading import Refusal, Row, Taken, only_storable, read_rows
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.leases import Held
from antiphon.foundation.postgres import Connection, DeadlockDetected, PostgresError, SerializationFailure
from antiphon.foundation.postgres.binary import bigints, instants, ints, jsonbs, micros, texts
from antiphon.foundation.telemetry import get_logger, registry

__all__ = ["MOST", "Intake", "take_in"]

log = get_logger(__name__)
_calls = Counter("antiphon_intake_calls", "Calls taken, refused, or dropped as repeated", ["outcome"], registry=registry)
_lag = Gauge("antiphon_intake_lag_seconds", "From acceptance to the event's row, at the last transaction", registry=registry)

MOST = 6_000
"""Calls in one transaction, over all lanes: far below two seconds of work."""
_BAD_VALUES = ("22", "54")  # SQLSTATE classes: a value PostgreSQL does not take, a limit of it reached


async def take_in(ctx: Context, held: Held, most: int = MOST) -> int:
    """Understand the next calls of the lanes held; returns how many."""
    if not ctx.has(Intake):
        ctx.put(Intake, Intake())
    memory = ctx.get(Intake)
    async with ctx.db.connection() as conn:
        lanes = await store.pending_lanes(conn, held.buckets)
    if not lanes:
        return 0
    lanes = lanes[: max(1, most // 200)]
    mine = held.only(lanes)
    try:
        return await _transaction(ctx, mine, memory, most, careful=False)
    except (DeadlockDetected, SerializationFailure) as failed:
        memory.forget()
        log.info("intake met another writer; it tries again", error=repr(failed))
        return 1
    except (AntiphonError, PostgresError) as failed:
        memory.forget()
        if not _is_bad_value(failed):
            raise
        return await _narrow(ctx, mine, memory, most, failed)
    except Exception as failed:  # a call we did not think of must not stop its lane
        memory.forget()
        return await _narrow(ctx, mine, memory, most, failed)
    except BaseException:
        memory.forget()
        raise


def _is_bad_value(failed: Exception) -> bool:
    return isinstance(failed, PostgresError) and (failed.sqlstate or "")[:2] in _BAD_VALUES


async def _narrow(ctx: Context, held: Held, memory: Intake, most: int, failed: Exception) -> int:
    """Take fewer and fewer calls of each lane until what cannot be taken is one call; that one is refused."""
    log.info("a call could not be taken; they are looked at one by one", error=repr(failed))
    for lane in held.buckets:
        alone, size = held.only([lane]), most
        while True:
            try:
                await _transaction(ctx, alone, memory, size, careful=True)
                break
            except (AntiphonError, DeadlockDetected, SerializationFailure):
                memory.forget()
                raise
            except Exception as found:
                memory.forget()
                if isinstance(found, PostgresError) and not _is_bad_value(found):
                    raise
                if size == 1:
                    await _refuse_next(ctx, alone, found)
                    break
                size = max(1, size // 8)
    return most


async def _refuse_next(ctx: Context, held: Held, failed: Exception) -> None:
    """The next call of a lane goes to the rejects."""
    log.warning("a call was refused that nobody expected", lane=held.buckets[0], error=repr(failed))
    code = "not_storable" if isinstance(failed, PostgresError) else "not_understood"
    detail = str(failed).splitlines()[0][:300] if isinstance(failed, PostgresError) else type(failed).__name__
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        rows = [Row(*row) for row in await store.fetch(conn, "next_calls", {"lanes": held.buckets, "most": 1})]
        await store.copy(conn, "copy_rejects", pack_rejects([Refusal(row, code, detail) for row in rows]))
        await _move_cursors(conn, rows)


async def _transaction(ctx: Context, held: Held, memory: Intake, most: int, *, careful: bool) -> int:
    lanes = held.buckets
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        memory.begin(await profiles.read_epoch(conn))
        found = await store.fetch(conn, "next_calls", {"lanes": lanes, "most": max(1, most // len(lanes))})
        rows = [Row(*row) for row in found]
        if not rows:
            return 0
        taken, refused = read_rows(rows)
        if careful:
            taken = await only_storable(conn, taken, refused)
        await _ensure_days(conn, memory, taken)
        taken = await drop_duplicates(ctx, conn, taken)
        await find_people(ctx, conn, memory, taken, refused)
        await join_groups(conn, taken)
        await _write(conn, memory, taken, refused)
        await _move_cursors(conn, rows)
    _calls.labels("taken").inc(len(taken))
    _calls.labels("refused").inc(len(refused))
    _calls.labels("repeated").inc(len(rows) - len(taken) - len(refused))
    _lag.set((ctx.clock.now() - max(row.received_at for row in rows)).total_seconds())
    return len(rows)


async def _ensure_days(conn: Connection, memory: Intake, taken: Sequence[Taken]) -> None:
    for day in {one.row.received_at for one in taken}:
        for parent in ("event", "message_seen"):
            key = (parent, day.date())
            if key not in memory.days:
                await store.ensure_day(conn, parent, key[1])
                memory.days.add(key)


async def _write(conn: Connection, memory: Intake, taken: Sequence[Taken], refused: Sequence[Refusal]) -> None:
    if taken:
        ordered = sorted(taken, key=lambda one: (one.row.lane, one.row.seq))
        await store.copy(conn, "copy_events", pack_events(ordered))
        await _note_names(conn, memory, taken)
    if refused:
        await store.copy(conn, "copy_rejects", pack_rejects(refused))


async def _note_names(conn: Connection, memory: Intake, taken: Sequence[Taken]) -> None:
    now = time.monotonic()
    new: dict[tuple[str, str], Taken] = {}
    looked: set[tuple[str, str]] = set()
    for one in taken:
        key = (one.event.name, one.event.kind)
        if key not in looked:
            looked.add(key)
            if memory.names.get(key, 0.0) < now:
                new[key] = one
    if new:
        params: dict[str, Any] = {
            "names": texts([name for name, _ in new]), "kinds": texts([kind for _, kind in new]),
            "ats": instants([one.received for one in new.values()]),
            "samples": jsonbs([one.event.properties if len(one.event.properties) < 4000 else b"{}" for one in new.values()]),
        }  # fmt: skip
        await store.run(conn, "note_names", params)
        if len(memory.names) > 20_000:
            memory.names.clear()
        memory.names.update(dict.fromkeys(new, now + 3600))


async def _move_cursors(conn: Connection, rows: Sequence[Row]) -> None:
    ends: dict[int, Row] = {}
    for row in rows:
        ends[row.lane] = row
    params = {
        "lanes": ints(list(ends)), "seqs": bigints([row.seq for row in ends.values()]),
        "received": instants([micros(row.received_at) for row in ends.values()]),
    }  # fmt: skip
    await store.run(conn, "move_cursors", params)
