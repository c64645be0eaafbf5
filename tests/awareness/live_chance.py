"""Trees and lives made up at random."""


from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.awareness.live_world import NAMES

from antiphon.awareness.segments import (
    And,
    EventCondition,
    InSegment,
    Last,
    Not,
    Or,
    Profiles,
    PropertyFilter,
    TraitCondition,
)
from antiphon.awareness.segments.kinds import (
    Age,
    Anniversary,
    ConsentIs,
    Engagement,
    EventTime,
    Length,
    Near,
    Place,
    Reachable,
    Sequence as Ordered,
    Share,
    Step,
)
from antiphon.awareness.segments.model import Node, RelativeInstant
from antiphon.awareness.segments.windows import Ago, Calendar, Dates, SinceEvent, Span, Window

DAY, HOUR, TICK = timedelta(days=1), timedelta(hours=1), timedelta(microseconds=1)


class Chance:
    """Trees and lives at random."""

    def __init__(self, choices: random.Random, now: datetime) -> None:
        self.random = choices
        self.now = now

    def tree(self, depth: int, people: Sequence[int], segments: Sequence[int]) -> Node:
        roll = self.random.random()
        if depth == 0 or roll < 0.55:
            return self.leaf(people, segments)
        if roll < 0.65:
            return Not(of=self.tree(depth - 1, people, segments))
        parts = [self.tree(depth - 1, people, segments) for _ in range(self.random.randint(1, 3))]
        return And(of=parts) if roll < 0.85 else Or(of=parts)

    def leaf(self, people: Sequence[int], segments: Sequence[int]) -> Node:
        r = self.random
        roll = r.random()
        if roll < 0.45:
            return self.event()
        if roll < 0.62:
            return self.odd()
        if roll < 0.85:
            return self.trait()
        if roll < 0.88 and segments:
            return InSegment(id=r.choice(segments))
        if roll < 0.9:
            return Profiles(ids=r.sample(list(people), min(3, len(people))))
        return r.choice([
            Share(salt="a", begin=0, end=50), Length(trait="tags", op="ge", value=r.randint(0, 2)),
            Near(latitude="lat", longitude="lon", place=Place(latitude=0, longitude=0), metres=200_000),
            Age(trait="born", op="ge", value=r.randint(29, 31)), Anniversary(trait="born", begin=0, end=r.randint(0, 2)),
        ])  # fmt: skip

    def odd(self) -> Node:
        """A condition that looks at each person alone, or beyond profile and events."""
        r = self.random
        since = SinceEvent(name=r.choice(NAMES), which=r.choice(["first", "last"]))
        op = r.choice(["did", "did_not", "eq", "ge"])
        span = Span(amount=r.choice([5, 24, 48]), unit="hours")
        return r.choice([
            EventCondition(name=r.choice(NAMES), window=since, op=op, value=None if op.startswith("did") else 1),
            EventCondition(name=r.choice(NAMES), op=r.choice(["ge", "lt", "eq"]), value=r.randint(1, 3), measure="distinct",
                           property=r.choice(["kind", "total"]), window=r.choice([None, Last(amount=2, unit="days")])),
            EventTime(name=r.choice(NAMES), which=r.choice(["first", "last"]), where=self.where(),
                      window=r.choice([Last(amount=2, unit="days"), Ago(begin=Span(amount=3, unit="days"), end=span)])),
            Ordered(steps=[Step(name=r.choice(NAMES)), Step(name=r.choice(NAMES), at_most=span, where=self.where())],
                     window=r.choice([None, Last(amount=3, unit="days")])),
            Ordered(steps=[Step(name=r.choice(NAMES)), Step(name=r.choice(NAMES), absent=True, at_most=span)]),
            Engagement(channel="email", did="opened", op="ge", value=1, campaign_id=r.choice([None, 1])),
            ConsentIs(channel="email", topic="news", state=r.choice(["granted", "withdrawn", "unknown"])),
            Reachable(channel="email", topic=r.choice([None, "news"])),
        ])  # fmt: skip

    def where(self) -> list[PropertyFilter]:
        r = self.random
        return [] if r.random() < 0.5 else [PropertyFilter(property=r.choice(["kind", "total"]), op=r.choice(["is", "is_not", "set"][:2]), value="p")]

    def trait(self) -> Node:
        r = self.random
        ago = RelativeInstant(amount=r.randint(1, 3), unit="days", direction=r.choice(["ago", "ahead"]))
        return r.choice([
            TraitCondition(trait="plan", op=r.choice(["is", "is_not"]), value=r.choice("abc")),
            TraitCondition(trait="plan", op=r.choice(["set", "not_set"])),
            TraitCondition(trait="visits", op=r.choice(["ge", "lt"]), value=r.randint(0, 3)),
            TraitCondition(trait="vip", op="is", value=True),
            TraitCondition(trait="tags", op=r.choice(["is", "is_not"]), value=r.choice("xy")),
            TraitCondition(trait="since", op=r.choice(["ge", "lt", "le", "gt", "is"]), value=ago),
            TraitCondition(trait="born", op=r.choice(["is", "lt"]), value=ago),
            TraitCondition(trait="$created_at", op="lt", value=ago),
        ])  # fmt: skip

    def event(self) -> EventCondition:
        r = self.random
        where = [] if r.random() < 0.6 else [PropertyFilter(property="kind", op=r.choice(["is", "is_not"]), value=r.choice("pq"))]
        if r.random() < 0.2:
            where.append(PropertyFilter(property="total", op="gt", value=r.choice([0, 1.5, 10])))
        measure = r.choice(["count", "count", "count", "sum", "avg", "min", "max"])
        op = r.choice(["did", "did_not", "eq", "ne", "lt", "le", "gt", "ge", "between"])
        if measure != "count" and op in ("did", "did_not"):
            op = "ge"
        value = None if op in ("did", "did_not") else r.choice([0, 1, 2, 1.5, -3, 4_000_000_000])
        return EventCondition(
            name=r.choice(NAMES), op=op, where=where, window=self.window(), measure=measure,
            property=None if measure == "count" else r.choice(["total", "deep.n"]), value=value, high=3 if op == "between" else None,
        )  # fmt: skip

    def window(self) -> Window | None:
        r = self.random
        return r.choice([
            None, Last(amount=r.randint(1, 3), unit="days"), Last(amount=r.randint(1, 30), unit="hours"),
            Dates(since=self.now - DAY), Dates(until=self.now + DAY),
            Ago(begin=Span(amount=3, unit="days"), end=Span(amount=1, unit="days")), Ago(end=Span(amount=5, unit="hours")),
            Calendar(period=r.choice(["day", "week", "month"]), which=r.choice(["this", "last"]), zone=r.choice(["UTC", "Asia/Kathmandu"])),
        ])  # fmt: skip

    def traits(self) -> dict[str, Any]:
        r = self.random
        made = {
            "plan": r.choice(["a", "b", "c", None, 7]), "visits": r.choice([0, 1, 2.5, "3", "x", None]), "vip": r.choice([True, False, "true"]),
            "since": (self.now + timedelta(hours=r.choice([-72, -48, -24, 0, 24, 48, r.randint(-90, 90)]))).isoformat(),
            "born": r.choice(["1996-06-02", "1995-06-03", "2026-06-01", "2026-05-31", "2026-06-03"]), "tags": r.choice([["x"], ["x", "y"], [], "y"]),
            "lat": r.choice([0, 1, 2, None]), "lon": r.choice([0, 1.0, None]),
            "timezone": r.choice(["Asia/Kathmandu", "America/New_York", "nowhere"]),
        }  # fmt: skip
        return {name: value for name, value in made.items() if r.random() < 0.7}

    def said(self) -> dict[str, Any]:
        r = self.random
        made = {
            "kind": r.choice(["p", "q", 1, None]), "total": r.choice([1, 1.5, "2", "x", -3, 0.000000001, 5_000_000_000, 1e-7, True]),
            "campaign_id": r.choice([1, 2]), "deep": {"n": r.choice([1, 2, 1e9, 0.1])},
        }  # fmt: skip
        return {name: value for name, value in made.items() if r.random() < 0.8}

    def instant(self, now: datetime) -> datetime:
        """When an event was: now, lately, long ago or ahead; often just at an edge."""
        r = self.random
        hours = r.choice([0, 0, 0, -1, -24, -48, -72, -5, 24, 48, -r.randint(0, 2000), r.randint(0, 60)])
        return now + timedelta(hours=hours) + r.choice([-TICK, timedelta(), timedelta(), TICK])
