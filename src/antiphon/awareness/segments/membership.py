"""Who is in which segment: what a refresh found becomes deltas, and customer events, exactly once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
from pyroaring import BitMap

from antiphon.awareness.events import INTERNAL, Journal
from antiphon.awareness.segments import store
from antiphon.awareness.segments.store import SegmentRow
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Held
from antiphon.foundation.postgres import Connection

ENTERED, LEFT = "Segment Entered", "Segment Left"
CHUNK = 10_000
"""Changes announced in one transaction: each is an event."""
FOLD = 20
"""Fold the deltas into the base when they amount to one in so many of it."""
MOST_DELTAS = 200


async def members(conn: Connection, segment_id: int) -> BitMap:
    """Return the members of a segment as of its last refresh: profile ids, ascending. Empty before the first."""
    return (await store.read_members(conn, [segment_id]))[segment_id][1]


async def store_members(
    ctx: Context, row: SegmentRow, found: BitMap, now: datetime, *, took_ms: int, pause: timedelta, held: Held | None = None
) -> SegmentRow:
    """Make ``found`` the members of ``row`` at ``now``. Raises Superseded if somebody changed the segment meanwhile.

    Changes that are announced go in chunks, each in one transaction with its events and its delta: a crash between two
    chunks leaves a true state in between, and the next refresh goes on from there.
    """
    async with ctx.db.connection() as conn:
        seq, before = (await store.read_members(conn, [row.id]))[row.id]
    entered, gone = found - before, before - found
    if announced(row) and (entered or gone):
        async with ctx.db.connection() as conn:
            quiet = await _merged(conn, entered, gone)
        for some_in, some_out in chunks(entered, gone):
            seq += 1
            before = (before | some_in) - some_out
            async with ctx.get(Journal).transaction() as journal:
                if held is not None:
                    await held.fence(journal.conn)
                row = await _change(journal.conn, row, before, seq, some_in, some_out, now)
                news = tell(row.id, row.name, row.version, seq, ENTERED, some_in - quiet, now)
                news += tell(row.id, row.name, row.version, seq, LEFT, some_out - quiet, now)
                await journal.append([(INTERNAL, None, payload) for payload in news])
        entered = gone = BitMap()
    async with ctx.db.transaction() as conn:
        if held is not None:
            await held.fence(conn)
        if entered or gone:
            row = await _change(conn, row, found, seq + 1, entered, gone, now)
        else:
            row = await store.take_revision(conn, row, size=len(found), seq=seq, now=now)
        await store.refreshed(conn, row, now=now, took_ms=took_ms, pause=pause)
    return row


def announced(row: SegmentRow) -> bool:
    """Whether changes of the members become customer events: the first refresh of a segment is no change."""
    return row.announce == "everyone" or (row.announce == "changes" and row.evaluated_at is not None)


async def change_quietly(conn: Connection, row: SegmentRow, entered: BitMap, gone: BitMap, now: datetime) -> None:
    """Change the members of a held segment, archived or not, without a word, in the caller's transaction."""
    seq, before = (await store.read_members(conn, [row.id]))[row.id]
    entered, gone = entered - before, gone & before
    if entered or gone:
        await _change(conn, row, (before | entered) - gone, seq + 1, entered, gone, now, archived=row.state == "archived")


async def rewrite(conn: Connection, segment_id: int) -> None:
    """Fold what changed into the base, so that nothing remembers who was in it before."""
    seq, people = (await store.read_members(conn, [segment_id]))[segment_id]
    await store.write_base(conn, segment_id, seq, people)


async def _change(
    conn: Connection, row: SegmentRow, members: BitMap, seq: int, entered: BitMap, gone: BitMap, now: datetime,
    *, archived: bool = False,
) -> SegmentRow:  # fmt: skip
    """One step of the members, in the caller's transaction: a delta, or a new base when enough has changed."""
    row = await store.take_revision(conn, row, size=len(members), seq=seq, now=now, archived=archived)
    changes, deltas, base = await store.weight(conn, row.id)
    changes += len(entered) + len(gone)
    if base < 0 or deltas >= MOST_DELTAS or changes * FOLD > base:
        await store.write_base(conn, row.id, seq, members)
    else:
        await store.write_delta(conn, row.id, seq, entered, gone)
    await store.write_growth(conn, row, now=now, size=len(members), entered=len(entered), gone=len(gone))
    return row


async def _merged(conn: Connection, entered: BitMap, gone: BitMap) -> BitMap:
    """Return those for whom nothing happened: merged-away profiles, and those who enter as whom they were merged into."""
    pairs = await store.merged_among(conn, list(gone)) if gone else {}
    return BitMap(pairs) | (BitMap(pairs.values()) & entered)


def chunks(entered: BitMap, gone: BitMap) -> Iterator[tuple[BitMap, BitMap]]:
    """Split changes into parts of at most CHUNK people, those who enter first."""
    start = 0
    while start < len(entered) + len(gone):
        some_in = entered[start : start + CHUNK]
        first_out = max(0, start - len(entered))
        yield some_in, gone[first_out : first_out + CHUNK - len(some_in)]
        start += CHUNK


def tell(segment_id: int, name: str, version: int, seq: int, what: str, ids: BitMap, now: datetime) -> list[bytes]:
    """Return what is said of those who entered or left: one call a person, in the shape of the Segment spec's track.

    Its messageId names the change, so that nothing is told twice.
    """
    properties = {"segment_id": segment_id, "segment": name, "version": version}
    moment = now.astimezone(UTC).isoformat()
    rest = msgspec.json.encode({"type": "track", "event": what, "timestamp": moment, "properties": properties})[1:]
    word = b"in" if what == ENTERED else b"out"
    return [
        b'{"profileId":%d,"messageId":"segment-%d-%d-%d-%s",' % (one, segment_id, seq, one, word) + rest for one in ids
    ]
