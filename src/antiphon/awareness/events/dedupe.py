"""Dropping what came before: a messageId counts once in `dedupe_days`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from hashlib import blake2b

from antiphon.awareness.events import store
from antiphon.awareness.events.pack import pack_seen
from antiphon.awareness.events.reading import Taken
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection, UniqueViolation
from antiphon.foundation.postgres.binary import uuids


async def drop_duplicates(ctx: Context, conn: Connection, taken: Sequence[Taken]) -> list[Taken]:
    """Calls whose messageId is new for `dedupe_days`; those that follow in the same set are repeats as well."""
    by_day: dict[date, dict[bytes, Taken]] = {}
    fresh: list[Taken] = []
    known: set[bytes] = set()
    last: datetime | None = None
    keyed: dict[bytes, Taken] = {}
    for one in taken:
        message_id = one.event.message_id
        if message_id is None:
            fresh.append(one)
            continue
        key = blake2b(message_id.encode(), digest_size=16).digest()
        if key in known:
            continue
        known.add(key)
        if one.row.received_at is not last:
            last = one.row.received_at
            keyed = by_day.setdefault(last.date(), {})
        keyed[key] = one
    for day, calls in sorted(by_day.items()):
        since = day - timedelta(days=ctx.settings.dedupe_days)
        if await _has_days_between(conn, since, day):
            params = {"keys": uuids(sorted(calls)), "since": since, "day": day}
            for (key,) in await store.fetch(conn, "seen_before", params):
                calls.pop(bytes(key), None)
        await _take_keys(conn, calls, day)
        fresh += calls.values()
    return fresh


async def _take_keys(conn: Connection, calls: dict[bytes, Taken], day: date) -> None:
    """Note the keys as taken, and drop the calls whose key was. Nearly always all are new: a COPY is tried first.

    In one order for everybody; a key that another worker is writing is waited for.
    """
    keys = sorted(calls)
    try:
        async with conn.transaction():
            await store.copy(conn, "copy_seen", pack_seen(keys, day))
    except UniqueViolation:
        for (key,) in await store.fetch(conn, "mark_seen", {"keys": uuids(keys), "day": day}):
            calls.pop(bytes(key), None)


async def _has_days_between(conn: Connection, since: date, day: date) -> bool:
    """Whether ids of earlier days are kept at all."""
    rows = await store.fetch(conn, "day_partitions", {"parent": "message_seen"})
    return any(since <= date.fromisoformat(row[1]) < day for row in rows)
