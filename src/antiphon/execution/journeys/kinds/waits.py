"""Steps where people stay for a while, or until a date or an hour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta, field

from antiphon.awareness.segments import TraitCondition
from antiphon.awareness.traits import typed
from antiphon.execution.journeys.contract import NEVER, Here, Ints, Surroundings
from antiphon.execution.journeys.kinds import base, clocks
from antiphon.execution.journeys.kinds.base import picked
from antiphon.execution.journeys.kinds.clocks import Found, WallTime
from antiphon.execution.journeys.kinds.findings import error, warning
from antiphon.execution.journeys.model import Finding, Seconds
from antiphon.foundation.postgres.binary import from_micros, micros

LONG_PAST = 2000
_DATE = len("2026-06-01")
DAYS = (1, 2, 3, 4, 5, 6, 7)


class Wait(base.Plain):
    """Stay for a length of time."""

    name: ClassVar[str] = "wait"
    group: ClassVar[str] = "wait"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``seconds``: how long."""

        seconds: Seconds

    def rests(self, settings: Settings) -> bool:
        return True

    def lasts(self, settings: Settings) -> float | None:
        return settings.seconds

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        if settings.seconds <= 0:
            yield error("wait_of_no_time", f"{place}.seconds")

    async def run(self, settings: Settings, here: Here) -> None:
        until = np.where(here.came, here.at, here.arrived) + int(settings.seconds * 1_000_000)
        here.rest(until, where=until > here.at)
        here.go()


class WaitUntil(base.Plain):
    """Stay until a date: one for everybody, or each one's own, which a trait holds."""

    name: ClassVar[str] = "wait_until"
    group: ClassVar[str] = "wait"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``date``: an instant, or, without a zone, a wall time where each person is. ``trait``: a date or instant of theirs,
        ``offset_days`` later (earlier, if less than 0) and then ``offset_seconds``; with ``yearly`` its next anniversary.
        ``time``: the wall time of that day, midnight if it is not said (of a trait that is an instant, its own). Who has no
        such date goes by ``missing``; a date that is over goes on at once."""

        date: datetime | None = None
        trait: Annotated[str, Meta(max_length=200)] = ""
        offset_days: Annotated[int, Meta(ge=-3660, le=3660)] = 0
        offset_seconds: Annotated[float, Meta(ge=-31_622_400, le=31_622_400)] = 0
        yearly: bool = False
        time: WallTime | None = None

    def exits(self, settings: Settings) -> Sequence[str]:
        return ("next", "missing") if settings.trait else ("next",)

    def rests(self, settings: Settings) -> bool:
        return True

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        if (settings.date is None) == (not settings.trait):
            yield error("wait_until_nothing", place)
        if settings.date is not None and settings.date.year < LONG_PAST:
            yield error("wait_until_long_past", f"{place}.date", date=settings.date.date().isoformat())
        elif settings.date is not None and settings.date.tzinfo is not None and settings.date < around.now:
            yield warning("wait_until_long_past", f"{place}.date", date=settings.date.date().isoformat())
        if not settings.trait and (settings.offset_days or settings.offset_seconds or settings.yearly):
            yield error("wait_offset_without_trait", place)
        if settings.trait:
            yield from around.check_tree(TraitCondition(trait=settings.trait, op="set"), f"{place}.trait")

    async def run(self, settings: Settings, here: Here) -> None:
        came = here.came
        new = np.flatnonzero(came)
        who = here.profile[new]
        zones = await here.world.zones(who)
        said: Sequence[Any] = [settings.date] * len(new)
        if settings.trait:
            said = (await here.world.traits(who, here.at[new], [settings.trait]))[settings.trait]
        until, notes = here.wake.copy(), list[str | None]([None] * len(here))
        missing = np.zeros(len(here), dtype=np.bool_)
        for place, value, zone in zip(new.tolist(), said, zones, strict=True):
            at, notes[place] = _when(settings, value, clocks.zone_of(zone), from_micros(int(here.at[place])))
            missing[place] = at is None
            until[place] = NEVER if at is None else micros(at)
        here.go("missing", where=missing, found=[None if one is None else str(one)[:100] for one in picked(said, missing[new])])
        _stay(here, until, notes)


class WaitTime(base.Plain):
    """Stay until a time of day, or a day of the week, where each person is."""

    name: ClassVar[str] = "wait_time"
    group: ClassVar[str] = "wait"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``since``: the time of day. With ``until`` who comes in between goes on at once (past midnight when it is the earlier);
        without it all wait until clocks show ``since``. ``days``: 1 is Monday."""

        since: WallTime
        until: WallTime | None = None
        days: Annotated[list[Annotated[int, Meta(ge=1, le=7)]], Meta(max_length=7)] = field(default_factory=lambda: list(DAYS))

    def rests(self, settings: Settings) -> bool:
        return True

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        if settings.since == settings.until:
            yield error("window_of_no_time", f"{place}.until")
        if not settings.days:
            yield error("no_days", f"{place}.days")

    async def run(self, settings: Settings, here: Here) -> None:
        new = np.flatnonzero(here.came)
        until, notes = here.wake.copy(), list[str | None]([None] * len(here))
        zones = await here.world.zones(here.profile[new])
        until[new], said = clocks.each(
            here.at[new], zones, lambda at, zone: clocks.next_time(at, zone, settings.since, settings.until, settings.days)
        )
        for place, note in zip(new.tolist(), said, strict=True):
            notes[place] = note
        _stay(here, until, notes)


def _stay(here: Here, until: Ints, notes: Sequence[str | None]) -> None:
    """They rest until their instants; whose is over goes on, and the history says so of who came too late for it."""
    over = (until <= here.at) & ~here.decided
    late = over & here.came & (until < here.at)
    here.go(where=late, past=True, date=[base.iso(one) for one in until[late].tolist()])
    here.go(where=over & ~late)
    rest = ~here.decided
    here.rest(until, where=rest, clocks=picked(notes, rest))


def _when(settings: WaitUntil.Settings, value: Any, zone: tzinfo, now: datetime) -> Found:
    """The instant somebody waits for; None where there is no such date."""
    try:
        if isinstance(value, datetime):
            return clocks.wall_moment(value, zone) if value.tzinfo is None else (value.astimezone(UTC), None)
        day = typed(value, "date") if isinstance(value, str) and len(value) == _DATE else None
        at = None if day is not None else typed(value, "instant")
        if day is None and at is None:
            return None, None
        after = timedelta(seconds=settings.offset_seconds)
        if at is not None:
            if not settings.yearly and settings.time is None:
                return at + timedelta(days=settings.offset_days) + after, None
            day = at.astimezone(zone).date()
        assert day is not None
        wall, shift = settings.time or "00:00", timedelta(days=settings.offset_days)
        if not settings.yearly:
            found, note = clocks.wall_instant(day + shift, wall, zone)
            return found + after, note
        year = clocks.anniversary_from(day, now.astimezone(zone).date() - shift - timedelta(days=366))
        for _ in range(4):
            found, note = clocks.wall_instant(year + shift, wall, zone)
            if found + after > now:
                return found + after, note
            year = clocks.anniversary_from(day, year + timedelta(days=1))
        return None, None
    except (OverflowError, ValueError):  # a date at the end of the calendar
        return None, None
