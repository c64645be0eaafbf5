"""What a tree means, said as simply as can be: slow, and sharing nothing with the two ways that answer for real.

Only how a property is read as a number or a text is shared (`events.values`), which has its own test against the lake.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from antiphon.awareness.events import PropertyFilter
from antiphon.awareness.events.values import dig, lower, number, text
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
    InSegment,
    Last,
    Length,
    Lookalike,
    Near,
    Node,
    Not,
    Or,
    Profiles,
    Reachable,
    RelativeInstant,
    Sequence,
    Share,
    SinceEvent,
    Step,
    TraitColumn,
    TraitCondition,
    Window,
)
from antiphon.awareness.traits import typed

UNITS = {"minutes": 60, "hours": 3600, "days": 86400, "weeks": 604800}
WORDS = {"delivered": "Delivered", "opened": "Opened", "clicked": "Link Clicked", "replied": "Replied",
         "bounced": "Bounced", "complained": "Marked As Spam"}  # fmt: skip
ZONES = available_timezones() - {"localtime"}


def seconds(span: Any) -> timedelta:
    return timedelta(seconds=span.amount * UNITS[span.unit])


class Reference:
    """Trees for persons at one instant."""

    def __init__(self, now: datetime, traits: Mapping[str, TraitColumn], segments: Mapping[int, Node | None]) -> None:
        self.now = now
        self.traits = traits
        self.segments = segments

    def holds(self, node: Node, one: Person) -> bool:
        match node:
            case And():
                return not [part for part in node.of if not self.holds(part, one)]
            case Or():
                return bool([part for part in node.of if self.holds(part, one)])
            case Not():
                return not self.holds(node.of, one)
            case InSegment():
                tree = self.segments[node.id]
                return node.id in one.lists if tree is None else self.holds(tree, one)
            case Profiles():
                return one.id in set(node.ids)
            case Lookalike():
                return (node.id, node.percent) in one.alike
            case TraitCondition():
                return self.trait(node, one)
            case Age():
                born = self.day(one, node.trait)
                return born is not None and self.age(node, born, self.today(one, node.zone))
            case Anniversary():
                born, today = self.day(one, node.trait), self.today(one, node.zone)
                days = [today + timedelta(days=n) for n in range(node.begin, node.end + 1)]
                return born is not None and any(anniversary(born, day) for day in days)
            case Length():
                tags = one.traits.get(node.trait)
                return tags is not None and compare(node.op, len(tags), node.value, node.high)
            case Near():
                return near(node, one.traits.get(node.latitude), one.traits.get(node.longitude))
            case Share():
                digits = hashlib.md5(f"{node.salt}:{one.id}".encode()).hexdigest()
                return node.begin * 100 - 0.5 < int(digits[:8], 16) % 10_000 < node.end * 100 - 0.5
            case ConsentIs():
                return one.consents.get((node.channel, node.topic), "unknown") == node.state
            case Reachable():
                agreed = node.topic is None or one.consents.get((node.channel, node.topic)) == "granted"
                return node.channel in one.addresses and node.channel not in one.suppressed and agreed
            case EventCondition():
                return self.event(node, one)
            case Engagement():
                return self.event(engaged(node), one)
            case EventTime():
                times = [event.ts for event in self.of(node.name, node.where, one)]
                at = (min(times) if node.which == "first" else max(times)) if times else None
                return at is not None and self.inside(node.window, at, one)
            case Sequence():
                return any(True for _ in self.chains(node, one))
        raise AssertionError(node)

    def of(self, name: str, where: list[PropertyFilter], one: Person) -> list[Happened]:
        """The events of a name until now for which all of ``where`` holds."""
        return [e for e in one.events if e.name == name and e.ts <= self.now and all(passes(f, e.properties) for f in where)]

    def event(self, node: EventCondition, one: Person) -> bool:
        found = [e for e in self.of(node.name, node.where, one) if self.inside(node.window, e.ts, one)]
        if node.op in ("did", "did_not"):
            return bool(found) is (node.op == "did")
        if node.measure == "count":
            return compare(node.op, len(found), number(node.value), number(node.high))
        values = [dig(e.properties, node.property or "") for e in found]
        if node.measure == "distinct":
            return compare(node.op, len(different(values)), number(node.value), number(node.high))
        numbers = [Fraction(exact) for exact in map(number, values) if exact is not None]
        if not numbers and node.measure != "sum":
            return False
        measured = {
            "sum": lambda: sum(numbers, Fraction()), "avg": lambda: sum(numbers, Fraction()) / len(numbers),
            "min": lambda: sorted(numbers)[0], "max": lambda: sorted(numbers)[-1],
        }[node.measure]()  # fmt: skip
        return compare(node.op, measured, number(node.value), number(node.high))

    def inside(self, window: Window | None, at: datetime, one: Person) -> bool:
        now = self.now
        match window:
            case None:
                return True
            case Last():
                return now - seconds(window) < at
            case Ago():
                after = window.begin is None or now - seconds(window.begin) < at
                return after and (window.end is None or at <= now - seconds(window.end))
            case Dates():
                return (window.since is None or window.since <= at) and (window.until is None or at < window.until)
            case Calendar():
                return period(window, at) == period(window, now) - (window.which == "last")
            case SinceEvent():
                marks = sorted(e.ts for e in self.of(window.name, window.where, one))
                return bool(marks) and at > marks[0 if window.which == "first" else -1]
        raise AssertionError(window)

    def chains(self, node: Sequence, one: Person) -> Iterator[list[datetime]]:
        """Every choice of events for the steps that are done, tried one by one."""

        def extend(place: int, chosen: list[datetime], absent: list[tuple[datetime, Step]]) -> Iterator[list[datetime]]:
            if place == len(node.steps):
                open_ended = [(at, step) for at, step in absent if step.at_most is None]
                short = node.at_most is None or chosen[-1] - chosen[0] <= seconds(node.at_most)
                if short and not any(at < e.ts for at, step in open_ended for e in self.of(step.name, step.where, one)):
                    yield chosen
                return
            step = node.steps[place]
            if step.absent:
                if step.at_most is not None:
                    until = chosen[-1] + seconds(step.at_most)
                    if until > self.now or any(chosen[-1] < e.ts <= until for e in self.of(step.name, step.where, one)):
                        return
                yield from extend(place + 1, chosen, [*absent, (chosen[-1], step)])
                return
            for event in self.of(step.name, step.where, one):
                if not self.inside(node.window, event.ts, one) or (chosen and event.ts <= chosen[-1]):
                    continue
                gap = event.ts - chosen[-1] if chosen else timedelta()
                if chosen and step.at_least is not None and gap < seconds(step.at_least):
                    continue
                if chosen and step.at_most is not None and gap > seconds(step.at_most):
                    continue
                unwanted = [(at, bad) for at, bad in absent if bad.at_most is None]
                if any(at < e.ts < event.ts for at, bad in unwanted for e in self.of(bad.name, bad.where, one)):
                    continue
                yield from extend(place + 1, [*chosen, event.ts], [])

        return extend(0, [], [])

    def trait(self, node: TraitCondition, one: Person) -> bool:
        kind = self.traits[node.trait].type
        value = typed(one.traits.get(node.trait), kind)
        operands = [self.operand(v, kind) for v in ([node.value] if node.value is not None else []) + node.values]
        if node.op in ("set", "not_set"):
            return (value is not None) is (node.op == "set")
        if node.op in ("is_not", "not_in", "not_contains"):
            return value is None or not self.positive(node.op.replace("is_not", "is").replace("not_", ""), value, operands)
        return value is not None and self.positive(node.op, value, operands)

    def positive(self, op: str, value: Any, operands: list[Any]) -> bool:
        held = set(value) if isinstance(value, list) else {value}
        match op:
            case "is" | "in":
                return bool(held & set(operands))
            case "all":
                return held >= set(operands)
            case "contains":
                return lower(operands[0]) in lower(value)
            case "starts":
                return lower(value)[: len(lower(operands[0]))] == lower(operands[0])
            case "ends":
                return lower(value)[::-1][: len(lower(operands[0]))] == lower(operands[0])[::-1]
            case _:
                return compare(op, value, operands[0], operands[-1])

    def operand(self, value: Any, kind: str) -> Any:
        if isinstance(value, RelativeInstant):
            at = self.now - seconds(value) if value.direction == "ago" else self.now + seconds(value)
            return at.date() if kind == "date" else at
        return typed(value, kind) if kind != "text_list" else value  # type: ignore[arg-type]

    def day(self, one: Person, trait: str) -> date | None:
        value = typed(one.traits.get(trait), self.traits[trait].type)
        return value.date() if isinstance(value, datetime) else value

    def today(self, one: Person, trait: str) -> date:
        zone = one.traits.get(trait)
        return self.now.astimezone(ZoneInfo(zone) if zone in ZONES else UTC).date()

    def age(self, node: Age, born: date, today: date) -> bool:
        years = sum(1 for year in range(born.year + 1, today.year + 1) if in_year(born, year) <= today)
        return born <= today and compare(node.op, years, node.value, node.high)


def in_year(born: date, year: int) -> date:
    """The day of a year on which somebody is a year older."""
    leap_day = (born.month, born.day) == (2, 29)
    is_leap = (date(year, 3, 1) - timedelta(days=1)).day == 29
    return date(year, 3, 1) if leap_day and not is_leap else date(year, born.month, born.day)


def anniversary(born: date, day: date) -> bool:
    return day.year > born.year and in_year(born, day.year) == day


def near(node: Near, latitude: Any, longitude: Any) -> bool:
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return False
    a, b, c, d = map(math.radians, (latitude, longitude, node.place.latitude, node.place.longitude))
    straight = math.dist(*[[math.cos(x) * math.cos(y), math.cos(x) * math.sin(y), math.sin(x)] for x, y in ((a, b), (c, d))])
    away = round(2 * math.asin(min(1, straight / 2)) * 6371008.8)
    return (away <= node.metres) is (node.op == "within")


def period(window: Calendar, at: datetime) -> int:
    """The number of the period an instant is in, counted from some first one."""
    day = at.astimezone(ZoneInfo(window.zone)).date()
    return {
        "day": day.toordinal(), "week": (day.toordinal() - 1) // 7, "month": day.year * 12 + day.month,
        "quarter": day.year * 4 + (day.month - 1) // 3, "year": day.year,
    }[window.period]  # fmt: skip


def compare(op: str, left: Any, right: Any, high: Any = None) -> bool:
    if op == "between":
        return not left < right and not left > high
    return {
        "eq": left == right, "is": left == right, "ne": left != right, "lt": left < right, "gt": left > right,
        "le": not left > right, "ge": not left < right,
    }[op]  # fmt: skip


def different(values: list[Any]) -> set[str]:
    found = set()
    for value in values:
        if (shown := text(value)) is None and (exact := number(value)) is not None:
            shown = str(int(exact)) if exact == int(exact) else str(exact.normalize().quantize(exact.normalize()))
            shown = f"{exact.normalize():f}" if "E" in shown else shown
        found |= {shown} if shown is not None else set()
    return found


def passes(one: PropertyFilter, properties: dict[str, Any]) -> bool:
    value = dig(properties, one.property)
    operands = one.values if one.value is None else [one.value]
    if one.op in ("set", "not_set"):
        return (value is None) is (one.op == "not_set")
    if one.op in ("contains", "starts", "ends"):
        shown = text(value)
        if shown is None:
            return False
        shown, part = lower(shown), lower(str(operands[0]))
        return {"contains": part in shown, "starts": shown.startswith(part), "ends": shown.endswith(part)}[one.op]
    if one.op in ("is", "is_not", "in", "not_in"):
        return any(same(value, operand) for operand in operands) is (one.op in ("is", "in"))
    exact, wanted = number(value), [number(operand) for operand in operands]
    return exact is not None and compare(one.op, exact, wanted[0], wanted[-1])


def same(value: Any, operand: Any) -> bool:
    if isinstance(operand, bool):
        return value is operand
    if isinstance(operand, str):
        return text(value) == operand
    return number(value) is not None and number(value) == number(operand)


def engaged(node: Engagement) -> EventCondition:
    where = [] if node.did != "unsubscribed" else [PropertyFilter(property="channel", op="is", value=node.channel)]
    if node.campaign_id:
        where.append(PropertyFilter(property="campaign_id", op="is", value=node.campaign_id))
    if node.template_id:
        where.append(PropertyFilter(property="template_id", op="is", value=node.template_id))
    name = "Unsubscribed" if node.did == "unsubscribed" else f"{node.channel.title()} {WORDS[node.did]}"
    return EventCondition(name=name, op=node.op, where=where, value=node.value, high=node.high, window=node.window)
