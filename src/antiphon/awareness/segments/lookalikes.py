"""Where a model of likeness comes in: predictions register one here, and conditions of the kind ``lookalike`` ask it."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeAlias

from pyroaring import BitMap

from antiphon.foundation.context import Context

Resolver: TypeAlias = Callable[[Context, int, float, datetime], Awaitable[BitMap]]
"""Given a segment's id, a percentage and an instant: the profiles most like its members, those of the segment included."""


class Lookalikes:
    """The model of this process, if it has one."""

    def __init__(self) -> None:
        self._resolver: Resolver | None = None

    def __bool__(self) -> bool:
        return self._resolver is not None

    def register(self, resolver: Resolver) -> None:
        """Answer the conditions of the kind ``lookalike`` from now on."""
        self._resolver = resolver

    async def find(self, ctx: Context, segment_id: int, percent: float, now: datetime) -> BitMap:
        """Return who is alike. A tree that asks this has passed ``rules.validate``, which wants a model."""
        if self._resolver is None:
            raise LookupError("no model of likeness is registered")
        return await self._resolver(ctx, segment_id, percent, now)
