"""What every room knows of one person: the hooks by which a customer is exported and erased everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection

if TYPE_CHECKING:
    from antiphon.foundation.rooms import Room


class PersonalRooms:
    """The rooms of this installation that keep personal data; filled when a process opens."""

    def __init__(self) -> None:
        self._rooms: dict[str, Room] = {}

    def register(self, rooms: Sequence[Room]) -> None:
        """Rooms from the lowest to the highest."""
        self._rooms.update({room.name: room for room in rooms if room.erase or room.export or room.sweep})

    async def export(self, ctx: Context, conn: Connection, profile_id: int) -> dict[str, Any]:
        """What each room says of a person, by room."""
        return {name: dict(await room.export(ctx, conn, profile_id)) for name, room in self._rooms.items() if room.export}

    async def sweep(self, ctx: Context, words: Sequence[str]) -> None:
        """Before a person is forgotten, while it is known what they are called: files that name them go."""
        for room in reversed(self._rooms.values()):
            if room.sweep:
                await room.sweep(ctx, words)

    async def erase(self, ctx: Context, conn: Connection, profile_id: int) -> None:
        """Each room forgets a person, the highest first, so that nothing points at what is gone."""
        for room in reversed(self._rooms.values()):
            if room.erase:
                await room.erase(ctx, conn, profile_id)


PERSONAL = PersonalRooms()
