"""A campaign's report: numbers that add up, each of which is a list of people in the ledger."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import msgspec

from antiphon.execution.campaigns import store
from antiphon.execution.campaigns.model import Campaign
from antiphon.execution.delivery import REASONS
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection, Jsonb, load_queries, struct_row

SQL = load_queries(Path(__file__).with_name("report.sql"))
QUICK = 0.2
"""Seconds: what takes no longer is worked out each time."""
REST = 50
"""What took longer is shown for so many times as long before it is worked out again."""
LONGEST = timedelta(minutes=30)
T = TypeVar("T")


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger rows of a campaign that share channel, state and reason."""

    hop: int
    channel: str
    state: str
    reason: str | None
    is_last: bool
    people: int
    passed: int
    sent: int
    opened: int
    clicked: int
    replied: int
    unsubscribed: int
    complained: int
    bounced: int
    opens: int
    clicks: int
    cost_micros: int


class ReasonCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many people share a reason."""

    reason: str
    title: str
    people: int


class Reaction(msgspec.Struct, frozen=True, kw_only=True):
    """How many people reacted within this many hours of their message, for the first time, all told."""

    hours: int
    opened: int
    clicked: int
    replied: int
    unsubscribed: int


class HopReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one channel of a campaign: `messages` were to go by it, `refused` of them the gate kept back."""

    hop: int
    channel: str
    messages: int
    refused: int
    waiting: int
    sent: int
    delivered: int
    failed: int
    opened: int
    clicked: int
    replied: int
    unsubscribed: int
    cost_micros: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an audience.

    ``audience = undecided + waiting + sent + suppressed + cancelled + failed + unknown`` at every moment; at the end of
    a campaign nobody is undecided or waiting. ``queued`` passed the gate. ``sent`` counts what the other side accepted,
    delivered and bounced included; ``failed`` includes what came too late. Of somebody written to by several channels the last
    one counts; ``opened`` and what follows count messages of all of them, as ``by_hop`` does. As of ``as_of``.
    """

    as_of: datetime
    audience: int
    undecided: int
    queued: int
    waiting: int
    sent: int
    suppressed: int
    cancelled: int
    failed: int
    unknown: int
    delivered: int
    bounced: int
    opened: int
    clicked: int
    replied: int
    unsubscribed: int
    complained: int
    opens: int
    clicks: int
    cost_micros: int
    suppressed_by: list[ReasonCount]
    failed_by: list[ReasonCount]
    by_hop: list[HopReport]
    reaction: list[Reaction]


WAITING = frozenset({"planned", "queued", "claimed", "speaking"})
SENT = frozenset({"sent", "delivered", "bounced"})
FAILED = frozenset({"failed", "expired", "unknown"})


async def read_report(ctx: Context, conn: Connection, campaign: Campaign) -> Report:
    """The numbers as the ledger has them now."""
    size, taken = await store.find_progress(conn, campaign.id)
    (chained,) = await (await conn.execute(SQL.is_chained, {"campaign_id": campaign.id})).fetchone() or (False,)
    params = {"campaign_id": campaign.id, "chained": chained or bool(campaign.hops)}
    async with conn.cursor(row_factory=struct_row(Group)) as cur:
        groups = await (await cur.execute(SQL.report, params)).fetchall()
    reaction = await (await conn.execute(SQL.reaction, params)).fetchall()
    return report_of(groups, size - taken, reaction, ctx.clock.now())


async def kept_or(
    ctx: Context, conn: Connection, campaign_id: int, part: str, kind: type[T], work: Callable[[], Awaitable[T]]
) -> T:
    """A part of a report: as it is now where that is quick, else as it was a moment ago, the longer it takes the longer."""
    now = ctx.clock.now()
    row = await (await conn.execute(SQL.kept, {"campaign_id": campaign_id, "part": part})).fetchone()
    if row is not None:
        as_of, took_ms, body = row
        if as_of <= now < as_of + min(LONGEST, REST * timedelta(milliseconds=took_ms)):
            return msgspec.convert(body, kind, strict=False)
    began = time.monotonic()
    found = await work()
    took = time.monotonic() - began
    if took > QUICK:
        params = {
            "campaign_id": campaign_id, "part": part, "now": now, "took_ms": int(took * 1000),
            "body": Jsonb(msgspec.to_builtins(found)),
        }  # fmt: skip
        await conn.execute(SQL.keep, params)
    return found


def report_of(groups: Sequence[Group], undecided: int, reaction: Sequence[tuple[str, int, int]], as_of: datetime) -> Report:
    """The same from rows: pure."""
    last = [g for g in groups if g.is_last]
    return Report(
        as_of=as_of,
        audience=undecided + sum(g.people for g in last),
        undecided=undecided,
        queued=sum(g.passed for g in groups if g.hop == 0),
        waiting=_people(last, WAITING),
        sent=_people(last, SENT),
        suppressed=_people(last, {"suppressed"}),
        cancelled=_people(last, {"cancelled"}),
        failed=_people(last, {"failed", "expired"}),
        unknown=_people(last, {"unknown"}),
        delivered=_people(last, {"delivered"}),
        bounced=_people(last, {"bounced"}),
        opened=sum(g.opened for g in groups),
        clicked=sum(g.clicked for g in groups),
        replied=sum(g.replied for g in groups),
        unsubscribed=sum(g.unsubscribed for g in groups),
        complained=sum(g.complained for g in groups),
        opens=sum(g.opens for g in groups),
        clicks=sum(g.clicks for g in groups),
        cost_micros=sum(g.cost_micros for g in groups),
        suppressed_by=_by_reason(g for g in last if g.state == "suppressed"),
        failed_by=_by_reason(g for g in last if g.state in FAILED),
        by_hop=_by_hop(groups),
        reaction=_curve(reaction),
    )


def _people(groups: Iterable[Group], states: Iterable[str]) -> int:
    return sum(g.people for g in groups if g.state in states)


def _by_reason(groups: Iterable[Group]) -> list[ReasonCount]:
    counts: dict[str, int] = {}
    for group in groups:
        code = group.reason or ""
        counts[code] = counts.get(code, 0) + group.people
    return [
        ReasonCount(reason=code, title=REASONS[code].title if code in REASONS else code, people=people)
        for code, people in sorted(counts.items(), key=lambda item: -item[1])
    ]


def _by_hop(groups: Sequence[Group]) -> list[HopReport]:
    found = []
    for hop, channel in sorted({(g.hop, g.channel) for g in groups}):
        of = [g for g in groups if (g.hop, g.channel) == (hop, channel)]
        found.append(HopReport(
            hop=hop, channel=channel, messages=sum(g.people for g in of), refused=_people(of, {"suppressed"}),
            waiting=_people(of, WAITING), sent=_people(of, SENT), delivered=_people(of, {"delivered"}),
            failed=_people(of, FAILED),
            opened=sum(g.opened for g in of), clicked=sum(g.clicked for g in of), replied=sum(g.replied for g in of),
            unsubscribed=sum(g.unsubscribed for g in of), cost_micros=sum(g.cost_micros for g in of),
        ))  # fmt: skip
    return found


def _curve(rows: Sequence[tuple[str, int, int]]) -> list[Reaction]:
    """Cumulative counts by hour; hours in which nothing happened are left out."""
    totals = {"opened": 0, "clicked": 0, "replied": 0, "unsubscribed": 0}
    by_hour: dict[int, list[tuple[str, int]]] = {}
    for kind, hour, people in rows:
        by_hour.setdefault(hour + 1, []).append((kind, people))
    curve: list[Reaction] = []
    for hours in sorted(by_hour):
        for kind, people in by_hour[hours]:
            totals[kind] += people
        curve.append(Reaction(hours=hours, **totals))
    return curve
