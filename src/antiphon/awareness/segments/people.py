"""Conditions on the row of one profile: ages, anniversaries, lengths, distances, shares; in SQL and for one person."""

import hashlib
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, assert_never

from antiphon.awareness.events.properties import literal
from antiphon.awareness.segments.kinds import Age, Anniversary, Length, Near, OfProfile, Share
from antiphon.awareness.segments.model import TraitColumn
from antiphon.awareness.segments.person import Person
from antiphon.awareness.segments.sql import identifier
from antiphon.awareness.segments.zones import by_local_day, local_day
from antiphon.awareness.traits import typed

Traits = Mapping[str, TraitColumn]

RADIUS = 6_371_008.8
DEGREE = 0.017453292519943295
PARTS = 10_000
"""Shares are told apart by hundredths of a percent."""
_COMPARE = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "=", "ne": "<>"}


def profile_sql(node: OfProfile, traits: Traits, now: datetime) -> str:
    """Return the condition on the profile's columns; where null it does not hold."""
    match node:
        case Age():
            born = _date_sql(traits[node.trait])
            return by_local_day(_zone_sql(node.zone, traits), now, lambda today: _of_age_sql(born, node, today))
        case Anniversary():
            born = _date_sql(traits[node.trait])
            return by_local_day(_zone_sql(node.zone, traits), now, lambda today: _anniversary_sql(born, node, today))
        case Length():
            return _compared(f"len({identifier(traits[node.trait].column)})", node)
        case Near():
            return _near_sql(node, traits)
        case Share():
            first, end = share_ends(node)
            number = f"('0x' || md5({literal(node.salt + ':')} || profile_id)[1:8])::ubigint % {PARTS}"
            return f"({number} >= {first} and {number} < {end})"
        case _:
            assert_never(node)


def profile_holds(node: OfProfile, person: Person, traits: Traits, now: datetime) -> tuple[bool, Any]:
    """Return whether the condition holds for one person, and what was found: the age, the next date, the metres."""
    match node:
        case Age():
            born = _date(person, node.trait, traits)
            age = None if born is None else age_on(born, local_day(_zone(person, node.zone, traits), now))
            return age is not None and _holds(node, age), age
        case Anniversary():
            born = _date(person, node.trait, traits)
            today = local_day(_zone(person, node.zone, traits), now)
            days = today + timedelta(days=node.begin), today + timedelta(days=node.end)
            found = None if born is None else anniversary(born, *days)
            return found is not None, found or born
        case Length():
            texts = typed(person.traits.get(node.trait), "text_list")
            return texts is not None and _holds(node, len(texts)), None if texts is None else len(texts)
        case Near():
            away = metres(node, *(typed(person.traits.get(name), "number") for name in (node.latitude, node.longitude)))
            return away is not None and (away <= node.metres) == (node.op == "within"), away
        case Share():
            first, end = share_ends(node)
            number = share_number(node.salt, person.id)
            return first <= number < end, number / 100
        case _:
            assert_never(node)


def age_on(born: date, today: date) -> int | None:
    """Return full years; None before birth."""
    if born > today:
        return None
    return today.year - born.year - ((born.month, born.day) > (today.month, today.day))


def anniversary(born: date, first: date, last: date) -> date | None:
    """Return the first anniversary from ``first`` to ``last``, if there is one."""
    for year in range(first.year, last.year + 1):
        try:
            day = born.replace(year=year)
        except ValueError:
            day = date(year, 3, 1)
        if year > born.year and first <= day <= last:
            return day
    return None


def metres(node: Near, latitude: float | None, longitude: float | None) -> int | None:
    """Return the distance in whole metres; None where there is no place. The lake computes the very same expression."""
    if latitude is None or longitude is None or not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    a = math.sin((latitude - node.place.latitude) * DEGREE / 2)
    b = math.sin((longitude - node.place.longitude) * DEGREE / 2)
    h = a * a + math.cos(latitude * DEGREE) * math.cos(node.place.latitude * DEGREE) * (b * b)
    return math.floor(2 * RADIUS * math.asin(math.sqrt(min(1.0, h))) + 0.5)


