"""Windows of time: which events a condition looks at, as a function of ``now`` alone.

All instants are whole microseconds, so every window but ``since_event`` is one half-open interval ``[first, end)`` of
them: a rolling window ``(now - d, now]`` is ``[now - d + 1 µs, now + 1 µs)``. What is later than ``now`` has not happened
yet, whatever the window says.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal, TypeAlias, assert_never
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

from antiphon.awareness.events import PropertyFilter

Unit = Literal["minutes", "hours", "days", "weeks"]
Period = Literal["day", "week", "month", "quarter", "year"]
Amount = Annotated[int, Meta(ge=0, le=5_256_000)]

TICK = timedelta(microseconds=1)
_UNIT: dict[str, timedelta] = {
    "minutes": timedelta(minutes=1),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
    "weeks": timedelta(weeks=1),
}


def duration(amount: int, unit: Unit) -> timedelta:
    """Return the fixed length of ``amount`` units (a day is always 24 hours)."""
    return amount * _UNIT[unit]


class Span(Struct, frozen=True, forbid_unknown_fields=True):
    """A length of time: ``{"amount": 3, "unit": "days"}``."""

    amount: Amount
    unit: Unit

    @property
    def length(self) -> timedelta:
        return duration(self.amount, self.unit)


class Last(Struct, frozen=True, tag_field="kind", tag="last", forbid_unknown_fields=True):
    """The rolling window ``(now - amount units, now]``."""

    amount: Annotated[int, Meta(ge=1, le=5_256_000)]
    unit: Unit


class Ago(Struct, frozen=True, tag_field="kind", tag="ago", forbid_unknown_fields=True):
    """The rolling window ``(now - begin, now - end]``: between 60 and 30 days ago. No ``begin``: ever; no ``end``: till now."""

    begin: Span | None = None
    end: Span | None = None


class Dates(Struct, frozen=True, tag_field="kind", tag="dates", forbid_unknown_fields=True):
    """The absolute window ``[since, until)``; either end may be left open."""

    since: datetime | None = None
    until: datetime | None = None


class Calendar(Struct, frozen=True, tag_field="kind", tag="calendar", forbid_unknown_fields=True):
    """This or the last day, week (from Monday), month, quarter or year, from local midnight to local midnight of ``zone``.

    Where the clocks skip midnight, or have it twice, the period begins with the first instant of that date.
    """

    period: Period
    which: Literal["this", "last"] = "this"
    zone: str = "UTC"


class SinceEvent(Struct, frozen=True, tag_field="kind", tag="since_event", forbid_unknown_fields=True):
    """What happened later than the person's ``last`` (or ``first``) event of a name; nothing if they have none of it.

    An event at the very instant of that event is not later than it.
    """

    name: str
    which: Literal["last", "first"] = "last"
    where: list[PropertyFilter] = msgspec.field(default_factory=list)


Fixed: TypeAlias = Last | Ago | Dates | Calendar
"""A window that is the same for everybody."""
Window: TypeAlias = Last | Ago | Dates | Calendar | SinceEvent
Interval: TypeAlias = tuple[datetime | None, datetime | None]


def fixed(window: Window | None) -> Fixed | None:
    """Return a window that is known to be the same for everybody."""
    if isinstance(window, SinceEvent):
        raise ValueError("this window is each person's own")
    return window


def bounds(window: Fixed | None, now: datetime) -> Interval:
    """Return the window as ``[first, end)``; None where it is open. Nothing after ``now`` is not part of it."""
    match window:
        case None:
            return None, None
        case Last(amount=amount, unit=unit):
            return now - duration(amount, unit) + TICK, None
        case Ago(begin=begin, end=end):
            return (
                None if begin is None else now - begin.length + TICK,
                None if end is None or not end.amount else now - end.length + TICK,
            )
        case Dates(since=since, until=until):
            return since, until
        case Calendar():
            return calendar_bounds(window, now)
        case _:
            assert_never(window)


def within(window: Fixed | None, at: datetime, now: datetime) -> bool:
    """Whether what happened at ``at`` is in the window, and not after ``now``."""
    first, end = bounds(window, now)
    return at <= now and (first is None or at >= first) and (end is None or at < end)


def calendar_bounds(window: Calendar, now: datetime) -> tuple[datetime, datetime]:
    """Return the first instant of the period, and that of the period after it, in UTC."""
    zone = ZoneInfo(window.zone)
    begin = _begin(window.period, now.astimezone(zone).date())
    if window.which == "last":
        begin = _begin(window.period, begin - timedelta(days=1))
    return midnight(begin, zone), midnight(_next(window.period, begin), zone)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of a local date, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _begin(period: Period, day: date) -> date:
    match period:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
        case "year":
            return date(day.year, 1, 1)
        case _:
            assert_never(period)


def _next(period: Period, begin: date) -> date:
    longest = {"day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366}
    return _begin(period, begin + timedelta(days=longest[period]))
