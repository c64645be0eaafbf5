"""What brings people in without their doing: a schedule, the members of a segment when a version goes live, an import.

What is due becomes an intake: a frozen set of people and a place in it. A loop (`letting`) hands them to the rules of entry in
chunks, each with its place in one transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec
from pyroaring import BitMap

from antiphon.awareness.segments import members
from antiphon.execution.journeys.entries_check import recurrence_of
from antiphon.execution.journeys.model import Definition, ScheduleEntry, SegmentEntry
from antiphon.foundation import recurrence
from antiphon.foundation.context import Context
from antiphon.foundation.loops import wake
from antiphon.foundation.postgres import Connection, Jsonb, load_queries, struct_row
from antiphon.foundation.recurrence import instant_of, turn

SQL = load_queries(Path(__file__).with_name("sources.sql"))
LOOP = "journeys.let_in"
Source = Literal["present", "schedule", "import"]


class Intake(msgspec.Struct, frozen=True, kw_only=True):
    """People let in together: so many, of whom ``taken`` were asked and ``entered`` came in. ``size`` is null while
    it is being looked for who they are."""

    id: int
    source: Source
    detail: str
    size: int | None
    taken: int
    entered: int
    at: datetime
    over_at: datetime | None


class Scheduled(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule, and when it lets people in next."""

    schedule: ScheduleEntry
    next_wall: datetime | None
    next_at: datetime | None


async def open_sources(ctx: Context, conn: Connection, journey_id: int, definition: Definition) -> None:
    """A version goes live: its schedules run from now on, those that were there go on; who is present is let in, once."""
    now = ctx.clock.now()
    schedules = {_digest(one): one for one in definition.entries if isinstance(one, ScheduleEntry)}
    await conn.execute(SQL.keep_schedules, {"journey_id": journey_id, "entries": list(schedules)})
    for digest, schedule in schedules.items():
        wall = first_wall(schedule, now)
        params = {
            "journey_id": journey_id, "entry": digest, "schedule": Jsonb(msgspec.to_builtins(schedule)), "wall": wall,
            "at": None if wall is None else instant_of(recurrence_of(schedule), wall),
        }  # fmt: skip
        await conn.execute(SQL.add_schedule, params)
    for entry in definition.entries:
        if isinstance(entry, SegmentEntry) and entry.present and entry.when == "entered":
            people = await members(conn, entry.segment_id)
            await open_intake(
                conn, journey_id, "present", str(entry.segment_id), f"present:{entry.segment_id}", people, now
            )
    await wake(conn, LOOP)


async def close_sources(ctx: Context, conn: Connection, journey_id: int) -> None:
    """Nobody is let in any more."""
    await conn.execute(SQL.stop_schedules, {"journey_id": journey_id})
    await conn.execute(SQL.stop_intakes, {"journey_id": journey_id, "now": ctx.clock.now()})


async def open_intake(
    conn: Connection, journey_id: int, source: Source, detail: str, key: str, people: BitMap | None, now: datetime
) -> None:
    """People are to be let in; the same occasion (``key``) once. Of an import, who they are is looked for later (None)."""
    params = {
        "journey_id": journey_id, "source": source, "detail": detail, "key": key, "now": now,
        "members": None if people is None else people.serialize(), "size": None if people is None else len(people),
    }  # fmt: skip
    await conn.execute(SQL.open_intake, params)
    await wake(conn, LOOP)


async def begin_due(ctx: Context, conn: Connection, buckets: Iterable[int], divisor: int) -> bool:
    """Freeze the members for a schedule whose time has come, and move it to its next time; whether there was one.

    Of several times that came while nobody looked, the last counts.
    """
    now = ctx.clock.now()
    row = await (
        await conn.execute(SQL.next_schedule, {"now": now, "divisor": divisor, "buckets": list(buckets)})
    ).fetchone()
    if row is None:
        return False
    journey_id, entry, said, wall, _ = row
    schedule = msgspec.convert(said, ScheduleEntry, strict=False)
    rule = recurrence_of(schedule)
    due = turn(rule, wall, now)
    for one in due.due:
        at = one.isoformat(" ", "minutes")
        people = await members(conn, schedule.segment_id)
        await open_intake(conn, journey_id, "schedule", f"{at} {schedule.zone}", f"schedule:{entry}:{at}", people, now)
    following = due.following
    params = {
        "journey_id": journey_id, "entry": entry, "wall": following,
        "at": None if following is None else instant_of(rule, following),
    }  # fmt: skip
    await conn.execute(SQL.move_schedule, params)
    return True


def first_wall(schedule: ScheduleEntry, now: datetime) -> datetime | None:
    """The first time of a schedule that has not passed."""
    return recurrence.first_wall(recurrence_of(schedule), now)


async def intakes(conn: Connection, journey_id: int, limit: int = 20) -> list[Intake]:
    """People who were let in together, newest first."""
    async with conn.cursor(row_factory=struct_row(Intake)) as cur:
        return await (await cur.execute(SQL.list_intakes, {"journey_id": journey_id, "limit": limit})).fetchall()


async def schedules_of(conn: Connection, journey_id: int) -> list[Scheduled]:
    """The schedules of a journey."""
    async with conn.cursor(row_factory=struct_row(Scheduled)) as cur:
        return await (await cur.execute(SQL.read_schedules, {"journey_id": journey_id})).fetchall()


def _digest(schedule: ScheduleEntry) -> str:
    return hashlib.sha256(msgspec.json.encode(schedule)).hexdigest()[:32]
