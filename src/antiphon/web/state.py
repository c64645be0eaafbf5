"""What one api process knows of the whole installation."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.foundation.rooms import Room


class Installation:
    """The rooms switched on, and all there are; `ctx.get(Installation)`."""

    def __init__(self, rooms: Sequence[Room], known: Sequence[Room]) -> None:
        self.rooms = tuple(rooms)
        self.known = tuple(known)
        self.document: bytes | None = None
