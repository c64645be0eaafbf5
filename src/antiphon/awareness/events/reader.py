"""Reading events on: whoever does something with what customers do has a cursor in each lane, and reads behind it.

Events are read in the transaction that moves the cursor, with whatever is done because of them: after a crash the same events
are read again, and none counts twice or not at all. A backlog is read in parts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from antiphon.awareness.events.values import properties_of
from antiphon.foundation.leases import Held
from antiphon.foundation.postgres import Connection, load_queries

SQL = load_queries(Path(__file__).with_name("reader.sql"))


class ReadEvent(msgspec.Struct, frozen=True):
    """An event as a reader finds it; ``profile_id`` is whose it is now, ``text`` its properties as JSON."""

    lane: int
    seq: int
    received_at: datetime
    ts: datetime
    profile_id: int
    kind: str
    name: str
    text: str
    context: str | None = None
    """Of Antiphon's own events: what it said beside them, as JSON."""

    @property
    def properties(self) -> dict[str, Any]:
        """Its properties, decoded anew each time."""
        return properties_of(self.text)


class LaneReader:
    """One of those who read events, by its name. ``most``: events of one lane in one transaction."""

    def __init__(self, name: str, *, most: int = 2_000, most_lanes: int = 5) -> None:
        self.name = name
        self.most = most
        self.most_lanes = most_lanes

    async def begin(self, conn: Connection) -> None:
        """Nobody has read for this reader of late: it begins with what is understood from now on."""
        await conn.execute(SQL.begin, {"reader": self.name})

    async def waiting(self, conn: Connection, held: Held) -> tuple[list[int], bool]:
        """Lanes of ours in which something waits, as many as one transaction takes; and whether there are more."""
        rows = await (await conn.execute(SQL.pending, {"reader": self.name, "lanes": held.buckets})).fetchall()
        return [row[0] for row in rows][: self.most_lanes], len(rows) > self.most_lanes

    async def read_on(self, conn: Connection, lanes: Sequence[int], names: Iterable[str]) -> tuple[list[ReadEvent], bool]:
        """The next events of these names in some lanes, read from now on; and whether there may be more."""
        reach = await (await conn.execute(SQL.pending, {"reader": self.name, "lanes": list(lanes)})).fetchall()
        if not reach:
            return [], False
        params: dict[str, Any] = {
            "lanes": [row[0] for row in reach], "froms": [row[3] for row in reach], "tos": [row[1] for row in reach],
            "sinces": [row[4] for row in reach], "names": list(names), "most": self.most,
        }  # fmt: skip
        events = [ReadEvent(*row) for row in await (await conn.execute(SQL.happened, params)).fetchall()]
        count: dict[int, int] = defaultdict(int)
        ends: dict[int, tuple[int, datetime]] = {row[0]: (row[1], row[2]) for row in reach}
        last: dict[int, ReadEvent] = {}
        for event in events:
            count[event.lane] += 1
            last[event.lane] = event
        for lane, many in count.items():
            if many >= self.most:
                ends[lane] = (last[lane].seq, last[lane].received_at)
        await conn.execute(SQL.move, {
            "reader": self.name, "lanes": list(ends), "seqs": [seq for seq, _ in ends.values()],
            "received": [at for _, at in ends.values()],
        })  # fmt: skip
        return events, any(many >= self.most for many in count.values())
