"""Who uses segments: rooms above, which this one does not know, tell by verbs they register."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from antiphon.foundation.postgres import Connection


class OtherUse(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is no segment and uses one: a campaign. While it is `active` its segments are not put away."""

    kind: str
    id: int
    name: str
    state: str
    active: bool


Verb = Callable[[Connection, int], Awaitable[Sequence[OtherUse]]]


class SegmentUsers:
    """The verbs of rooms above that say what uses a segment."""

    def __init__(self) -> None:
        self._verbs: dict[str, Verb] = {}

    def register(self, kind: str, verb: Verb) -> None:
        """`verb(conn, segment_id)` gives what of this kind uses a segment."""
        self._verbs[kind] = verb

    async def of(self, conn: Connection, segment_id: int) -> list[OtherUse]:
        """Everything that uses a segment, by kind and id."""
        found = [use for verb in self._verbs.values() for use in await verb(conn, segment_id)]
        return sorted(found, key=lambda use: (use.kind, use.id))
