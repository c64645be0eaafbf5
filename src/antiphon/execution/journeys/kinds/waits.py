"""Steps where people stay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import msgspec

from antiphon.execution.journeys.contract import Here, Surroundings
from antiphon.execution.journeys.model import Finding, Seconds


class Wait:
    """Stay for a length of time."""

    name: ClassVar[str] = "wait"
    group: ClassVar[str] = "wait"

    class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``seconds``: how long."""

        seconds: Seconds

    def exits(self, settings: Settings) -> Sequence[str]:
        return ("next",)

    def rests(self, settings: Settings) -> bool:
        return True

    def hears(self, settings: Settings) -> Sequence[str]:
        return ()

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        if settings.seconds <= 0:
            yield Finding(level="error", code="wait_of_no_time", place=f"{place}.seconds")

    async def run(self, settings: Settings, here: Here) -> None:
        came = here.came
        here.rest(here.at + int(settings.seconds * 1_000_000), where=came)
        here.go()
