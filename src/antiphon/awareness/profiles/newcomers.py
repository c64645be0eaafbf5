"""New people of an import: whole columns go into the tables by COPY, nothing is looked up.

It is right for people nobody knows; where somebody has one of their identities already PostgreSQL refuses the set, nothing
of it is written, and the caller sorts out who is who (`known_rows`, `load_people`). What waits is kept by spans of ids, not
by person: see the tables `newcomer_unmirrored` and `newcomer_unindexed`.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from antiphon.foundation.postgres import Connection, DeadlockDetected, UniqueViolation, load_queries
from antiphon.foundation.postgres.binary import bigints

SQL = load_queries(Path(__file__).with_name("newcomers.sql"))
Chunks = Callable[[], AsyncIterable[bytes]]


class Run(NamedTuple):
    """Ids that follow one another."""

    first: int
    many: int

    @property
    def last(self) -> int:
        return self.first + self.many - 1


class Reserved(msgspec.Struct, frozen=True, kw_only=True):
    """Ids for people to be made, and the machine's instant of their making."""

    runs: list[Run]
    at: datetime


class Newcomers(msgspec.Struct, frozen=True, kw_only=True):
    """People who were made, and the epoch of identities before."""

    runs: list[Run]
    epoch: int


class AlreadyKnown(Exception):
    """Somebody has one of these identities; nothing was written."""


async def reserve_ids(conn: Connection, count: int) -> Reserved:
    """Take ids for `count` new people. Ids not used are gone, which costs nothing."""
    rows = await (await conn.execute(SQL.reserve_ids, {"count": count})).fetchall()
    return Reserved(runs=[Run(first, many) for first, many, _ in rows], at=rows[0][2])


async def make_newcomers(
    conn: Connection, runs: Sequence[Run], people: Chunks, identities: Chunks, *, fence: Callable[[Connection], Awaitable[None]]
) -> Newcomers:
    """Write at most 50,000 new people, committed when this returns; `conn` is a connection of one's own.

    `people` is a binary COPY of (id, traits as jsonb, stamp, created_at, updated_at, first_seen, last_seen), `identities` one
    of (kind, normal value, profile id) in the order of the first two. Raises AlreadyKnown.
    """
    spans = _spans(runs)
    try:
        async with conn.transaction():
            await fence(conn)
            row = await (await conn.execute(SQL.epoch)).fetchone()
            assert row is not None
            for statement, chunks in ((SQL.copy_identities, identities), (SQL.copy_people, people)):
                async with conn.cursor() as cursor, cursor.copy(statement) as into:
                    async for data in chunks():
                        await into.write(data)
            await conn.execute(SQL.note_unmirrored, spans)
            await conn.execute(SQL.note_unindexed, spans)
    except (UniqueViolation, DeadlockDetected):
        raise AlreadyKnown from None
    return Newcomers(runs=list(runs), epoch=int(row[0]))


def _spans(runs: Sequence[Run]) -> dict[str, object]:
    return {"firsts": bigints([run.first for run in runs]), "lasts": bigints([run.last for run in runs])}


async def touched_since(conn: Connection, made: Newcomers) -> list[int] | None:
    """Which of them changed since and wait to be copied by the copier; None when it must copy them all."""
    row = await (await conn.execute(SQL.touched, {**_spans(made.runs), "epoch": made.epoch})).fetchone()
    return row[0] if row else None


async def newcomers_mirrored(conn: Connection, made: Newcomers) -> None:
    """They are in the mirror: they wait no more."""
    await conn.execute(SQL.mirrored, _spans(made.runs))


async def hand_over(conn: Connection, made: Newcomers) -> None:
    """Leave them to the mirror's copier."""
    await conn.execute(SQL.hand_over, _spans(made.runs))


async def hand_over_late(conn: Connection) -> int:
    """Leave to the copier the people of one set whose loader died before it mirrored them; returns how many."""
    return (await conn.execute(SQL.hand_over_late)).rowcount


async def newcomers_waiting(conn: Connection) -> int:
    """How many new people are not in the mirror yet."""
    row = await (await conn.execute(SQL.waiting)).fetchone()
    return int(row[0]) if row else 0
