"""Storing what changed: of many segments together, each change with its event, in one transaction a chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pyroaring import BitMap

from antiphon.awareness.events import INTERNAL, Journal
from antiphon.awareness.segments import store
from antiphon.awareness.segments.bitmaps import encode
from antiphon.awareness.segments.errors import Superseded
from antiphon.awareness.segments.live.reading import SQL
from antiphon.awareness.segments.live.state import Following, State
from antiphon.awareness.segments.membership import CHUNK, ENTERED, FOLD, LEFT, MOST_DELTAS, chunks, tell
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Held
from antiphon.foundation.postgres import Connection


@dataclass
class Part:
    """A change of one segment, within a chunk."""

    segment: Following
    entered: BitMap
    gone: BitMap


async def write(ctx: Context, state: State, held: Held, now: datetime) -> int:
    """Store all that is pending; returns how many changes.

    A segment that somebody else changed meanwhile is stale: it is read again, and its changes are found anew.
    """
    done = 0
    for chunk in _chunks(list(state.segments.values())):
        try:
            await _write(ctx, chunk, held, now)
        except Superseded:
            for part in chunk:
                part.segment.stale = True
            continue
        done += sum(len(part.entered) + len(part.gone) for part in chunk)
    return done


def _chunks(segments: Sequence[Following]) -> Iterator[list[Part]]:
    """Parts of at most CHUNK changes together."""
    found: list[Part] = []
    size = 0
    for segment in segments:
        if segment.stale or not (segment.entered or segment.gone):
            continue
        for entered, gone in chunks(segment.entered, segment.gone):
            weight = len(entered) + len(gone)
            if found and (size + weight > CHUNK or any(part.segment is segment for part in found)):
                yield found
                found, size = [], 0
            found.append(Part(segment, entered, gone))
            size += weight
    if found:
        yield found


async def _write(ctx: Context, chunk: list[Part], held: Held, now: datetime) -> None:
    async with ctx.get(Journal).transaction() as journal:
        conn = journal.conn
        await held.only(sorted({part.segment.id % 64 for part in chunk})).fence(conn)
        whole = await _store(conn, chunk, now)
        loud = [part for part in chunk if part.segment.announced]
        if loud:
            news = await _news(conn, loud, now)
            await journal.append([(INTERNAL, None, payload) for payload in news])
    for part in chunk:
        _stored(part, whole)


async def _news(conn: Connection, loud: list[Part], now: datetime) -> list[bytes]:
    """What is told: nothing of those merged away, nor of those who enter as whom they were merged into."""
    gone = BitMap.union(BitMap(), *(part.segment.gone for part in loud))
    merged = await store.merged_among(conn, list(gone)) if gone else {}
    news: list[bytes] = []
    for part in loud:
        about = part.segment.id, part.segment.name, part.segment.version, part.segment.seq + 1
        become = BitMap(into for one, into in merged.items() if one in part.segment.gone)
        news += tell(*about, ENTERED, part.entered - become, now)
        news += tell(*about, LEFT, part.gone - BitMap(merged), now)
    return news


async def _store(conn: Connection, chunk: list[Part], now: datetime) -> set[int]:
    """Deltas, or a new base where enough has changed; returns the segments that have a new base."""
    ids = [part.segment.id for part in chunk]
    seqs = [part.segment.seq + 1 for part in chunk]
    sizes = [len(_after(part)) for part in chunk]
    revisions = [part.segment.revision for part in chunk]
    taken = await conn.execute(SQL.take_revisions, {"ids": ids, "revisions": revisions, "sizes": sizes, "seqs": seqs, "now": now})
    if taken.rowcount != len(chunk):
        raise Superseded
    whole = {part.segment.id for part in chunk if _heavy(part)}
    for part in chunk:
        if part.segment.id in whole:
            await store.write_base(conn, part.segment.id, part.segment.seq + 1, _after(part))
    light = [part for part in chunk if part.segment.id not in whole]
    if light:
        params = {
            "ids": [part.segment.id for part in light], "seqs": [part.segment.seq + 1 for part in light],
            "changes": [len(part.entered) + len(part.gone) for part in light],
            "entered": [encode(part.entered) for part in light], "gone": [encode(part.gone) for part in light],
        }  # fmt: skip
        await conn.execute(SQL.write_deltas, params, binary=True)
    growth = {
        "ids": ids, "now": now, "versions": [part.segment.version for part in chunk], "sizes": sizes,
        "entered": [len(part.entered) for part in chunk], "gone": [len(part.gone) for part in chunk],
    }  # fmt: skip
    await conn.execute(SQL.write_growths, growth)
    return whole


def _after(part: Part) -> BitMap:
    """The members that are stored once this part is."""
    segment = part.segment
    return ((segment.members - segment.entered) | segment.gone | part.entered) - part.gone


def _heavy(part: Part) -> bool:
    segment = part.segment
    changes = segment.changes + len(part.entered) + len(part.gone)
    return segment.base < 0 or segment.deltas >= MOST_DELTAS or changes * FOLD > segment.base


def _stored(part: Part, whole: set[int]) -> None:
    segment = part.segment
    if segment.id in whole:
        segment.base, segment.changes, segment.deltas = len(_after(part)), 0, 0
    else:
        segment.changes += len(part.entered) + len(part.gone)
        segment.deltas += 1
    segment.seq += 1
    segment.revision += 1
    segment.entered, segment.gone = segment.entered - part.entered, segment.gone - part.gone


async def pulse(ctx: Context, held: Held, buckets: Sequence[int], now: datetime) -> None:
    """Say until when the live segments of some buckets are true."""
    if buckets:
        async with ctx.db.transaction() as conn:
            await held.only(list(buckets)).fence(conn)
            await conn.execute(SQL.pulse, {"buckets": list(buckets), "now": now})


async def set_freshness(ctx: Context, held: Held, live: Sequence[int], unfit: dict[int, str]) -> None:
    """Say of segments that they are live, or why they are not."""
    ids = [*live, *unfit]
    if not ids:
        return
    params = {
        "ids": ids,
        "freshness": ["live"] * len(live) + ["periodic"] * len(unfit),
        "whys": [None] * len(live) + [*unfit.values()],
    }
    async with ctx.db.transaction() as conn:
        await held.only(sorted({one % 64 for one in ids})).fence(conn)
        await conn.execute(SQL.set_freshness, params)
