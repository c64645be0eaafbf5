"""The verbs on events: look, replay what was refused, keep sources, export and erase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from antiphon.awareness import profiles
from antiphon.awareness.events import store
from antiphon.awareness.events.corrections import erase_corrections
from antiphon.awareness.events.erasure import erase_cold
from antiphon.awareness.events.errors import NoSuchSource, SourceNameTaken
from antiphon.awareness.events.journal import Journal
from antiphon.awareness.events.lake import event_relation
from antiphon.awareness.events.model import (
    EventNameShown,
    EventShown,
    IssuedWriteKey,
    Rejects,
    RejectShown,
    SourceShown,
    WriteKeyShown,
)
from antiphon.foundation.access import audit, issue_key
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.http import InvalidCursor, decode_cursor, encode_cursor
from antiphon.foundation.jobs import RunningJob, enqueue
from antiphon.foundation.postgres import Connection, read_json
from antiphon.foundation.principal import Principal
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
SCANNED = 20_000
"""Latest events of each lane that a filter looks through."""
_END = 2**62
_COLUMNS = (
    "lane", "seq", "ts", "received_at", "profile_id", "name", "kind", "message_id", "source_id", "properties", "context",
)  # fmt: skip


def _positions(cursor: str | None) -> dict[int, int]:
    if cursor is None:
        return {}
    found = decode_cursor(cursor, str)
    try:
        pairs = (part.split(":") for part in str((found or ("",))[0]).split(",") if part)
        return {int(lane): int(seq) for lane, seq in pairs}
    except ValueError as bad:
        raise InvalidCursor(field="cursor") from bad


def _cursor(positions: Mapping[int, int]) -> str:
    return encode_cursor(",".join(f"{lane}:{seq}" for lane, seq in sorted(positions.items())))


async def _latest(
    conn: Connection, befores: Mapping[int, int], afters: Mapping[int, int], limit: int, **wanted: Any
) -> tuple[list[EventShown], dict[int, int]]:
    """Events between two places of every lane, newest first, and the lanes' present ends."""
    ends = {row["lane"]: row["seq"] for row in await store.rows(conn, "lanes")}
    lanes = list(ends)
    params = {
        "lanes": lanes, "befores": [befores.get(lane, _END) for lane in lanes], "limit": limit, "scan": SCANNED,
        "afters": [afters.get(lane, 0) for lane in lanes], "name": None, "kind": None, "source": None, **wanted,
    }  # fmt: skip
    return [EventShown(**row) for row in await store.rows(conn, "recent_events", **params)], ends


async def recent_events(
    conn: Connection, cursor: str | None, limit: int, **wanted: Any
) -> tuple[list[EventShown], str | None]:
    """A page of the latest events, and the cursor of the next. A filter looks at the latest SCANNED of each lane."""
    befores = _positions(cursor)
    items, _ = await _latest(conn, befores, {}, limit, **wanted)
    if len(items) < limit:
        return items, None
    for item in items:
        befores[item.lane] = min(befores.get(item.lane, _END), item.seq)
    return items, _cursor(befores)


async def live_events(conn: Connection, after: str | None, limit: int, **wanted: Any) -> tuple[list[EventShown], str]:
    """What arrived since, newest first, and the place to go on from."""
    afters = _positions(after)
    items, ends = await _latest(conn, {}, afters, limit, **wanted)
    return items, _cursor(ends)


async def event_names(conn: Connection, words: str | None, limit: int) -> list[EventNameShown]:
    """Names seen, latest first."""
    pattern = None
    if words:
        pattern = "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    return [EventNameShown(**row) for row in await store.rows(conn, "event_names", pattern=pattern, limit=limit)]