def share_number(salt: str, profile_id: int) -> int:
    """Return a profile's number in ``[0, 10000)`` for a salt."""
    return int(hashlib.md5(f"{salt}:{profile_id}".encode(), usedforsecurity=False).hexdigest()[:8], 16) % PARTS


def share_ends(node: Share) -> tuple[int, int]:
    return round(node.begin * 100), round(node.end * 100)


def _holds(node: Age | Length, actual: int) -> bool:
    low, high = node.value or 0, node.high or 0
    match node.op:
        case "eq":
            return actual == low
        case "ne":
            return actual != low
        case "lt":
            return actual < low
        case "le":
            return actual <= low
        case "gt":
            return actual > low
        case "ge":
            return actual >= low
        case "between":
            return low <= actual <= high
        case _:
            assert_never(node.op)


def _compared(measured: str, node: Age | Length, also: str | None = None) -> str:
    low, high = node.value or 0, node.high or 0
    test = f"{measured} between {low} and {high}" if node.op == "between" else f"{measured} {_COMPARE[node.op]} {low}"
    return f"({test} and {also})" if also else f"({test})"


def _date(person: Person, trait: str, traits: Traits) -> date | None:
    found = typed(person.traits.get(trait), traits[trait].type)
    if isinstance(found, datetime):
        return found.astimezone(UTC).date()
    return found if isinstance(found, date) else None


def _zone(person: Person, trait: str, traits: Traits) -> str | None:
    found = typed(person.traits.get(trait), "text") if trait in traits else None
    return found if isinstance(found, str) else None


def _date_sql(column: TraitColumn) -> str:
    name = identifier(column.column)
    return name if column.type == "date" else f"timezone('UTC', {name})::date"


def _zone_sql(trait: str, traits: Traits) -> str | None:
    return identifier(traits[trait].column) if trait in traits else None


def _day_sql(born: str) -> str:
    return f"(month({born}) * 100 + day({born}))"


def _number(day: date) -> int:
    return day.month * 100 + day.day


def _of_age_sql(born: str, node: Age, today: date) -> str:
    years = f"({today.year} - year({born}) - case when {_day_sql(born)} > {_number(today)} then 1 else 0 end)"
    return _compared(years, node, f"{born} <= {literal(today)}")


def _anniversary_sql(born: str, node: Anniversary, today: date) -> str:
    first, last = today + timedelta(days=node.begin), today + timedelta(days=node.end)
    tests = []
    for year in range(first.year, last.year + 1):
        low, high = max(first, date(year, 1, 1)), min(last, date(year, 12, 31))
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        day = _day_sql(born) if leap else f"(case {_day_sql(born)} when 229 then 301 else {_day_sql(born)} end)"
        tests.append(f"(year({born}) < {year} and {day} between {_number(low)} and {_number(high)})")
    return f"({' or '.join(tests)})" if tests else "false"


def _near_sql(node: Near, traits: Traits) -> str:
    latitude, longitude = (identifier(traits[name].column) for name in (node.latitude, node.longitude))
    place = f"{latitude} between -90 and 90 and {longitude} between -180 and 180"
    if node.op == "within":  # a band of latitudes first: it spares nearly everybody the trigonometry
        margin = node.metres / (RADIUS * DEGREE) + 0.001
        low, high = node.place.latitude - margin, node.place.latitude + margin
        place = f"{latitude} between {literal(low)} and {literal(high)} and {place}"
    degree, one = literal(DEGREE), literal(1.0)
    a = f"sin(({latitude} - {literal(float(node.place.latitude))}) * {degree} / 2)"
    b = f"sin(({longitude} - {literal(float(node.place.longitude))}) * {degree} / 2)"
    cosines = f"cos({latitude} * {degree}) * cos({literal(float(node.place.latitude))} * {degree})"
    away = f"2 * {literal(RADIUS)} * asin(sqrt(least({one}, {a} * {a} + {cosines} * ({b} * {b}))))"
    compare = "<=" if node.op == "within" else ">"
    return f"({place} and floor({away} + 0.5) {compare} {node.metres})"
