"""Trees of every kind and people of every sort, by the choices of a random generator, for the tests of segments."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

from antiphon.awareness.events import PropertyFilter
from antiphon.awareness.events.values import properties_of
from antiphon.awareness.segments.check import Happened, Person
from antiphon.awareness.segments.model import (
    Age,
    Ago,
    And,
    Anniversary,
    Calendar,
    ConsentIs,
    Dates,
    Engagement,
    EventCondition,
    EventTime,
    Fixed,
    InSegment,
    Last,
    Length,
    Lookalike,
    Near,
    Node,
    Not,
    Or,
    Place,
    Profiles,
    Reachable,
    RelativeInstant,
    Sequence,
    Share,
    SinceEvent,
    Span,
    Step,
    Surroundings,
    TraitColumn,
    TraitCondition,
    Window,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOWS = [
    NOW,
    datetime(2024, 2, 29, 0, 30, tzinfo=UTC),
    datetime(2025, 2, 28, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 1, 1, tzinfo=UTC),
]
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)

TRAITS = {
    "plan": TraitColumn("t_plan", "text"),
    'odd "one"': TraitColumn('t_"odd', "text"),
    "age": TraitColumn("t_age", "number"),
    "vip": TraitColumn("t_vip", "boolean"),
    "seen": TraitColumn("t_seen", "instant"),
    "born": TraitColumn("t_born", "date"),
    "tags": TraitColumn("t_tags", "text_list"),
    "timezone": TraitColumn("t_zone", "text"),
    "lat": TraitColumn("t_lat", "number"),
    "lon": TraitColumn("t_lon", "number"),
}
CHANNELS = {"email": "email", "sms": "phone"}
TOPICS = ["news", "offers"]
AROUND = Surroundings(CHANNELS, frozenset(TOPICS), lookalike=True)
WORDS = ["gold", "Gold", "o'neil", "ΣΑΣ", "σας", "İz", "i", "", "ol"]
NUMBERS: list[Any] = [0, 1, 2, 2.5, -1, 0.1, 0.3, 100, 1e-9, 12345678.123456789]
INSTANTS = ["2026-06-01T12:00:00Z", "2026-05-31T12:00:00Z", "2026-05-31T12:00:00.000001Z", "2026-05-31T14:00:00+02:00"]
ZONES = [
    "Europe/Madrid",
    "Pacific/Auckland",
    "Pacific/Kiritimati",
    "Etc/GMT+12",
    "Asia/Kolkata",
    "UTC",
    "Nowhere/None",
    "utc",
    "",
]
BIRTHS = ["1990-02-28", "2008-02-29", "1996-02-29", "2000-03-01", "2025-06-01", "1901-01-01", "2030-01-01", "2000-12-31"]
AGES = [0, 1, 16, 17, 18, 25, 26, 38, 39, 40, 125]
NAMES = ["Ordered", "Opened", "it's"]
DID: list[Any] = ["delivered", "opened", "clicked", "replied", "bounced", "unsubscribed", "complained"]
ANSWERS = ["Email Delivered", "Email Opened", "Email Link Clicked", "Email Replied", "Email Bounced", "Unsubscribed",
           "Email Marked As Spam", "Sms Delivered"]  # fmt: skip
# Values of properties, with those that are nearly numbers or nearly texts.
ODD: list[Any] = [None, True, False, "2.5", "1e3", " 2", "true", 10**19, 10**18, 2**64, 1e300, "-0.10", [], {}, [1], "0x1",
                  "1", "01", -0.0, -1e-12]  # fmt: skip

OFFSETS = [timedelta(), DAY, 2 * DAY, 3 * DAY, timedelta(hours=1), timedelta(hours=2)]
NUDGES = [timedelta(), TICK, -TICK]
PATHS = ["total", "total", "total", "total", "sku", "sku", "a/b", "items.0.n", "items.1.n", "items.n", "missing"]
PLACES = [(0.0, 0.0), (0.0, 0.001), (55.75, 37.61), (55.76, 37.62), (90.0, 12.0), (-90.0, 0.0), (0.0, 180.0), (0.0, -180.0)]
INNER, STATIC = 7, 8  # a segment others may refer to, and a static list
ORDER = ["lt", "le", "gt", "ge", "between"]
TRAIT_OPS = {
    "text": ["is", "is_not", "in", "not_in", "contains", "not_contains", "starts", "ends"],
    "number": ["is", "is_not", "in", "not_in", *ORDER],
    "boolean": ["is", "is_not"],
    "instant": ["is", "is_not", *ORDER],
    "date": ["is", "is_not", "in", "not_in", *ORDER],
    "text_list": ["is", "is_not", "in", "not_in", "all"],
}
FILTER_OPS = ["is", "is_not", "in", "not_in", *ORDER, "contains", "starts", "ends", "set", "not_set"]
COMPARISONS = ["eq", "ne", *ORDER]
EVENT_KINDS = [("count", op) for op in ["did", "did_not", *COMPARISONS]] + [
    (measure, op) for measure in ("distinct", "sum", "avg", "min", "max") for op in COMPARISONS
]
PERIODS: list[Any] = ["day", "week", "month", "quarter", "year"]


class Trees:
    """Trees of any kind, by the choices of ``random``."""

    def __init__(self, random: random.Random, now: datetime = NOW) -> None:
        self.random = random
        self.now = now
        self.pick = random.choice

    def tree(self, depth: int = 3) -> Node:
        kind = self.random.randrange(5 if depth else 2)
        match kind:
            case 0 | 1:
                return self.leaf()
            case 2:
                return Not(of=self.tree(depth - 1))
            case _:
                return (And if kind == 3 else Or)(of=[self.tree(depth - 1) for _ in range(self.random.randrange(4))])

    def leaf(self) -> Node:
        made: Node = self.pick([
            self.event, self.event, self.trait, self.profile, self.profile, self.time, self.sequence, self.sequence,
            self.engagement, self.contact, self.given,
        ])()  # fmt: skip
        return made

    def plain(self) -> Node:
        """A tree that refers to no other."""
        return Or(of=[Not(of=self.event()), And(of=[self.trait(), self.profile()])][: self.random.randrange(3)])

    def given(self) -> Node:
        return self.pick([
            Profiles(ids=[self.random.randrange(40) for _ in range(self.random.randrange(9))]),
            InSegment(id=INNER), InSegment(id=STATIC), Lookalike(id=INNER, percent=self.pick([10.0, 50.0])),
        ])  # fmt: skip

    def relative(self) -> RelativeInstant:
        return RelativeInstant(
            amount=self.random.randrange(4), unit=self.pick(["hours", "days"]), direction=self.pick(["ago", "ahead"])
        )

    def operand(self, kind: str) -> Any:
        match kind:
            case "number":
                return self.pick(NUMBERS)
            case "boolean":
                return self.pick([True, False])
            case "instant":
                return self.pick([*INSTANTS, self.relative()])
            case "date":
                return self.pick([*births(self.now)[:8], self.relative()])
            case _:
                return self.pick(WORDS)

    def trait(self, name: str | None = None, op: Any = None) -> TraitCondition:
        name = name or self.pick(sorted(TRAITS))
        kind = TRAITS[name].type
        op = op or self.pick([*TRAIT_OPS[kind], "set", "not_set"])
        if op in ("set", "not_set"):
            return TraitCondition(trait=name, op=op)
        if op in ("in", "not_in", "all"):
            return TraitCondition(trait=name, op=op, values=[self.operand(kind) for _ in range(self.random.randrange(4))])
        if op == "between":
            return TraitCondition(trait=name, op=op, values=[self.operand(kind), self.operand(kind)])
        value = self.operand(kind)
        return TraitCondition(trait=name, op=op, value=value or ("o" if kind == "text" and "is" not in op else value))

    def compared(self, values: list[int], op: str | None = None) -> dict[str, Any]:
        op = op or self.pick(COMPARISONS)
        low = self.pick(values)
        return {"op": op, "value": low, "high": low + self.random.randrange(4) if op == "between" else None}

    def profile(self) -> Node:
        zone = self.pick(["timezone", "timezone", "plan"])
        match self.random.randrange(5):
            case 0:
                return Age(trait=self.pick(["born", "born", "seen"]), zone=zone, **self.compared(AGES))
            case 1:
                begin = self.random.randrange(-4, 4)
                ends = [begin, begin + 1, begin + 7, min(366, begin + 300), 366]
                return Anniversary(trait=self.pick(["born", "born", "seen"]), zone=zone, begin=begin, end=self.pick(ends))
            case 2:
                return Length(trait="tags", **self.compared([0, 1, 2, 3]))
            case 3:
                latitude, longitude = self.pick(PLACES)
                metres = self.pick([0, 111, 112, 1_000, 1_277, 20_015_115, 10_007_557])
                place = Place(latitude=latitude, longitude=longitude)
                return Near(latitude="lat", longitude="lon", place=place, metres=metres, op=self.pick(["within", "beyond"]))
            case _:
                begin = self.pick([0.0, 10.0, 49.99, 50.0])
                return Share(salt=self.pick(["a", "b'c", "ж"]), begin=begin, end=round(begin + self.pick([0.01, 10, 50]), 2))

    def contact(self) -> Node:
        channel = self.pick(sorted(CHANNELS))
        if self.random.randrange(2):
            return Reachable(channel=channel, topic=self.pick([None, *TOPICS]))
        return ConsentIs(
            channel=channel, topic=self.pick(TOPICS), state=self.pick(["granted", "withdrawn", "pending", "unknown"])
        )

    def filter(self) -> PropertyFilter:
        path, op = self.pick(PATHS), self.pick(FILTER_OPS)
        if op in ("set", "not_set"):
            return PropertyFilter(property=path, op=op)
        if op in ("contains", "starts", "ends"):
            return PropertyFilter(property=path, op=op, value=self.pick(["g", "O", "1", "ru", "σ", "2.5"]))
        values = self.pick([WORDS, NUMBERS, NUMBERS, [True, False], ["2.5", "1", "true", "100"]])
        if op in ORDER:
            values = NUMBERS
        if op == "between":
            return PropertyFilter(property=path, op=op, values=[self.pick(values) for _ in range(2)])
        if op in ("in", "not_in"):
            return PropertyFilter(property=path, op=op, values=[self.pick(values) for _ in range(self.random.randrange(4))])
        return PropertyFilter(property=path, op=op, value=self.pick(values))

    def where(self) -> list[PropertyFilter]:
        return [self.filter() for _ in range(self.pick([0, 0, 0, 0, 0, 0, 1, 1, 2]))]

    def span(self, least: int = 0) -> Span:
        unit: Any = self.pick(["hours", "days"])
        return Span(amount=self.random.randrange(least, 4), unit=unit)

    def instant(self) -> datetime:
        return self.now - self.pick(OFFSETS) + self.pick(NUDGES)

    def fixed(self) -> Fixed:
        match self.random.randrange(6):
            case 0:
                ends = [self.instant() if self.random.randrange(2) else None for _ in range(2)]
                return Dates(since=ends[0], until=ends[1])
            case 1 | 2:
                zone = self.pick(["UTC", "UTC", "Europe/Madrid", "Pacific/Auckland", "America/Sao_Paulo"])
                return Calendar(period=self.pick(PERIODS), which=self.pick(["this", "last"]), zone=zone)
            case 3:
                end = self.pick([None, Span(amount=0, unit="hours"), Span(amount=1, unit="hours"), Span(amount=2, unit="hours")])
                begin = self.pick([Span(amount=1, unit="days"), Span(amount=3, unit="days"), *([] if end is None else [None])])
                return Ago(begin=begin, end=end)
            case _:
                return Last(amount=self.random.randrange(1, 4), unit=self.pick(["hours", "days"]))

    def window(self) -> Window | None:
        match self.random.randrange(6):
            case 0:
                return None
            case 1:
                return SinceEvent(name=self.pick(NAMES), which=self.pick(["first", "last"]), where=self.where())
            case _:
                return self.fixed()

    def event(self, kind: tuple[Any, Any] | None = None) -> EventCondition:
        measure, op = kind or self.pick(EVENT_KINDS)
        compared = op not in ("did", "did_not")
        numbers = self.pick([NUMBERS, [0, 1, 2, 2.5], [0, 1, 2, 2.5]])
        low = self.pick(numbers) if compared else None
        return EventCondition(
            name=self.pick(NAMES),
            op=op,
            where=self.where(),
            window=self.window(),
            measure=measure,
            property=None if measure == "count" else self.pick(PATHS),
            value=low,
            high=self.pick([*numbers, (low or 0) + 10]) if op == "between" else None,
        )

    def during(self, period: Any, which: Any) -> EventCondition:
        return EventCondition(name=self.pick(NAMES), window=Calendar(period=period, which=which))

    def time(self) -> EventTime:
        return EventTime(name=self.pick(NAMES), which=self.pick(["first", "last"]), window=self.fixed(), where=self.where())

    def engagement(self, done: Any = None, op: Any = None) -> Engagement:
        compared = {} if op or self.random.randrange(2) else self.compared([0, 1, 2])
        did = {} if compared else {"op": op or self.pick(["did", "did_not"])}
        return Engagement(
            channel=self.pick(["email", "email", "sms"]), did=done or self.pick(DID), window=self.pick([None, self.fixed()]),
            campaign_id=self.pick([None, None, 1, 2]), template_id=self.pick([None, None, 5]), **compared, **did,
        )  # fmt: skip

    def each(self, times: int) -> list[Node]:
        """So many of every kind of condition."""
        made: list[Node] = []
        for _ in range(times):
            made += [self.event(kind) for kind in EVENT_KINDS for _ in range(2)]
            made += [self.during(period, which) for period in PERIODS for which in ("this", "last")]
            made += [self.engagement(did, op) for did in DID for op in ("did", "did_not")]
            made += [self.trait(name, op) for name in ("plan", "born", "tags", "age") for op in TRAIT_OPS[TRAITS[name].type]]
            made += [self.trait(), self.trait("vip"), self.trait(op="set"), self.trait(op="not_set")]
            made += [Age(trait="born", **self.compared(AGES, op)) for op in COMPARISONS]
            made += [Length(trait="tags", **self.compared([0, 1, 2], op)) for op in COMPARISONS]
            for kind, many in ((self.profile, 8), (self.contact, 8), (self.time, 8), (self.sequence, 24), (self.given, 3)):
                made += [kind() for _ in range(many)]
        return made

    def sequence(self) -> Sequence:
        steps = [Step(name=self.pick(NAMES), where=self.where())]
        for _ in range(self.pick([1, 1, 2, 2, 3])):
            absent = self.random.randrange(5) < 2
            least = None if absent or self.random.randrange(2) else self.span()
            most = self.span(1) if self.random.randrange(2) else None
            if least and most and least.length > most.length:
                least, most = most, least
            steps.append(Step(name=self.pick(NAMES), where=self.where(), at_least=least, at_most=most, absent=absent))
        window = self.fixed() if self.random.randrange(2) else None
        return Sequence(steps=steps, window=window, at_most=self.span(1) if self.random.randrange(3) == 0 else None)


def births(now: datetime) -> list[str]:
    """Dates near an anniversary at ``now``, wherever somebody lives, and odd ones."""
    today = now.date()
    near = [today + timedelta(days=days) for days in (-1, 0, 1, 2)]
    years = (1986, 2008)
    return [
        *(day.isoformat() for day in near[:3]),
        *(date(year, day.month, min(day.day, 28)).isoformat() for year in years for day in near),
        *BIRTHS,
    ]


class Crowd:
    """People by a seed: rich and plentiful, so that few trees find nobody and few find all."""

    def __init__(self, seed: int, now: datetime = NOW) -> None:
        self.random = random.Random(seed)
        self.now = now
        self.births = births(now)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        starts = [midnight, midnight - DAY * now.weekday(), midnight.replace(day=1), midnight.replace(day=1, month=1)]
        zones = [timedelta(), timedelta(hours=2), timedelta(hours=-11), timedelta(hours=1)]
        self.edges = [at - zone for at in starts for zone in zones]

    def scalar(self) -> Any:
        return self.random.choice(self.random.choice([WORDS, NUMBERS, NUMBERS, ODD]))

    def some(self, most: int) -> range:
        return range(self.random.randint(0, most))

    def traits(self) -> dict[str, Any]:
        pick = self.random.choice
        latitude, longitude = pick([*PLACES, (91.0, 0.0), (0.0, 181.0)])
        made = {
            "plan": pick(WORDS), 'odd "one"': pick(WORDS), "age": pick(NUMBERS), "vip": pick([True, False]),
            "seen": pick([*INSTANTS, f"{pick(self.births)}T23:30:00Z"]), "born": pick(self.births),
            "tags": [pick(WORDS) for _ in self.some(3)], "timezone": pick(ZONES), "lat": latitude, "lon": longitude,
        }  # fmt: skip
        return {name: value for name, value in made.items() if self.random.random() < 0.8}

    def instant(self) -> datetime:
        if self.random.random() < 0.2:
            return self.random.choice(self.edges) + self.random.choice(NUDGES)
        return self.now - self.random.choice(OFFSETS) + self.random.choice(NUDGES)

    def event(self) -> Happened:
        made = {
            "total": self.scalar(),
            "sku": self.scalar(),
            "a/b": self.scalar(),
            "items": [{"n": self.scalar()} for _ in self.some(2)],
        }
        kept = {name: value for name, value in made.items() if self.random.random() < 0.8}
        return Happened(self.instant(), self.random.choice(NAMES), properties_of(json.dumps(kept)))

    def answer(self) -> Happened:
        pick = self.random.choice
        made = {"campaign_id": pick([1, 2]), "template_id": pick([5, 6]), "channel": pick(["email", "sms"])}
        return Happened(self.instant(), pick(ANSWERS), {key: one for key, one in made.items() if self.random.random() < 0.9})

    def people(self, listed: set[int]) -> list[Person]:
        return [self.person(i, listed) for i in range(1, 31)]

    def person(self, i: int, listed: set[int]) -> Person:
        pick = self.random.choice
        addresses = {channel: pick(["a", "b", "c"]) + str(i) for channel in CHANNELS if self.random.random() < 0.7}
        return Person(
            i,
            self.traits(),
            [self.event() for _ in self.some(12)] + [self.answer() for _ in self.some(8)],
            frozenset({STATIC} if i in listed else ()),
            consents={
                (channel, topic): pick(["granted", "granted", "withdrawn", "pending"])
                for channel in CHANNELS for topic in TOPICS if self.random.random() < 0.7
            },
            addresses=addresses,
            suppressed=frozenset(channel for channel in addresses if self.random.random() < 0.3),
            alike=frozenset((INNER, share) for share in (10.0, 50.0) if i % 10 < share / 10),
        )  # fmt: skip
