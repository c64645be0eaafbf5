"""A campaign's report: numbers that add up, each of which is a list of people in the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from antiphon.execution.campaigns import store
from antiphon.execution.campaigns.store import Group
from antiphon.execution.delivery import REASONS
from antiphon.foundation.postgres import Connection


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
    unsubscribed: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an audience.

    ``audience = undecided + waiting + sent + suppressed + cancelled + failed + unknown`` at every moment; at the end of
    a campaign nobody is undecided or waiting. ``queued`` passed the gate. ``sent`` counts what the other side accepted,
    delivered and bounced included; ``failed`` includes what came too late.
    """

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
    unsubscribed: int
    complained: int
    opens: int
    clicks: int
    suppressed_by: list[ReasonCount]
    failed_by: list[ReasonCount]
    reaction: list[Reaction]


WAITING = frozenset({"planned", "queued", "claimed", "speaking"})
SENT = frozenset({"sent", "delivered", "bounced"})


async def read_report(conn: Connection, campaign_id: int) -> Report:
    """The numbers as the ledger has them now."""
    size, taken = await store.find_progress(conn, campaign_id)
    groups = await store.report_groups(conn, campaign_id)
    return report_of(groups, size - taken, await store.reaction(conn, campaign_id))


def report_of(groups: Sequence[Group], undecided: int, reaction: Sequence[tuple[str, int, int]]) -> Report:
    """The same from rows: pure."""
    decided = sum(g.people for g in groups)
    return Report(
        audience=undecided + decided,
        undecided=undecided,
        queued=sum(g.passed for g in groups),
        waiting=_people(groups, WAITING),
        sent=_people(groups, SENT),
        suppressed=_people(groups, {"suppressed"}),
        cancelled=_people(groups, {"cancelled"}),
        failed=_people(groups, {"failed", "expired"}),
        unknown=_people(groups, {"unknown"}),
        delivered=_people(groups, {"delivered"}),
        bounced=_people(groups, {"bounced"}),
        opened=sum(g.opened for g in groups),
        clicked=sum(g.clicked for g in groups),
        unsubscribed=sum(g.unsubscribed for g in groups),
        complained=sum(g.complained for g in groups),
        opens=sum(g.opens for g in groups),
        clicks=sum(g.clicks for g in groups),
        suppressed_by=_by_reason(g for g in groups if g.state == "suppressed"),
        failed_by=_by_reason(g for g in groups if g.state in ("failed", "expired", "unknown")),
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


def _curve(rows: Sequence[tuple[str, int, int]]) -> list[Reaction]:
    """Cumulative counts by hour; hours in which nothing happened are left out."""
    totals = {"opened": 0, "clicked": 0, "unsubscribed": 0}
    by_hour: dict[int, list[tuple[str, int]]] = {}
    for kind, hour, people in rows:
        by_hour.setdefault(hour + 1, []).append((kind, people))
    curve: list[Reaction] = []
    for hours in sorted(by_hour):
        for kind, people in by_hour[hours]:
            totals[kind] += people
        curve.append(Reaction(hours=hours, **totals))
    return curve
