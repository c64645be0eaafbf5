"""People inside are moved to another version, or leave: in chunks, each one transaction, by a leased loop.

What is done is what the rows say, so a crash between two chunks leaves a true state and the next chunk goes on from there. Rows
that the engine has in hand are passed over and come in a later chunk. A move is over when nobody is left to move and entries
that were under way when it began have ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from antiphon.execution.delivery import call_off, withhold
from antiphon.execution.journeys.definitions import some_versions
from antiphon.execution.journeys.kinds.registry import installed
from antiphon.execution.journeys.live.effects import said_by
from antiphon.execution.journeys.mapping import StepMap, Way, ways
from antiphon.execution.journeys.shown import Moving, Queued, Version
from antiphon.foundation.context import Context
from antiphon.foundation.faults import point
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop, wake
from antiphon.foundation.postgres import Connection, Jsonb, load_queries, struct_row

SQL = load_queries(Path(__file__).with_name("moving.sql"))
LOOP, RUN_LOOP = "journeys.move", "journeys.run"
CHUNK = 20_000
BUCKETS = 4
ENDED, REPLACED = "ended", "replaced"
"""Why somebody is out: the journey was ended at once; an edit left them out."""


async def begin_move(
    conn: Connection, journey_id: int, *, before: int | None, after: int | None, kind: str, back: bool, step_map: StepMap,
    total: int, by: str, now: datetime, queued: Queued = "say",
) -> None:  # fmt: skip
    """Note what becomes of the people inside; the loop does it."""
    await conn.execute(SQL.stop_moves, {"journey_id": journey_id, "now": now})
    params = {
        "journey_id": journey_id, "from": before, "to": after, "kind": kind, "back": back, "map": Jsonb(dict(step_map)),
        "state": "done" if kind == "stay" else "open", "total": total, "now": now, "by": by,
        "queued": queued,
    }  # fmt: skip
    await conn.execute(SQL.open_move, params)
    await wake(conn, LOOP)


async def moves(conn: Connection, journey_id: int, *, only_open: bool = False, limit: int = 100) -> list[Moving]:
    """What became of the people inside each time, newest first."""
    async with conn.cursor(row_factory=struct_row(Moving)) as cur:
        params = {"journey_id": journey_id, "open": only_open, "limit": limit}
        return await (await cur.execute(SQL.list_moves, params)).fetchall()


async def last_map(conn: Connection, journey_id: int, to: int) -> tuple[dict[str, str | None], int | None]:
    """The step map by which people came to a version when it was published, and from which version."""
    row = await (await conn.execute(SQL.last_move_between, {"journey_id": journey_id, "to": to})).fetchone()
    return ({}, None) if row is None else (dict(row[1]), row[2])


async def tick(ctx: Context, held: Held) -> bool:
    """Move one chunk of each journey's people; whether there may be more at once."""
    after: int | None = 0
    more = False
    while after is not None:
        after, some = await _move_on(ctx, held, after)
        more = more or some
    return more


async def _move_on(ctx: Context, held: Held, after: int) -> tuple[int | None, bool]:
    """A chunk of the next move after one: which it was, and whether it is worth looking again at once."""
    now = ctx.clock.now()
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        params: dict[str, Any] = {"divisor": BUCKETS, "buckets": held.buckets, "after": after}
        row = await (await conn.execute(SQL.next_move, params)).fetchone()
        if row is None:
            return None, False
        move_id, journey_id, to, kind, step_map, early, queued = row
        onward, leaving = _plan(await some_versions(conn, journey_id), to, kind, step_map)
        reason = ENDED if to is None else REPLACED
        params = {"id": move_id, "to": to, "now": now, "most": CHUNK, "reason": reason}
        moved = await _run(conn, "move_some", params | _moving(onward)) if onward else 0
        gone = await _end(conn, journey_id, params | _standing(leaving), queued) if leaving and moved < CHUNK else 0
        point("people moved")
        over = False
        if moved + gone == 0 and not early:
            everywhere = [*leaving, *((version, step) for version, step, _ in onward)]
            over = not await _run(conn, "any_left", _standing(everywhere))
        if over and queued == "cancel":  # of a journey that was paused when it was finished
            await _let_go(conn, journey_id)
        await conn.execute(SQL.note_move, {"id": move_id, "moved": moved, "gone": gone, "over": over, "now": now})
        if moved:
            await wake(conn, RUN_LOOP)
    return move_id, moved + gone > 0


async def _end(conn: Connection, journey_id: int, params: Mapping[str, Any], queued: Queued) -> int:
    """Some leave; how many. What waits to be said to them is called off where that was asked for."""
    row = await (await conn.execute(SQL.end_some, {**params, "listed": queued == "cancel"})).fetchone()
    assert row is not None
    if queued == "cancel":
        await call_off(conn, said_by(journey_id), list(zip(row[1] or (), row[2] or (), strict=True)), params["now"])
    return int(row[0])


async def _let_go(conn: Connection, journey_id: int) -> None:
    row = await (await conn.execute(SQL.is_paused, {"journey_id": journey_id})).fetchone()
    if row is not None and not row[0]:
        await withhold(conn, said_by(journey_id), "active")


def _plan(
    found: Mapping[int, Version], to: int | None, kind: str, step_map: StepMap
) -> tuple[list[tuple[int, int, Way]], list[tuple[int, int]]]:
    """Where people of older versions go on: (version, step, way), and where they leave: (version, step)."""
    onward: list[tuple[int, int, Way]] = []
    leaving: list[tuple[int, int]] = []
    for one in found.values():
        if one.id == to:
            continue
        if to is None or kind == "leave":
            leaving += [(one.id, n) for n in range(len(one.definition.steps))]
            continue
        led, left = ways(one.definition, found[to].definition, step_map, installed())
        onward += [(one.id, n, way) for n, way in led.items()]
        leaving += [(one.id, n) for n in left]
    return onward, leaving


def _standing(places: Sequence[tuple[int, int]]) -> dict[str, Any]:
    return {"versions": [version for version, _ in places], "steps": [step for _, step in places]}


def _moving(places: Sequence[tuple[int, int, Way]]) -> dict[str, Any]:
    standing = _standing([(version, step) for version, step, _ in places])
    return standing | {
        "onward": [way.onward for _, _, way in places], "comes": [way.comes for _, _, way in places],
        "lasts": [way.lasts for _, _, way in places],
    }  # fmt: skip


async def _run(conn: Connection, name: str, params: Mapping[str, Any]) -> int:
    row = await (await conn.execute(SQL[name], params)).fetchone()
    assert row is not None
    return int(row[0])


LOOPS = (Loop(LOOP, tick, interval=5.0, buckets=BUCKETS),)
