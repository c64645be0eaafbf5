"""When something may be said by the clock where a customer is: quiet hours, send windows, wall times. Pure.

Clocks that skip an hour or go through one twice are met by asking the zone itself: a time that never comes is the moment
of the skip, and a time that comes twice is its first coming after the moment in question.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from math import gcd

import msgspec
import numpy as np
from numpy.typing import NDArray

from antiphon.foundation.postgres.binary import from_micros

DAY = 24 * 60
MINUTE = 60_000_000
QUARTER = 15 * MINUTE
_MOST_MOVES = 64
_SECOND = timedelta(seconds=1)


class Hours(msgspec.Struct, frozen=True):
    """Quiet from a minute of the day until another; past midnight when the first is later."""

    since: int
    until: int

    def cover(self, minute: float) -> bool:
        """Whether a minute of the day is in them."""
        if self.since < self.until:
            return self.since <= minute < self.until
        return minute >= self.since or minute < self.until


class Window(msgspec.Struct, frozen=True):
    """On these days of the week (1 is Monday), from a minute of the day until another (`DAY` is midnight)."""

    days: tuple[int, ...]
    since: int
    until: int

    def cover(self, at: datetime) -> bool:
        """Whether a local time is in it."""
        return at.isoweekday() in self.days and self.since <= _minute(at) < self.until


def minutes(text: str) -> int:
    """`22:30` as minutes of the day."""
    hours, rest = text.split(":")
    return int(hours) * 60 + int(rest)


def _minute(at: datetime) -> float:
    return at.hour * 60 + at.minute + (at.second + at.microsecond / 1e6) / 60


def instant_of(wall: datetime, zone: tzinfo, after: datetime | None = None) -> datetime:
    """The first instant, after ``after`` if given, at which clocks in the zone show ``wall`` or have jumped past it."""
    early, late = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if early > late:  # never shown: clocks jump over it between these two
        return _jump(late, early, zone)
    return late if after is not None and early <= after else early


def _jump(before: datetime, behind: datetime, zone: tzinfo) -> datetime:
    """The moment between two at which the zone's offset changes."""
    offset = before.astimezone(zone).utcoffset()
    while behind - before > _SECOND:
        middle = before + (behind - before) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            behind = middle
    return behind.replace(microsecond=0)


def disturbs(
    at: NDArray[np.int64], zone: tzinfo, quiet: Hours | None, windows: Sequence[Window]
) -> NDArray[np.bool_]:
    """At which of many instants (`micros`) nothing may be said: where `next_allowed` is later. The zone is asked once for each
    quarter of an hour, at whose ends alone clocks change."""
    quarters, which = np.unique(at // QUARTER, return_inverse=True)
    offsets = [from_micros(one * QUARTER).astimezone(zone).utcoffset() or timedelta() for one in quarters.tolist()]
    local = at + np.array([one // timedelta(microseconds=1) for one in offsets], dtype=np.int64)[which]
    minute, day = local // MINUTE % DAY, (local // (MINUTE * DAY) + 5) % 7 + 1  # 1 January 2000 was a Saturday
    found = np.zeros(len(at), dtype=np.bool_)
    if quiet is not None:
        begun, on = quiet.since <= minute, minute < quiet.until
        found = begun & on if quiet.since < quiet.until else begun | on
    if windows:
        opened = [np.isin(day, one.days) & (one.since <= minute) & (minute < one.until) for one in windows]
        found |= ~np.logical_or.reduce(opened)
    return found


def grain(quiet: Hours | None, windows: Sequence[Window]) -> int:
    """So many microseconds that what is disturbed in one stretch of them, counted from 2000, may be said at the same time: no
    hours and no change of clocks begin or end inside."""
    ends = [quiet.since, quiet.until] if quiet is not None else []
    return gcd(QUARTER // MINUTE, *ends, *(end for one in windows for end in (one.since, one.until))) * MINUTE


def next_allowed(at: datetime, zone: tzinfo, quiet: Hours | None, windows: Sequence[Window]) -> datetime | None:
    """The first instant from ``at`` on that is in no quiet hours and, if there are windows, in one; None when none comes."""
    for _ in range(_MOST_MOVES):
        local = at.astimezone(zone)
        if quiet is not None and quiet.cover(_minute(local)):
            at = _next(local, quiet.until, zone, at)
        elif windows and not any(window.cover(local) for window in windows):
            opening = _opening(local, zone, windows, at)
            if opening is None:
                return None
            at = opening
        else:
            return at
    return None


def _next(local: datetime, minute: int, zone: tzinfo, at: datetime) -> datetime:
    """The first instant after ``at`` at which clocks show this minute of a day."""
    for days in (0, 1, 2):
        found = instant_of(_wall(local.date() + timedelta(days=days), minute), zone, at)
        if found > at:
            return found
    raise AssertionError("a minute of the day comes within two days")


def _opening(local: datetime, zone: tzinfo, windows: Sequence[Window], at: datetime) -> datetime | None:
    """When the next window opens."""
    for days in range(9):
        day = local.date() + timedelta(days=days)
        begins = [instant_of(_wall(day, w.since), zone, at) for w in windows if day.isoweekday() in w.days]
        coming = [begin for begin in begins if begin > at]
        if coming:
            return min(coming)
    return None


def _wall(day: date, minute: int) -> datetime:
    return datetime.combine(day, time()) + timedelta(minutes=minute)
