"""When something comes again: a rule of RFC 5545 in a time zone, its next times, and what of those that were missed.

Times are the zone's wall times. One that a change of the clocks leaves out (02:30 in spring) comes at the instant it would
have been with the clocks unchanged, which the zone then calls 03:30; one that comes twice (02:30 in autumn) is said the first
time. Pure: no clock, no store.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from dateutil.rrule import rrule, rrulestr

from antiphon.foundation.errors import Invalid

Missed = Literal["skip", "latest", "all"]
EARLIEST = timedelta(hours=14)
"""The zone furthest east is so far ahead of UTC: at a wall time the first people have it this much before UTC does."""
FARTHEST = timedelta(hours=27)
"""No wall time is worked on further from the instant that UTC has it at."""
SOONEST = timedelta(minutes=5)
"""Nothing comes more often than this."""
MOST_LOOKED_AT = 10_000
HORIZON = timedelta(days=3653)
LATE = timedelta(hours=1)
"""Later than this after its time an occurrence counts as missed."""

_RULE = re.compile(r"[A-Z0-9=;,+-]{1,400}")
_COUNT = re.compile(r"\bCOUNT=(\d{1,6})\b;?")
_FORBIDDEN = re.compile(r"(?:SECONDLY|MINUTELY|BYSECOND|BYEASTER)")


class RecurrenceInvalid(Invalid):
    """This is no rule to recur by: {why}."""

    code = "recurrence-invalid"


class Recurrence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When it is said again and again. `rule` is an RRULE of RFC 5545 (`FREQ=WEEKLY;BYDAY=MO`), with its end by COUNT or UNTIL
    (wall time) where it has one. `starts` is the first wall time it may be said, in `zone`; with `local` each person gets it
    when their own zone has that wall time. `missed` says what happens to times that passed while nobody could say it: nothing
    (`skip`), only the last of them is said (`latest`), or each is, in order (`all`).
    """

    rule: str
    starts: datetime
    zone: str = "UTC"
    local: bool = False
    missed: Missed = "latest"


def check(one: Recurrence) -> None:
    """Raise RecurrenceInvalid unless the rule can be followed. One that never comes is searched for up to the year 9999, which
    takes seconds: ask in a thread."""
    _zone(one.zone)
    if not is_near(one.starts):
        raise RecurrenceInvalid(field="recurrence.starts", why="the time is between the years 2000 and 2100")
    if one.starts.tzinfo is not None:
        raise RecurrenceInvalid(field="recurrence.starts", why="the first time is a wall time, without an offset")
    first = list(islice(_walls(one, one.starts), 3))
    if not first:
        raise RecurrenceInvalid(field="recurrence.rule", why="it never comes")
    for before, after in pairwise(first):
        if after - before < SOONEST:
            raise RecurrenceInvalid(field="recurrence.rule", why="it comes more often than every five minutes")


def is_near(at: datetime) -> bool:
    """Whether a time is one that may be planned for."""
    return 2000 <= at.year < 2100


def next_wall(one: Recurrence, after: datetime | None) -> datetime | None:
    """The next wall time, strictly after one that was; None when the rule has ended."""
    walls = _walls(one, one.starts if after is None else after, inclusive=after is None)
    return next(walls, None)


def first_wall(one: Recurrence, now: datetime) -> datetime | None:
    """The first wall time whose instant has not passed, in one pass over the rule however long ago it began; None when it has
    ended."""
    return next(_from(one, now), None)


def _from(one: Recurrence, now: datetime) -> Iterator[datetime]:
    """The wall times whose instants have not passed."""
    near = now.astimezone(UTC).replace(tzinfo=None) - FARTHEST
    return (wall for wall in _walls(one, max(one.starts, near)) if instant_of(one, wall) >= now)


def instant_of(one: Recurrence, wall: datetime) -> datetime:
    """When a wall time of the rule's is worked on: its instant in the zone, or when the first zone on earth has it."""
    if one.local:
        return wall.replace(tzinfo=UTC) - EARLIEST
    return at_wall(wall, one.zone)


