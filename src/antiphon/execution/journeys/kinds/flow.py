"""Steps that steer the journey itself: loops, gates, other journeys, the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from antiphon.execution.journeys.chain import IN_CIRCLES, MOST, depths
from antiphon.execution.journeys.contract import Bools, Here, Surroundings
from antiphon.execution.journeys.kinds import base
from antiphon.execution.journeys.kinds.base import everybody
from antiphon.execution.journeys.kinds.findings import error
from antiphon.execution.journeys.model import Finding, Key


class Jump(base.Plain):
    """Leave this journey and enter another, by its rules; whom it does not take in goes by ``refused``."""

    name: ClassVar[str] = "jump"
    group: ClassVar[str] = "flow"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``journey_id``: which."""

        journey_id: int

    def exits(self, settings: Settings) -> Sequence[str]:
        return ("refused",)

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        return _check_journey(settings.journey_id, place, around)

    async def run(self, settings: Settings, here: Here) -> None:
        entered, circling = await _begin(here, settings.journey_id, leaving=True)
        here.leave("jumped", where=entered, journey=settings.journey_id)
        here.go("refused", where=circling, journey=settings.journey_id, reason=IN_CIRCLES)
        here.go("refused", journey=settings.journey_id)


class StartJourney(base.Plain):
    """Enter another journey, by its rules, and go on with this one; whether it took somebody in is in the history."""

    name: ClassVar[str] = "start_journey"
    group: ClassVar[str] = "flow"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``journey_id``: which."""

        journey_id: int

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        return _check_journey(settings.journey_id, place, around)

    async def run(self, settings: Settings, here: Here) -> None:
        entered, circling = await _begin(here, settings.journey_id)
        here.go(where=circling, journey=settings.journey_id, entered=False, reason=IN_CIRCLES)
        here.go(journey=settings.journey_id, entered=entered[~circling])


class StopJourney(base.Plain):
    """End whatever passages they have in another journey."""

    name: ClassVar[str] = "stop_journey"
    group: ClassVar[str] = "flow"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``journey_id``: which."""

        journey_id: int

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        return _check_journey(settings.journey_id, place, around)

    async def run(self, settings: Settings, here: Here) -> None:
        await here.world.stop_journey(here, everybody(here), settings.journey_id)
        here.go(journey=settings.journey_id)


class Loop(base.Plain):
    """Send people back by ``again``, so many times at most; then they go on by ``done``."""

    name: ClassVar[str] = "loop"
    group: ClassVar[str] = "flow"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``times``: how often one is sent back."""

        times: Annotated[int, Meta(ge=1, le=1000)]

    def exits(self, settings: Settings) -> Sequence[str]:
        return ("again", "done")

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        own = base.own_step(place, around)
        if own is not None and "again" not in own.next:
            yield error("loop_leads_nowhere", place)

    async def run(self, settings: Settings, here: Here) -> None:
        key = here.step.key
        counts = np.array([((memory or {}).get("loops") or {}).get(key, 0) for memory in here.memory], dtype=np.int64)
        again = counts < settings.times
        for place in range(len(here)):
            loops = dict((here.memory[place] or {}).get("loops") or {})
            loops[key] = int(counts[place]) + 1 if again[place] else 0
            here.remember(place, loops={name: count for name, count in loops.items() if count})
        here.go("done", where=~again, turns=counts[~again])
        back = here.plan.steps[here.number].next.get("again")
        if back is None:
            here.go("again")
        else:
            here.go_to(back, turn=counts[again] + 1)


class Gate(base.Plain):
    """Let at most so many through in any stretch of time; the others wait their turn."""

    name: ClassVar[str] = "gate"
    group: ClassVar[str] = "flow"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``most`` people in any ``seconds``."""

        most: Annotated[int, Meta(ge=1, le=10_000_000)]
        seconds: Annotated[float, Meta(gt=0, le=31_622_400)]

    def rests(self, settings: Settings) -> bool:
        return True

    async def run(self, settings: Settings, here: Here) -> None:
        until = await here.world.take_turns(here, everybody(here), settings.most, settings.seconds)
        here.go(where=until <= here.at)
        here.rest(until)


class End(base.Plain):
    """The journey is over."""

    name: ClassVar[str] = "end"
    group: ClassVar[str] = "flow"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``reason``: what the numbers count it as."""

        reason: Key = "finished"

    def exits(self, settings: Settings) -> Sequence[str]:
        return ()

    async def run(self, settings: Settings, here: Here) -> None:
        here.leave(settings.reason)


async def _begin(here: Here, journey_id: int, *, leaving: bool = False) -> tuple[Bools, Bools]:
    """(who entered another journey, who may not, after so many that began one another)."""
    circling: Bools = depths(here) >= MOST
    entered = np.zeros(len(here), dtype=np.bool_)
    some = np.flatnonzero(~circling)
    if len(some):
        entered[some] = await here.world.start_journey(here, some, journey_id, leaving=leaving)
    return entered, circling


def _check_journey(journey_id: int, place: str, around: Surroundings) -> Iterable[Finding]:
    if not around.has_journey(journey_id):
        yield error("journey_unknown", f"{place}.journey_id", journey=journey_id)
