"""Conversions: the events a campaign's goal counts, each once, and how they came about.

Events of the people a campaign was for are kept as they are read behind a cursor, in sets; those held out included, and events
that name its code whoever's they are. How each came about is not kept but asked of the ledger: an event counts by code; within
the goal's window after a click of a person's; or within the window after the message. So a click that turns out to be a
machine's takes what was counted by it along.

What the campaign itself did is told by its holdout: the share of those held out who did it anyway is taken from the share of
those it was for, each within the window after their message was, or would have been, due. The interval is Newcombe's hybrid of
two Wilson score intervals (R. G. Newcombe, Statistics in Medicine 17, 1998, 873-890, method 10), at 95 %.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from math import sqrt
from pathlib import Path
from typing import Any, Literal

import msgspec

from antiphon.awareness.events import LaneReader
from antiphon.execution.campaigns import store
from antiphon.execution.campaigns.goals import CLICKS_AFTER, Goal, read_code
from antiphon.execution.campaigns.listening import read_on
from antiphon.execution.campaigns.model import Campaign
from antiphon.execution.campaigns.triggers import Happened
from antiphon.foundation.context import Context
from antiphon.foundation.ids import keyed_hash
from antiphon.foundation.leases import Held
from antiphon.foundation.postgres import Connection, load_queries, struct_row

SQL = load_queries(Path(__file__).with_name("conversions.sql"))
LOOP = "campaigns.convert"
READER = LaneReader("campaigns.conversions")
Z95 = 1.959963984540054
How = Literal["code", "click", "message", "holdout"]


class Converted(msgspec.Struct, frozen=True, kw_only=True):
    """Conversions that came about in one way: how many, of how many people, worth what together."""

    how: How
    conversions: int
    people: int
    value: float


class Lift(msgspec.Struct, frozen=True, kw_only=True):
    """What the campaign did beyond what would have happened anyway: the shares of those it was for and of those held out who did
    what it is about, their difference with its 95 % interval (Newcombe 1998), and how many people that is."""

    told: int
    told_converted: int
    held_out: int
    held_out_converted: int
    told_share: float
    held_out_share: float
    difference: float
    low: float
    high: float
    people: float
    method: str = "newcombe-wilson-95"


class Conversions(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign's conversions by how they came about, and its lift where somebody was held out."""

    by_how: list[Converted]
    conversions: int
    people: int
    value: float
    lift: Lift | None


class Conversion(msgspec.Struct, frozen=True, kw_only=True):
    """One conversion: whose, of which message, when, worth what, by what."""

    profile_id: int
    delivery_id: int | None
    ts: datetime
    value: Decimal | None
    how: How
    lane: int
    seq: int
    customer: str | None


async def begin_counting(conn: Connection, now: datetime) -> None:
    """A campaign with a goal starts: where none was counted, counting begins with what is understood from now on."""
    if len(await _counting(conn, now)) <= 1:
        await READER.begin(conn)


async def _counting(conn: Connection, now: datetime) -> list[int]:
    params = {"now": now, "clicks_after": CLICKS_AFTER}
    return [row[0] for row in await (await conn.execute(SQL.counting, params)).fetchall()]


async def count_conversions(ctx: Context, held: Held) -> bool:
    """One tick: read what has happened in our lanes, keep what goals count."""
    async with ctx.db.connection() as conn:
        if not await _counting(conn, ctx.clock.now()):
            return False
        lanes, more = await READER.waiting(conn, held)
    if not lanes:
        return False
    async with ctx.db.transaction() as conn:
        mine = held.only(lanes)
        await mine.fence(conn)
        ids = await _counting(conn, ctx.clock.now())
        campaigns = [c for i in ids if (c := await store.find_campaign(conn, i)) is not None]
        names = {c.goal.event for c in campaigns if c.goal is not None}
        events, full = await read_on(READER, conn, lanes, names)
        for campaign in campaigns:
            if campaign.goal is not None:
                await keep(ctx, conn, campaign, campaign.goal, events)
    return full or more


