"""What day it is where somebody lives.

At one instant the world has at most three dates. Which zone has which is worked out here, with Python's time zone
data, and given to the lake as lists of names: both answers then rest on the same data, and the lake does no calendar.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from antiphon.awareness.events.properties import literal


@cache
def zone_names() -> frozenset[str]:
    """Return the IANA names that are known here; `localtime` is a machine's own affair."""
    return frozenset(available_timezones() - {"localtime"})


@cache
def _zones() -> tuple[tuple[str, ZoneInfo], ...]:
    return tuple((name, ZoneInfo(name)) for name in sorted(zone_names()))


@lru_cache(maxsize=64)
def local_days(now: datetime) -> dict[date, tuple[str, ...]]:
    """Return the dates there are at ``now`` besides that of UTC, each with the names of the zones that have it."""
    today = now.astimezone(UTC).date()
    found: dict[date, list[str]] = {}
    for name, zone in _zones():
        day = now.astimezone(zone).date()
        if day != today:
            found.setdefault(day, []).append(name)
    return {day: tuple(names) for day, names in sorted(found.items())}


def local_day(zone: object, now: datetime) -> date:
    """Return the date at ``now`` in a zone; in UTC when that is no zone's name."""
    if isinstance(zone, str) and zone in zone_names():
        return now.astimezone(ZoneInfo(zone)).date()
    return now.astimezone(UTC).date()


def by_local_day(zone: str | None, now: datetime, test: Callable[[date], str]) -> str:
    """Return SQL of a test that depends on the local date; ``zone`` is the column with the zone's name, if there is one."""
    today = test(now.astimezone(UTC).date())
    others = local_days(now) if zone is not None else {}
    if not others:
        return today
    cases = [f"when {zone} in ({', '.join(map(literal, names))}) then {test(day)}" for day, names in others.items()]
    return f"(case {' '.join(cases)} else {today} end)"
