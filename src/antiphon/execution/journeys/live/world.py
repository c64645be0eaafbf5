"""The world as it is: what steps see is read, and what they do is written, in the transaction that moves the people.

Everything is done at once, on the caller's connection; nothing is kept for later, so a tick that is rolled back did nothing.
Whoever moves passages holds their rows (``for update``): the answers of other systems are written to them by another loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.awareness.events import JournalTransaction
from antiphon.awareness.segments import Node
from antiphon.decisioning.experiments import fractions_of
from antiphon.execution.journeys.contract import Bools, Here, Ints, Message, Request
from antiphon.execution.journeys.engine import Plan
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection


class Live:
    """The `World` of the live engine, for people of one version, in one transaction, at one instant."""

    live = True

    def __init__(
        self, ctx: Context, conn: Connection, plan: Plan, now: datetime, journal: JournalTransaction | None = None
    ) -> None:
        """``journal``: where events are raised, in the same transaction; there where the plan has kinds that say ``appends``."""
        self.ctx = ctx
        self.journal = journal
        self.conn = conn
        self.plan = plan
        self.now = now

    async def traits(self, profiles: Ints, at: Ints, names: Sequence[str]) -> Mapping[str, Sequence[Any]]:
        raise NotImplementedError

    async def holds(self, tree: Node, profiles: Ints, at: Ints) -> Bools:
        raise NotImplementedError

    async def inside(self, segment_id: int, profiles: Ints, at: Ints) -> Bools:
        raise NotImplementedError

    async def zones(self, profiles: Ints) -> Sequence[str]:
        raise NotImplementedError

    async def reaches(self, channel: str, message: Message, profiles: Ints, at: Ints) -> Bools:
        raise NotImplementedError

    async def preferred(self, profiles: Ints) -> Sequence[str | None]:
        raise NotImplementedError

    async def cost(self, channel: str) -> int:
        raise NotImplementedError

    async def say(
        self, here: Here, message: Message, places: Ints, variables: Sequence[Mapping[str, Any]]
    ) -> Sequence[str | None]:
        raise NotImplementedError

    async def said(self, here: Here, step: str) -> Mapping[str, Bools]:
        raise NotImplementedError

    async def remembers(self, profiles: Ints, at: Ints) -> Sequence[Mapping[str, Any]]:
        raise NotImplementedError

    async def set_traits(self, here: Here, places: Ints, values: Mapping[str, Sequence[Any]]) -> None:
        raise NotImplementedError

    async def tag(self, here: Here, places: Ints, trait: str, add: Sequence[str], remove: Sequence[str]) -> None:
        raise NotImplementedError

    async def consent(self, here: Here, places: Ints, channel: str, topic: str, state: str) -> None:
        raise NotImplementedError

    async def raise_event(self, here: Here, places: Ints, name: str, properties: Sequence[Mapping[str, Any]]) -> None:
        raise NotImplementedError

    async def ask(self, here: Here, places: Ints, request: Request, bodies: Sequence[Mapping[str, Any]]) -> None:
        raise NotImplementedError

    async def start_journey(self, here: Here, places: Ints, journey_id: int) -> Bools:
        raise NotImplementedError

    async def stop_journey(self, here: Here, places: Ints, journey_id: int) -> None:
        raise NotImplementedError

    async def take_turns(self, here: Here, places: Ints, most: int, seconds: float) -> Ints:
        raise NotImplementedError

    async def arms(self, here: Here, places: Ints, experiment: str) -> Sequence[str | None]:
        raise NotImplementedError

    def fractions(self, name: str, profiles: Ints) -> NDArray[np.float64]:
        return fractions_of(self.ctx.secret, name, profiles)
