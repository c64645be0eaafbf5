"""Events in the lake: how the history is read whole, and how hot rows become cold ones.

New events are rows of PostgreSQL. The mover appends them to the lake in large batches and moves the watermark in the
same lake transaction, so two movers conflict instead of doubling. A reader takes cold rows, and hot ones beyond the
watermark it sees in the same transaction: each event once, none missing, whatever moves meanwhile. Hot rows stay
longer than the longest permitted question after they were copied, and leave by dropping their day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from antiphon.foundation.context import Context
from antiphon.foundation.lake import transaction_variable
from antiphon.foundation.leases import Held
from antiphon.foundation.postgres import load_queries

LAKE = load_queries(Path(__file__).with_name("lake.sql"))
SQL = load_queries(Path(__file__).with_name("upkeep.sql"))
COLUMNS = (
    "lane", "seq", "received_at", "ts", "profile_id", "name", "kind", "message_id", "source_id", "properties", "context",
)  # fmt: skip
BATCH = 300_000
"""Rows of a lane that one move copies at most: large, so that a backlog becomes few files."""
_HOT = transaction_variable("hot_events", LAKE.hot_events)


def _literal(value: str | datetime) -> str:
    text = value.isoformat() if isinstance(value, datetime) else value
    return "'" + text.replace("'", "''") + "'"


def event_relation(
    columns: Sequence[str] = COLUMNS,
    *,
    names: Sequence[str] | None = None,
    profiles: Sequence[int] | None = None,
    since: datetime | None = None,
    within: tuple[int, int] | None = None,
) -> str:
    """A relation, in parentheses, of all events with these columns: cold rows and hot ones, each once.

    Write it after `from` in a statement for the lake. `names`, `profiles`, `since` (of `ts`) and `within` (the first and the last
    profile id) narrow it on both sides; with `profiles` or `within` the copy sorted by profile is read.
    """
    table = "lake.event" if profiles is None and within is None else "lake.event_by_profile"
    narrowed = _narrowed(names, profiles, since)
    if within is not None:
        narrowed.append(f"profile_id between {int(within[0])} and {int(within[1])}")
    cold = f"select {_wanted(columns)} from {table}" + (f" where {' and '.join(narrowed)}" if narrowed else "")
    return f"({cold} union all {_hot(columns, narrowed)})"


def hot_relation(
    columns: Sequence[str] = COLUMNS,
    *,
    names: Sequence[str] | None = None,
    since: datetime | None = None,
    properties_of: Sequence[str] | None = None,
) -> str:
    """The hot half of `event_relation` alone, for whoever reads the cold half many times and this one once.

    It belongs in the same lake transaction as what is read of `lake.event`. With `properties_of` only events of these names
    bring their properties, the bulk of an event; those of others are null.
    """
    return f"({_hot(columns, _narrowed(names, None, since), properties_of)})"


def _wanted(columns: Sequence[str]) -> str:
    unknown = set(columns) - set(COLUMNS)
    if unknown:
        raise ValueError(f"events have no {', '.join(sorted(unknown))}")
    return ", ".join(columns)


def _narrowed(names: Sequence[str] | None, profiles: Sequence[int] | None, since: datetime | None) -> list[str]:
    narrowed = []
    if names is not None:
        narrowed.append(f"name in ({', '.join(map(_literal, names)) or 'null'})")
    if profiles is not None:
        narrowed.append(f"profile_id in ({', '.join(str(int(p)) for p in profiles) or 'null'})")
    if since is not None:
        narrowed.append(f"ts >= timestamptz {_literal(since)}")
    return narrowed


def _hot(columns: Sequence[str], narrowed: Sequence[str], properties_of: Sequence[str] | None = None) -> str:
    wanted = taken = _wanted(columns)
    if properties_of is not None and "properties" in columns:
        (only,) = _narrowed(properties_of, None, None)
        taken = ", ".join(
            f"case when {only} then properties end as properties" if one == "properties" else one for one in columns
        )
    begin = f"select {taken} from event where " + "".join(f"{part} and " for part in narrowed) + "("
    return f"select {wanted} from postgres_query('pg', {_literal(begin)} || {_HOT} || ')')"


async def read_watermark(ctx: Context) -> dict[int, int]:
    """How far each lane has been copied to the lake."""
    return dict(await ctx.lake.run(LAKE.watermark))


async def move_events(ctx: Context, held: Held | None = None, batch: int = BATCH) -> int:
    """Copy up to about `batch` hot rows of each lane to the lake, all or none; returns how many.

    LakeConflict when another mover was first.
    """
    async with ctx.lake.transaction() as lake:
        await lake.run(LAKE.claim_move)
        known: dict[int, int] = dict(await lake.run(LAKE.watermark))
        reach = await _reach(ctx, held, known, batch)
        total = sum(count for _, count in reach.values())
        if total == 0:
            return 0
        await lake.run(_take(known, {lane: seq for lane, (seq, _) in reach.items()}))
        await lake.run(LAKE.append_events)
        await lake.run(LAKE.append_events_by_profile)
        await lake.run(LAKE.drop_batch)
        await lake.run(LAKE.forget_watermark)
        moved = known | {lane: seq for lane, (seq, _) in reach.items()}
        lanes = range(max(moved) + 1)  # dense, so that a reader's condition needs no `not in`
        table = {"lane": np.array(lanes), "seq": np.array([moved.get(lane, 0) for lane in lanes], dtype=np.int64)}
        await lake.run(LAKE.write_watermark, tables={"moved": table})
    return total


async def _reach(ctx: Context, held: Held | None, known: Mapping[int, int], batch: int) -> dict[int, tuple[int, int]]:
    """For each lane with new rows: the last of the next `batch`, and how many they are."""
    params = {"lanes": list(known), "seqs": list(known.values()), "batch": batch}
    async with ctx.db.transaction() as conn:
        if held is not None:
            await held.fence(conn)
        rows = await (await conn.execute(SQL.lanes_reach, params)).fetchall()
    return {lane: (seq, count) for lane, seq, count in rows}


def _take(known: Mapping[int, int], reach: Mapping[int, int]) -> str:
    parts = (f"lane = {lane} and seq > {known.get(lane, 0)} and seq <= {seq}" for lane, seq in reach.items())
    hot = f"select {', '.join(COLUMNS)} from event where " + " or ".join(parts)
    return f"create or replace temp table moving as select * from postgres_query('pg', {_literal(hot)})"
