"""Business time. Everything that happens to customers is dated by a Clock, which may be virtual.

Machine time (leases, sessions, time-outs, retries of jobs) is PostgreSQL's and never comes from here.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells business time as an aware UTC instant."""

    def now(self) -> datetime: ...


class SystemClock:
    """Business time is the machine's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class VirtualClock:
    """Business time that moves only when told: for tests, replays and rehearsals."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("a clock starts at an aware instant")
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def set(self, to: datetime) -> None:
        self._now = to.astimezone(UTC)

    def advance(self, by: timedelta) -> None:
        self._now += by


class SharedClock:
    """The machine's time plus an offset that all processes of an installation share (table `business_clock`).

    Each process refreshes the offset every second; zero, unless somebody moved the clock of a rehearsal or demo.
    """

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self.offset = offset

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset
