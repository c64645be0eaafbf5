"""What a refresh found of several segments, stored together where none of it is told: a few statements for all of them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from pyroaring import BitMap

from antiphon.awareness.segments import store
from antiphon.awareness.segments.bitmaps import encode
from antiphon.awareness.segments.errors import Superseded
from antiphon.awareness.segments.live.reading import SQL as CHANGES
from antiphon.awareness.segments.membership import FOLD, MOST_DELTAS, announced, store_members
from antiphon.awareness.segments.store import SegmentRow
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Held
from antiphon.foundation.postgres import Connection, load_queries

SQL = load_queries(Path(__file__).with_name("storing.sql"))
PART = 25
"""Segments stored in one transaction: some ten megabytes when each has a million members."""


@dataclass(frozen=True)
class _Change:
    """A segment, where its changes stand, and what becomes of its members."""

    row: SegmentRow
    seq: int
    members: BitMap
    entered: BitMap
    gone: BitMap

    @property
    def size(self) -> int:
        return len(self.entered) + len(self.gone)


@dataclass(frozen=True)
class Refresh:
    """What a refresh says of every segment it works out."""

    now: datetime
    took_ms: int
    pause: timedelta
    held: Held | None = None


async def store_together(
    ctx: Context, rows: Sequence[SegmentRow], found: Mapping[int, BitMap], of: Refresh
) -> dict[int, SegmentRow]:
    """Make ``found`` the members of ``rows``; returns the rows, without those that somebody else changed meanwhile."""
    done: dict[int, SegmentRow] = {}
    for start in range(0, len(rows), PART):
        async with ctx.db.connection() as conn:
            before = await store.read_members(conn, [row.id for row in rows[start : start + PART]])
        changes = await asyncio.to_thread(_changes, rows[start : start + PART], before, found)
        quiet = [one for one in changes if not (one.size and announced(one.row))]
        encoded = await asyncio.to_thread(lambda some: {one.row.id: encode(one.members) for one in some if one.size}, quiet)
        if quiet:
            async with ctx.db.transaction() as conn:
                if of.held is not None:
                    await of.held.fence(conn)
                done |= await _store(conn, quiet, encoded, of)
        for one in changes:
            if one.size and announced(one.row):
                try:
                    done[one.row.id] = await store_members(
                        ctx, one.row, one.members, of.now, took_ms=of.took_ms, pause=of.pause, held=of.held
                    )
                except Superseded:
                    continue
    return done


def _changes(
    rows: Sequence[SegmentRow], before: Mapping[int, tuple[int, BitMap]], found: Mapping[int, BitMap]
) -> list[_Change]:
    changes = []
    for row in rows:
        (seq, was), members = before[row.id], found[row.id]
        entered, gone = members - was if was else members, was - members
        changes.append(_Change(row, seq + 1 if entered or gone else seq, members, entered, gone))
    return changes


async def _store(
    conn: Connection, changes: Sequence[_Change], encoded: Mapping[int, bytes], of: Refresh
) -> dict[int, SegmentRow]:
    """The changes of some segments in the caller's transaction: the rows of those that nobody else changed meanwhile."""
    params = {
        "ids": [one.row.id for one in changes], "revisions": [one.row.revision for one in changes],
        "sizes": [len(one.members) for one in changes], "seqs": [one.seq for one in changes],
        "versions": [one.row.version for one in changes], "now": of.now, "took_ms": of.took_ms, "pause": of.pause,
    }  # fmt: skip
    taken = dict(await (await conn.execute(SQL.refresh_together, params)).fetchall())
    changes = [one for one in changes if one.row.id in taken]
    await _write(conn, [one for one in changes if one.size], encoded, of.now)
    return {
        one.row.id: msgspec.structs.replace(
            one.row, revision=taken[one.row.id], size=len(one.members), delta_seq=one.seq
        ) for one in changes
    }  # fmt: skip


async def _write(conn: Connection, changed: Sequence[_Change], encoded: Mapping[int, bytes], now: datetime) -> None:
    """Deltas, or a new base where enough has changed, and the growth."""
    if not changed:
        return
    ids = [one.row.id for one in changed]
    found = await (await conn.execute(SQL.weights, {"ids": ids})).fetchall()
    weights = {key: (int(changes), int(deltas), int(base)) for key, changes, deltas, base in found}
    heavy = [one for one in changed if _heavy(one, *weights[one.row.id])]
    light = [one for one in changed if one not in heavy]
    if heavy:
        bases = {"ids": [one.row.id for one in heavy], "seqs": [one.seq for one in heavy]}
        more = {"sizes": [len(one.members) for one in heavy], "members": [encoded[one.row.id] for one in heavy]}
        await conn.execute(SQL.write_bases, bases | more, binary=True)
        await conn.execute(SQL.drop_deltas, bases)
    if light:
        deltas = {
            "ids": [one.row.id for one in light], "seqs": [one.seq for one in light], "changes": [one.size for one in light],
            "entered": [encode(one.entered) for one in light], "gone": [encode(one.gone) for one in light],
        }  # fmt: skip
        await conn.execute(CHANGES.write_deltas, deltas, binary=True)
    growth = {
        "ids": ids, "now": now, "versions": [one.row.version for one in changed], "sizes": [len(one.members) for one in changed],
        "entered": [len(one.entered) for one in changed], "gone": [len(one.gone) for one in changed],
    }  # fmt: skip
    await conn.execute(CHANGES.write_growths, growth)


def _heavy(one: _Change, changes: int, deltas: int, base: int) -> bool:
    return base < 0 or deltas >= MOST_DELTAS or (changes + one.size) * FOLD > base