async def keep(ctx: Context, conn: Connection, campaign: Campaign, goal: Goal, events: Sequence[Happened]) -> None:
    """Keep those events that the goal means, each key once and the earliest of it."""
    found: dict[tuple[int, bytes], tuple[Happened, bool, int | None]] = {}
    for one in sorted(events, key=lambda e: (e.ts, e.lane, e.seq)):
        if not goal.matches(one.kind, one.name, one.properties):
            continue
        said = goal.code_of(one.properties)
        given = None
        by_code = said is not None and goal.code is not None and said == goal.code.upper()
        if said is not None and goal.code is not None and goal.personal_codes and not by_code:
            given = read_code(ctx.secret, campaign.id, goal.code, said)
            by_code = given is not None
        what = goal.key_of(one.properties) or f"{one.lane}-{one.seq}"
        key = keyed_hash(ctx.secret, "conversion", campaign.id, what)
        found.setdefault((one.profile_id, key), (one, by_code, given))
    if not found:
        return
    rows = sorted(found.items())
    await conn.execute(SQL.note_conversions, {
        "campaign_id": campaign.id,
        "now": ctx.clock.now(),
        "reach": goal.within_seconds + CLICKS_AFTER,
        "people": [person for (person, _), _ in rows],
        "keys": [key for (_, key), _ in rows],
        "tss": [one.ts for _, (one, _, _) in rows],
        "lanes": [one.lane for _, (one, _, _) in rows],
        "seqs": [one.seq for _, (one, _, _) in rows],
        "values": [goal.value_of(one.properties) for _, (one, _, _) in rows],
        "by_codes": [by_code for _, (_, by_code, _) in rows],
        "givens": [given for _, (_, _, given) in rows],
    })  # fmt: skip


async def read_conversions(conn: Connection, campaign: Campaign) -> Conversions:
    """A campaign's conversions as the ledger has them now."""
    params: dict[str, Any] = {"campaign_id": campaign.id, "within": campaign.goal.within_seconds if campaign.goal else 0}
    rows = await (await conn.execute(SQL.sum_conversions, params)).fetchall()
    by_how = [Converted(how=how, conversions=n, people=people, value=float(value)) for how, n, people, value in sorted(rows)]
    told = [one for one in by_how if one.how != "holdout"]
    row = await (await conn.execute(SQL.groups, params)).fetchone()
    assert row is not None
    return Conversions(
        by_how=by_how, conversions=sum(one.conversions for one in told), people=sum(one.people for one in told),
        value=sum(one.value for one in told), lift=lift_of(*row) if row[0] and row[1] else None,
    )  # fmt: skip


async def list_conversions(
    conn: Connection, campaign_id: int, *, how: How | None, named: bool, before: tuple[datetime, int, int] | None, limit: int
) -> list[Conversion]:
    """The people behind the numbers, newest first."""
    ts, lane, seq = before or (None, 0, 0)
    params: Mapping[str, Any] = {
        "campaign_id": campaign_id, "how": how, "named": named, "before_ts": ts, "before_lane": lane, "before_seq": seq,
        "limit": limit,
    }  # fmt: skip
    async with conn.cursor(row_factory=struct_row(Conversion)) as cur:
        return await (await cur.execute(SQL.list_conversions, params)).fetchall()


def lift_of(told: int, held: int, told_converted: int, held_converted: int) -> Lift:
    """The difference of two shares with its interval. Both groups have somebody."""
    p1, p2 = told_converted / told, held_converted / held
    l1, u1 = wilson(told_converted, told)
    l2, u2 = wilson(held_converted, held)
    difference = p1 - p2
    low = difference - sqrt((p1 - l1) ** 2 + (u2 - p2) ** 2)
    high = difference + sqrt((u1 - p1) ** 2 + (p2 - l2) ** 2)
    return Lift(
        told=told, told_converted=told_converted, held_out=held, held_out_converted=held_converted, told_share=p1,
        held_out_share=p2, difference=difference, low=low, high=high, people=difference * told,
    )  # fmt: skip


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % score interval of a share (E. B. Wilson, 1927)."""
    share, z2 = hits / of, Z95 * Z95
    middle = share + z2 / (2 * of)
    half = Z95 * sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return max(0.0, (middle - half) / (1 + z2 / of)), min(1.0, (middle + half) / (1 + z2 / of))

