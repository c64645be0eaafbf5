"""Events that proved to be something else: what a strand holds of the people concerned is read again from the stores."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import numpy as np

from antiphon.awareness.events import corrected_since, event_relation
from antiphon.awareness.segments.live.rows import Column, Rows, unix
from antiphon.awareness.segments.live.state import State
from antiphon.awareness.segments.live.strands import Strand, Unfit, encode
from antiphon.awareness.segments.live.tick import UnfitStrand
from antiphon.foundation.context import Context

MOST = 5_000
"""Corrections followed in one step."""
_SECONDS = 60.0


async def follow(ctx: Context, state: State) -> tuple[dict[str, Column], bool]:
    """Read again whose events were corrected since the state's place: of each strand the people, sorted; and whether there are
    more. To do so twice changes nothing. Raises UnfitStrand."""
    if not state.strands:
        return {}, False
    async with ctx.db.connection() as conn:
        corrected = await corrected_since(conn, state.corrected, MOST)
    found: dict[str, Column] = {}
    for name in sorted({one.name for one in corrected} & state.strands.keys()):
        people = np.array(sorted({one.profile_id for one in corrected if one.name == name}), dtype=np.uint32)
        await _read_again(ctx, state.strands[name], people)
        found[name] = people
    if corrected:
        state.corrected = corrected[-1].seq
    return found, len(corrected) == MOST


async def _read_again(ctx: Context, strand: Strand, people: Column) -> None:
    """As far in each lane as the strand holds what was said, and no further."""
    bounds = " or ".join(f"(lane = {lane} and seq <= {seq})" for lane, seq in strand.reach.items()) or "false"
    first = strand.wanted.start
    since = None if first is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=first)
    columns = ["profile_id", "ts", "lane", "seq", *(["properties"] if strand.wanted.deep else [])]
    source = event_relation(columns, names=[strand.name], profiles=people.tolist(), since=since)
    said = "properties" if strand.wanted.deep else "null"
    asked = f"select profile_id, ts, {said} from {source} where {bounds} order by ts, lane, seq"
    rows = await ctx.lake.run(asked, timeout=_SECONDS)
    events = [(profile, unix(ts), properties) for profile, ts, properties in rows]
    try:
        again = Rows.sort(await asyncio.to_thread(encode, strand.wanted, strand.sayings, events))
    except Unfit as why:
        raise UnfitStrand(strand.name, str(why)) from why
    strand.forget(people)
    strand.take(again)
