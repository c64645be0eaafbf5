"""Steps from which people go different ways."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import msgspec

from antiphon.awareness.segments import Node
from antiphon.execution.journeys.contract import Here, Surroundings
from antiphon.execution.journeys.model import Finding


class Condition:
    """Who fulfils a condition goes by ``yes``, everybody else by ``no``."""

    name: ClassVar[str] = "condition"
    group: ClassVar[str] = "branch"

    class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``condition``: a segment's tree, judged at this moment."""

        condition: Node

    def exits(self, settings: Settings) -> Sequence[str]:
        return ("yes", "no")

    def rests(self, settings: Settings) -> bool:
        return False

    def hears(self, settings: Settings) -> Sequence[str]:
        return ()

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        return around.check_tree(settings.condition, f"{place}.condition")

    async def run(self, settings: Settings, here: Here) -> None:
        holds = await here.world.holds(settings.condition, here.profile, here.at)
        here.go("yes", where=holds)
        here.go("no")
