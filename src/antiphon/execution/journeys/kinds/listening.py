"""Steps where people stay until they do something, or answer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import entry_points
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from msgspec import Meta
from msgspec.json import encode

from antiphon.awareness.events import EventMatch
from antiphon.execution.channels import ENTRY_POINTS, SANDBOX
from antiphon.execution.delivery import spoken
from antiphon.execution.journeys.contract import NEVER, Here, Ints, Surroundings
from antiphon.execution.journeys.kinds import base
from antiphon.execution.journeys.kinds.base import picked
from antiphon.execution.journeys.kinds.findings import error, warning
from antiphon.execution.journeys.model import Finding, Key, Seconds

What = Literal["sent", "delivered", "opened", "clicked", "replied"]
MOST_KEPT = 4_000  # bytes of an event's properties that are carried along
_SPOKEN = {
    "delivered": ("Email Delivered",),
    "opened": ("Email Opened", "Email Link Clicked", "Email Replied"),
    "clicked": ("Email Link Clicked",),
    "replied": ("Email Replied",),
}


@cache
def channels_spoken() -> tuple[str, ...]:
    """The channels of the packages installed here."""
    points = [point for group in (ENTRY_POINTS, SANDBOX) for point in entry_points(group=group)]
    return tuple(sorted({point.load()().manifest.channel for point in points}))


class WaitEvent(base.Plain):
    """Stay until an event; what it said is carried along, under ``heard`` and the step's key."""

    name: ClassVar[str] = "wait_event"
    group: ClassVar[str] = "wait"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``match``: the event, with conditions on its properties; ``any_of``: others that do as well. ``timeout_seconds``: how
        long at most; without it for ever."""

        match: EventMatch
        any_of: Annotated[list[EventMatch], Meta(max_length=20)] = []
        timeout_seconds: Seconds | None = None

    def exits(self, settings: Settings) -> Sequence[str]:
        return ("happened", "timeout")

    def rests(self, settings: Settings) -> bool:
        return True

    def lasts(self, settings: Settings) -> float | None:
        return math.inf if settings.timeout_seconds is None else settings.timeout_seconds

    def hears(self, settings: Settings) -> Sequence[str]:
        return [settings.match.event, *(one.event for one in settings.any_of)]

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        yield from base.check_match(settings.match, f"{place}.match")
        for n, one in enumerate(settings.any_of):
            yield from base.check_match(one, f"{place}.any_of[{n}]")
        yield from check_timeout(settings.timeout_seconds, f"{place}.timeout_seconds")

    async def run(self, settings: Settings, here: Here) -> None:
        happened = np.zeros(len(here), dtype=np.bool_)
        meant = (settings.match, *settings.any_of)
        arrived = here.arrived.tolist()
        names: list[str] = []
        for place, one in enumerate(here.heard):
            if one is not None and one.at > arrived[place] and any(one.is_one_of(match) for match in meant):
                happened[place] = True
                names.append(one.name)
                kept = (here.memory[place] or {}).get("heard", {}) | {here.step.key: kept_of(one.properties)}
                here.remember(place, heard=kept)
        here.go("happened", where=happened, event=names)
        wait_on(here, settings.timeout_seconds)


class WaitAnswer(base.Plain):
    """Stay until an earlier step's message is answered: delivered, opened, clicked or replied to."""

    name: ClassVar[str] = "wait_answer"
    group: ClassVar[str] = "wait"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``step``: whose message; ``what``: what must become of it. ``channels``: which ways the message may have gone, by
        default any there is. Who did so before they came here does not wait."""

        step: Key
        what: Literal["delivered", "opened", "clicked", "replied"] = "replied"
        timeout_seconds: Seconds | None = None
        channels: Annotated[list[str], Meta(max_length=20)] = []

    def exits(self, settings: Settings) -> Sequence[str]:
        return ("answered", "timeout")

    def rests(self, settings: Settings) -> bool:
        return True

    def lasts(self, settings: Settings) -> float | None:
        return math.inf if settings.timeout_seconds is None else settings.timeout_seconds

    def hears(self, settings: Settings) -> Sequence[str]:
        channels = settings.channels or channels_spoken()
        return [spoken(name, channel) for name in _SPOKEN[settings.what] for channel in channels]

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        yield from base.check_step(settings.step, f"{place}.step", around)
        yield from check_timeout(settings.timeout_seconds, f"{place}.timeout_seconds")
        for n, channel in enumerate(settings.channels):
            if not around.has_channel(channel):
                yield error("channel_unknown", f"{place}.channels[{n}]", channel=channel)

    async def run(self, settings: Settings, here: Here) -> None:
        became = await here.world.said(here, settings.step)
        answered = became[settings.what]
        here.go("answered", where=answered, what=settings.what)
        wait_on(here, settings.timeout_seconds)


class Engagement(base.Plain):
    """Whose message of an earlier step became this goes by ``yes``, everybody else by ``no``."""

    name: ClassVar[str] = "engagement"
    group: ClassVar[str] = "branch"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``step``: whose message; ``what`` became of it by now."""

        step: Key
        what: What | Literal["failed"] = "opened"

    def exits(self, settings: Settings) -> Sequence[str]:
        return ("yes", "no")

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        return base.check_step(settings.step, f"{place}.step", around)

    async def run(self, settings: Settings, here: Here) -> None:
        became = await here.world.said(here, settings.step)
        known = [next((what for what in reversed(ORDER) if became[what][place]), None) for place in range(len(here))]
        yes = became[settings.what]
        here.go("yes", where=yes, found=picked(known, yes))
        here.go("no", where=~yes, found=picked(known, ~yes))


ORDER = ("failed", "sent", "delivered", "opened", "clicked", "replied")


def wait_on(here: Here, timeout: float | None) -> None:
    """Who is left stays until their time is out, and then goes by ``timeout``."""
    until: Ints = np.full(len(here), NEVER, dtype=np.int64)
    if timeout is not None:
        until = np.where(here.came, here.at + int(timeout * 1_000_000), here.wake)
    here.go("timeout", where=(until <= here.at) & ~here.decided)
    here.rest(until)


def check_timeout(timeout: float | None, place: str) -> Iterable[Finding]:
    """Nobody should wait for ever unawares."""
    if timeout is None:
        yield warning("waits_for_ever", place)
    elif timeout <= 0:
        yield error("wait_of_no_time", place)


def kept_of(properties: Any) -> Any:
    """Properties as they are carried along: those that would be much are left behind, the largest first."""
    kept = dict(properties)
    sizes = {name: len(encode(value)) for name, value in kept.items()}
    while sum(sizes.values()) > MOST_KEPT:
        largest = max(sizes, key=lambda name: sizes[name])
        del kept[largest], sizes[largest]
    return kept
