"""Events that proved to be something else than they were called, as an open that was a machine's.

They are called otherwise from then on, wherever they are kept: in PostgreSQL and in both of the lake's tables, in whatever month.
Nothing is asked of those who read: there are no events of the old name any more. Those who keep something that follows from
events (tallies, what live segments hold) are told whose events changed, and read those people's events again.

The order is: PostgreSQL first, then the lake in a transaction that conflicts with a mover who has read the rows before; and
whoever follows is told after each.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from antiphon.awareness.events.lake import LAKE
from antiphon.awareness.events.upkeep import claim_task
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeConflict
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop, wake
from antiphon.foundation.postgres import Connection, load_queries
from antiphon.foundation.postgres.binary import bigints, jsonbs, texts

SQL = load_queries(Path(__file__).with_name("corrections.sql"))
LOOP = "events.corrections"
MOST = 1_000
"""Corrections made together."""
KEPT = timedelta(days=30)
_TIMEOUT = 1800.0


class Renaming(msgspec.Struct, frozen=True):
    """Events of Antiphon's own that are to be called otherwise: those of a person that have this name and one of these ids."""

    profile_id: int
    name: str
    becomes: str
    message_ids: tuple[str, ...]


class _Waiting(msgspec.Struct, frozen=True):
    id: int
    name: str
    becomes: str
    message_ids: list[str]
    whole: bool
    profile_ids: list[int]


class Corrected(msgspec.Struct, frozen=True):
    """Somebody's events of a name are not what they were, under the id they were written with."""

    seq: int
    profile_id: int
    name: str


async def rename_events(conn: Connection, renamings: Sequence[Renaming], at: Any) -> None:
    """Have events called otherwise, soon after this transaction; also those accepted before it that are not understood yet."""
    if not renamings:
        return
    params = {
        "profile_ids": bigints([one.profile_id for one in renamings]),
        "names": texts([one.name for one in renamings]),
        "becomes": texts([one.becomes for one in renamings]),
        "message_ids": jsonbs([msgspec.json.encode(one.message_ids) for one in renamings]),
        "at": at,
    }
    await conn.execute(SQL.ask, params)
    await wake(conn, LOOP)


async def corrected_since(conn: Connection, after: int, most: int) -> list[Corrected]:
    """Whose events were corrected after a place, in order."""
    return [Corrected(*row) for row in await (await conn.execute(SQL.told, {"after": after, "most": most})).fetchall()]


async def corrected_reach(conn: Connection) -> int:
    """The place of the last correction."""
    row = await (await conn.execute(SQL.reach)).fetchone()
    return int(row[0]) if row else 0


async def being_corrected(conn: Connection, most: int) -> list[int]:
    """People whose events are just being corrected."""
    return [row[0] for row in await (await conn.execute(SQL.being_corrected, {"most": most})).fetchall()]


async def correct(ctx: Context, held: Held) -> bool:
    """Make the corrections that wait, as many as one transaction takes at a time; says whether to come again at once."""
    if await claim_task(ctx, LOOP, timedelta(hours=1)):
        async with ctx.db.transaction() as conn:
            await held.fence(conn)
            await conn.execute(SQL.forget, {"keep": KEPT})
    after = 0
    while True:
        async with ctx.db.transaction() as conn:
            await held.fence(conn)
            rows = await (await conn.execute(SQL.waiting, {"after": after, "most": MOST})).fetchall()
            waiting = [_Waiting(*row) for row in rows]
            if not waiting:
                return False
            wanted = _wanted(waiting)
            await _rename_hot(ctx, conn, wanted)
        try:
            cold = await _rename_cold(ctx, wanted)
        except LakeConflict:
            return True
        async with ctx.db.transaction() as conn:
            await held.fence(conn)
            await _tell(conn, cold)
            await conn.execute(SQL.done, {"ids": bigints([one.id for one in waiting if one.whole])})
        after = waiting[-1].id


def _wanted(waiting: Sequence[_Waiting]) -> dict[str, list[Any]]:
    """One row for each event that may be meant."""
    rows = [
        (profile, one.name, one.becomes, message)
        for one in waiting for profile in one.profile_ids for message in one.message_ids
    ]  # fmt: skip
    return {name: [row[n] for row in rows] for n, name in enumerate(("profile_ids", "names", "becomes", "message_ids"))}


async def _rename_hot(ctx: Context, conn: Connection, wanted: dict[str, list[Any]]) -> None:
    params = {name: bigints(column) if name == "profile_ids" else texts(column) for name, column in wanted.items()}
    renamed = await (await conn.execute(SQL.rename_hot, params)).fetchall()
    if not renamed:
        return
    pairs = sorted({(name, becomes) for _, name, becomes in renamed})
    named = {"names": texts([a for a, _ in pairs]), "becomes": texts([b for _, b in pairs]), "at": ctx.clock.now()}
    await conn.execute(SQL.name_them, named)
    await _tell(conn, renamed)


async def _rename_cold(ctx: Context, wanted: dict[str, list[Any]]) -> list[tuple[Any, ...]]:
    """Rename what the lake has; (profile, name, new name) of each event. LakeConflict when somebody else wrote."""
    people = f"({', '.join(str(one) for one in sorted(set(wanted['profile_ids'])))})"
    async with ctx.lake.transaction(timeout=_TIMEOUT) as lake:
        await lake.run(LAKE.claim_move)
        await lake.run(LAKE.find_renamed.replace("(null)", people), wanted)
        found = await lake.run("select profile_id, name, becomes, ts from renamed")
        if found:
            await lake.run(LAKE.rename_by_profile.replace("(null)", people))
            await lake.run(LAKE.rename_cold)
        await lake.run("drop table renamed")
    return [(profile, name, becomes) for profile, name, becomes, _ in found]


async def _tell(conn: Connection, renamed: Sequence[tuple[Any, ...]]) -> None:
    if renamed:
        both = [(profile, name) for profile, *names in renamed for name in names]
        params = {"profile_ids": bigints([one for one, _ in both]), "names": texts([name for _, name in both])}
        await conn.execute(SQL.tell, params)


async def erase_corrections(conn: Connection, ids: Sequence[int]) -> None:
    """Forget that events of these people were corrected."""
    await conn.execute(SQL.erase_corrections, {"ids": bigints(list(ids))})
    await conn.execute(SQL.erase_corrected, {"ids": bigints(list(ids))})


LOOPS = (Loop(LOOP, correct, interval=2.0, buckets=1),)
