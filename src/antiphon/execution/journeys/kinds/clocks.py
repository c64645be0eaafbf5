"""Wall times where people are, with clocks that skip an hour or go through one twice. Pure.

A time that never comes is the moment at which the clocks jump over it; one that comes twice is its first coming. Either is said
in the history (`skipped`, `twice`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Annotated
from zoneinfo import ZoneInfo

import numpy as np
from msgspec import Meta

from antiphon.awareness.segments import zone_names
from antiphon.execution.delivery.gate.quiet import Window, instant_of, minutes, next_allowed
from antiphon.execution.journeys.contract import Ints
from antiphon.foundation.postgres.binary import from_micros, micros

WallTime = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Found = tuple[datetime | None, str | None]
"""An instant, and what is worth saying of it."""


@lru_cache(maxsize=1024)
def zone_of(name: str) -> tzinfo:
    """A zone by its name; UTC where there is none of it."""
    return ZoneInfo(name) if name in zone_names() else UTC


def wall_instant(day: date, wall: str, zone: tzinfo) -> tuple[datetime, str | None]:
    """When clocks show a time on a day, and whether they skip it or show it twice."""
    return wall_moment(datetime.combine(day, time(*divmod(minutes(wall), 60))), zone)


def wall_moment(at: datetime, zone: tzinfo) -> tuple[datetime, str | None]:
    """The same of a wall time with its day, in one."""
    early, late = (at.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return instant_of(at, zone), None if early == late else "skipped" if early > late else "twice"


def next_time(at: datetime, zone: tzinfo, since: str, until: str | None, days: Sequence[int]) -> Found:
    """``at`` if it is in the time of day and week that is meant, else when that begins next. Without an end it is a minute,
    which is met only when it comes."""
    if until is None:
        day = at.astimezone(zone).date()
        for ahead in range(9):
            one = day + timedelta(days=ahead)
            if one.isoweekday() in days:
                found, note = wall_instant(one, since, zone)
                if found >= at:
                    return found, note
        return None, None
    begin, end = minutes(since), minutes(until) or 24 * 60
    if begin < end:
        windows = [Window(tuple(days), begin, end)]
    else:
        after = tuple(one % 7 + 1 for one in days)
        windows = [Window(tuple(days), begin, 24 * 60), Window(after, 0, end)]
    found_at = next_allowed(at, zone, None, windows)
    if found_at is None or found_at == at:
        return found_at, None
    return found_at, wall_instant(found_at.astimezone(zone).date(), since, zone)[1]


def each(at: Ints, zones: Sequence[str], find: Callable[[datetime, tzinfo], Found]) -> tuple[Ints, list[str | None]]:
    """What is found for each instant and zone: instants (their own where nothing is), and what is said of them. Worked out
    once for each pair there is."""
    known: dict[tuple[int, str], tuple[int, str | None]] = {}
    when, notes = np.empty(len(at), dtype=np.int64), list[str | None]()
    for place, pair in enumerate(zip(at.tolist(), zones, strict=True)):
        if pair not in known:
            found, note = find(from_micros(pair[0]), zone_of(pair[1]))
            known[pair] = (pair[0] if found is None else micros(found), note)
        when[place], note = known[pair]
        notes.append(note)
    return when, notes


def anniversary_from(born: date, day: date) -> date:
    """The first anniversary on a day or after it; of 29 February, 1 March where there is none."""
    for year in range(max(day.year, born.year + 1), max(day.year, born.year + 1) + 2):
        try:
            found = born.replace(year=year)
        except ValueError:
            found = date(year, 3, 1)
        if found >= day:
            return found
    raise AssertionError("an anniversary comes within two years")