def at_wall(wall: datetime, zone: str) -> datetime:
    """The instant of a wall time in a zone, by the rule above."""
    return wall.replace(tzinfo=_zone(zone), fold=0).astimezone(UTC)


def strange_zones(wall: datetime) -> tuple[list[str], list[str]]:
    """The zones whose clocks skip a wall time, and those whose clocks show it twice, by name."""
    skipped: list[str] = []
    twice: list[str] = []
    for name in sorted(available_timezones() - {"localtime"}):
        early, late = (wall.replace(tzinfo=ZoneInfo(name), fold=fold).utcoffset() for fold in (0, 1))
        if early is not None and late is not None and early != late:
            (skipped if early < late else twice).append(name)
    return skipped, twice


def preview(one: Recurrence, now: datetime, count: int) -> list[datetime]:
    """The next instants it will be said, at most `count`; of a local one the wall times, read in UTC."""
    return [wall.replace(tzinfo=UTC) if one.local else instant_of(one, wall) for wall in islice(_from(one, now), count)]


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What is due: the wall times to say now, how many are passed over, and the one to wait for next (None: no more)."""

    due: list[datetime]
    passed_over: int
    following: datetime | None


def turn(one: Recurrence, waiting: datetime, now: datetime) -> Turn:
    """What to do at `now` with the wall time waited for and all that have come since.

    Those within the last hour are not missed: the latest of them is said at any rule. Of `all`, one is said at a time.
    """
    come: list[datetime] = []
    following: datetime | None = waiting
    for following in _walls(one, waiting):
        at = instant_of(one, following)
        if at > now or len(come) == MOST_LOOKED_AT:
            break
        if come and instant_of(one, come[-1]) == at:
            come.pop()  # a time left out by the clocks, and the one it is said at instead
        come.append(following)
    else:
        following = None
    if not come:
        return Turn(due=[], passed_over=0, following=waiting)
    if one.missed == "all":
        return Turn(due=come[:1], passed_over=0, following=come[1] if len(come) > 1 else following)
    late = now - instant_of(one, come[-1]) > LATE
    if one.missed == "skip" and late:
        return Turn(due=[], passed_over=len(come), following=following)
    return Turn(due=come[-1:], passed_over=len(come) - 1, following=following)


def _walls(one: Recurrence, start: datetime, *, inclusive: bool = True) -> Iterator[datetime]:
    """The rule's wall times from `start` on, at most ten years of them."""
    text = one.rule.strip().upper().removeprefix("RRULE:")
    if not _RULE.fullmatch(text):
        raise RecurrenceInvalid(field="recurrence.rule", why="it is not of the form FREQ=…;…")
    if _FORBIDDEN.search(text):
        raise RecurrenceInvalid(field="recurrence.rule", why="seconds, minutes and Easter are not taken")
    counted = _COUNT.search(text)
    text = re.sub(r"(UNTIL=\d{8}T\d{6})Z", r"\1", _COUNT.sub("", text).strip(";"))
    horizon = max(one.starts, start) + HORIZON
    try:
        found = rrulestr(text, dtstart=one.starts)
        if not isinstance(found, rrule):
            raise RecurrenceInvalid(field="recurrence.rule", why="one rule, without exceptions and further dates")
        until: datetime | None = vars(found)["_until"]  # dateutil does not say it otherwise
        found = found.replace(until=horizon if until is None else min(until, horizon))
        walls = islice(found, int(counted[1]) if counted else None)
        yield from (wall for wall in walls if wall > start or (inclusive and wall == start))
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError) as failed:
        raise RecurrenceInvalid(field="recurrence.rule", why=str(failed)[:200]) from failed


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as unknown:
        raise RecurrenceInvalid(field="recurrence.zone", why=f"there is no time zone {name[:60]}") from unknown