async def timeline(
    ctx: Context, profile_id: int, cursor: str | None, limit: int, consents: bool = True
) -> tuple[list[EventShown], str | None]:
    """What happened with a person and all who were merged into it, newest first: events through hot and cold, merges, and
    what was said about consent. Raises NoSuchProfile."""
    after = decode_cursor(cursor, int, int, int)
    micro, lane, seq = (int(part or 0) for part in after) if after else (int(_FAR.timestamp() * 1_000_000), 0, 0)
    ts = _UNIX + timedelta(microseconds=micro)
    async with ctx.db.connection() as conn:
        canonical = await profiles.canonical(conn, profile_id)
        if canonical is None:
            raise profiles.NoSuchProfile
        ids = await profiles.every_id(conn, canonical)
        place = {"ids": ids, "ts": ts, "lane": lane, "seq": seq, "limit": limit}
        ledgers = await store.rows(conn, "profile_ledgers", **place, consents=consents)
    try:
        rows = await _whole_history(ctx, ids, ts, lane, seq, limit)
    except AntiphonError as failed:  # the lake is away: what happened lately is still here
        log.warning("timeline without its cold part", error=str(failed))
        async with ctx.db.connection() as conn:
            rows = await store.rows(conn, "profile_events", **place)
    rows = sorted([*rows, *ledgers], key=lambda row: (row["ts"], row["lane"], row["seq"]), reverse=True)[:limit]
    items = [EventShown(**(row | {"profile_id": canonical})) for row in rows]
    last = items[-1] if len(items) == limit else None
    if last is None:
        return items, None
    return items, encode_cursor((last.ts - _UNIX) // timedelta(microseconds=1), last.lane, last.seq)


_FAR = datetime(9000, 1, 1, tzinfo=UTC)
_UNIX = datetime(1970, 1, 1, tzinfo=UTC)


async def _whole_history(
    ctx: Context, ids: Sequence[int], ts: datetime, lane: int, seq: int, limit: int
) -> list[dict[str, Any]]:
    relation = event_relation(_COLUMNS, profiles=ids)
    sql = (
        f"select {', '.join(_COLUMNS)} from {relation} where (ts, lane, seq) < ($ts::timestamptz, $lane, $seq)"
        " order by ts desc, lane desc, seq desc limit $limit"
    )
    rows = await ctx.lake.run(sql, {"ts": ts.isoformat(), "lane": lane, "seq": seq, "limit": limit})
    result = []
    for row in rows:
        shown = dict(zip(_COLUMNS, row, strict=True))
        for column in ("properties", "context"):
            shown[column] = _json(shown[column])
        shown["properties"] = shown["properties"] or {}
        result.append(shown)
    return result


def _json(value: Any) -> Any:
    return read_json(value) if isinstance(value, str | bytes) else value


async def list_rejects(conn: Connection, cursor: str | None, limit: int, code: str | None, waiting: bool | None) -> Rejects:
    """What could not be understood, newest first, and how many wait by reason."""
    after = decode_cursor(cursor, int)
    before = int(after[0] or 0) if after else _END
    rows = await store.rows(conn, "rejects", before=before, limit=limit, code=code, waiting=waiting)
    items = [_reject(row) for row in rows]
    counts = {row["code"]: row["count"] for row in await store.rows(conn, "count_rejects")}
    return Rejects(items=items, next=encode_cursor(items[-1].id) if len(items) == limit else None, waiting=counts)


def _reject(row: Mapping[str, Any]) -> RejectShown:
    return RejectShown(
        id=row["id"], received_at=row["received_at"], source_id=row["source_id"], code=row["code"], detail=row["detail"],
        payload=bytes(row["payload"]).decode(errors="replace"), replayed_at=row["replayed_at"],
    )  # fmt: skip


async def replay_rejects(ctx: Context, who: Principal, ids: Sequence[int] | None) -> int:
    """Put rejects (all that wait, without `ids`) back into the journal; returns how many waited.

    The gap between a call's sending and its reception is kept, so that its corrected timestamp stays what it was.
    """
    replayed = 0
    ids = ids if ids is None else [one for one in ids if 0 < one < _END]
    while True:
        now = ctx.clock.now()
        async with ctx.get(Journal).transaction() as j:
            rows = await store.rows(j.conn, "take_rejects", ids=list(ids or ()), every=ids is None)
            if not rows:
                break
            await j.append([(row["source_id"], _sent_again(row, now), bytes(row["payload"])) for row in rows])
            taken = [row["id"] for row in rows]
            await store.run(j.conn, "mark_replayed", {"ids": taken, "at": now})
            subject = f"reject:{taken[0]}" if ids is not None else "reject:all"
            await audit(j.conn, who, action="events.replay", subject=subject, after={"replayed": len(taken)})
        replayed += len(rows)
        if ids is not None:
            break
    return replayed


def _sent_again(row: Mapping[str, Any], now: datetime) -> datetime | None:
    sent: datetime | None = row["sent_at"]
    return None if sent is None else sent + (now - row["received_at"])


async def list_sources(conn: Connection) -> list[SourceShown]:
    """What sends events, with its write keys."""
    keys: dict[int, list[WriteKeyShown]] = {}
    for row in await store.rows(conn, "source_keys"):
        keys.setdefault(row.pop("source_id"), []).append(WriteKeyShown(**row))
    rows = await store.rows(conn, "sources")
    return [SourceShown(**row, write_keys=keys.get(row["id"], [])) for row in rows]


async def _find_source(conn: Connection, source_id: int) -> SourceShown:
    for source in await list_sources(conn):
        if source.id == source_id:
            return source
    raise NoSuchSource


async def add_source(ctx: Context, conn: Connection, who: Principal, name: str) -> IssuedWriteKey:
    """A new sender with its first write key. Raises SourceNameTaken."""
    rows = await store.rows(conn, "add_source", name=name.strip(), at=ctx.clock.now())
    if not rows:
        raise SourceNameTaken(field="name")
    source_id = rows[0]["id"]
    await audit(conn, who, action="events.add_source", subject=f"source:{source_id}", after={"name": name.strip()})
    return await add_write_key(conn, who, source_id)


async def add_write_key(conn: Connection, who: Principal, source_id: int) -> IssuedWriteKey:
    """Another write key of a sender. Raises NoSuchSource."""
    source = await _find_source(conn, source_id)
    if source_id == 0:
        raise NoSuchSource
    issued = await issue_key(conn, who, name=source.name, kind="write", source_id=source_id)
    return IssuedWriteKey(source=await _find_source(conn, source_id), write_key=issued.token)


async def export(ctx: Context, conn: Connection, profile_id: int) -> Mapping[str, Any]:
    """Everything a customer did, for their own copy."""
    ids = await profiles.every_id(conn, profile_id)
    relation = event_relation(_COLUMNS, profiles=ids)
    wanted = ("ts", "received_at", "name", "kind", "properties", "context")
    rows = await ctx.lake.run(f"select {', '.join(wanted)} from {relation} order by ts, lane, seq")
    events = [dict(zip(wanted, row, strict=True)) for row in rows]
    for event in events:
        event["properties"], event["context"] = _json(event["properties"]), _json(event["context"])
    return {"events": events}


async def erase(ctx: Context, conn: Connection, profile_id: int) -> None:
    """Forget what a customer did: journal, rejects and hot events now, the lake by a job of this transaction."""
    ids = await profiles.every_id(conn, profile_id)
    words = [msgspec.json.encode(value) for value in await profiles.identity_values(conn, ids)]
    await store.run(conn, "erase_journal", {"ids": ids})
    await store.run(conn, "erase_events", {"ids": ids})
    await erase_corrections(conn, ids)
    if words:
        await store.run(conn, "erase_rejects", {"words": words})
        await store.run(conn, "erase_words_in_journal", {"words": words})
    await enqueue(conn, "events.erase_cold", {"ids": ids})


async def run_cold_erasure(ctx: Context, job: RunningJob) -> dict[str, Any]:
    """The job: their rows leave the lake, whose files are then written anew without them."""
    return {"rows": await erase_cold(ctx, [int(one) for one in job.args["ids"]])}
