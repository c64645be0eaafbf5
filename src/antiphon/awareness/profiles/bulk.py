"""People in bulk: staged rows become profiles without passing through Python, except those that need thought.

The answer is that of `resolve`: rows that nobody shares an identity with are new people, rows whose identities all
lead to one profile merge their traits into it, and every other row goes through `resolve` itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable
from datetime import datetime
from pathlib import Path

import msgspec

from antiphon.awareness.profiles.identities import Identity
from antiphon.awareness.profiles.kinds import KINDS
from antiphon.awareness.profiles.model import Person
from antiphon.awareness.profiles.resolving import IdentitiesContended, resolve
from antiphon.awareness.profiles.rules import ruled_traits
from antiphon.foundation.postgres import Connection, DeadlockDetected, UniqueViolation, load_queries

SQL = load_queries(Path(__file__).with_name("bulk.sql"))
_TRIES = 6
_CAREFUL = 5_000
Chunks = Callable[[], AsyncIterable[bytes]]


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a set of rows, counted in rows: `changed` and `unchanged` were known before."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0


class _Again(Exception):
    """Somebody changed these people meanwhile."""


async def load_people(
    conn: Connection, rows: Chunks, identities: Chunks, *, at: datetime, fence: Callable[[Connection], Awaitable[None]]
) -> Loaded:
    """Load one set of at most 50,000 rows, committed when this returns; `conn` is a connection of one's own.

    `rows` gives CSV of (n, traits as a JSON object, stamp), `identities` CSV of (n, kind, normal value, whether another row
    of the set has it too); each row has at least one. `fence` is the first statement
    of each transaction. A null trait removes it. Safe beside any number of others, and idempotent: the same rows with the
    same stamps change nothing. Raises IdentitiesContended when others keep changing the same people.
    """
    for statement in (SQL.make_stage, SQL.make_stage_identities, SQL.make_verdicts):
        await conn.execute(statement)
    for _ in range(_TRIES):
        try:
            loaded, odd = await _plain(conn, rows, identities, at, fence)
            break
        except (_Again, UniqueViolation, DeadlockDetected):
            continue
    else:
        raise IdentitiesContended
    for first in range(0, len(odd), _CAREFUL):
        async with conn.transaction():
            await fence(conn)
            await resolve(conn, odd[first : first + _CAREFUL], at=at)
    return msgspec.structs.replace(loaded, changed=loaded.changed + len(odd))


async def known_rows(conn: Connection, identities: Chunks) -> list[int]:
    """Of rows with these identities (as for `load_people`), the numbers of those that name somebody known by now."""
    await conn.execute(SQL.make_stage_identities)
    async with conn.transaction():
        async with conn.cursor() as cursor, cursor.copy(SQL.copy_identities) as into:
            async for data in identities():
                await into.write(data)
        await conn.execute(SQL.look_up)
        row = await (await conn.execute(SQL.known_rows)).fetchone()
    return row[0] if row else []


async def _plain(
    conn: Connection, rows: Chunks, identities: Chunks, at: datetime, fence: Callable[[Connection], Awaitable[None]]
) -> tuple[Loaded, list[Person]]:
    async with conn.transaction():
        await fence(conn)
        for statement, chunks in ((SQL.copy_rows, rows), (SQL.copy_identities, identities)):
            async with conn.cursor() as cursor, cursor.copy(statement) as into:
                async for data in chunks():
                    await into.write(data)
        await conn.execute(SQL.look_up)
        await conn.execute(SQL.judge)
        if await ruled_traits(conn):
            await conn.execute(SQL.heed_rules)
        await conn.execute(SQL.check_settled)
        await conn.execute(SQL.check_early)
        counts = {v: (n, people) for v, n, people in await (await conn.execute(SQL.count_verdicts)).fetchall()}
        settled, known = counts.get("s", (0, 0))
        changed = 0
        if settled:
            row = await (await conn.execute(SQL.lock_settled)).fetchone()
            if row is None or row[0] != known:
                raise _Again
            quiet = [kind.name for kind in KINDS.all() if kind.quiet_days]
            await conn.execute(SQL.see_settled, {"kinds": quiet})
            changed = (await conn.execute(SQL.merge_whole)).rowcount
            if changed < settled:
                changed += (await conn.execute(SQL.merge_settled)).rowcount
        new = counts.get("n", (0, 0))[0]
        if new:
            await conn.execute(SQL.make_new, {"at": at})
            await conn.execute(SQL.give_new)
            await conn.execute(SQL.mark_new)
        odd: list[Person] = []
        if "o" in counts:
            found = await (await conn.execute(SQL.odd_rows)).fetchall()
            odd = [
                Person(tuple(map(Identity, kinds, values)), traits.encode(), stamp, at)
                for _, traits, stamp, kinds, values in found
            ]
    return Loaded(new=new, changed=changed, unchanged=settled - changed), odd
