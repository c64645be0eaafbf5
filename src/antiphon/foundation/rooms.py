"""What a room gives to the house. `app.py` lists the rooms; nothing else knows them all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Literal

from antiphon.foundation.context import Context
from antiphon.foundation.errors import BadSettings
from antiphon.foundation.jobs import JobKind
from antiphon.foundation.loops import Loop
from antiphon.foundation.notices import Listener
from antiphon.foundation.postgres import Connection

Role = Literal["owner", "marketer", "analyst", "agent", "branch_manager", "developer"]
Process = Literal["api", "worker", "cli"]


@dataclass(frozen=True)
class Resource:
    """Something one process keeps open for a room: `ctx.get(cls)` finds it."""

    cls: type[Any]
    open: Callable[[Context], AbstractAsyncContextManager[Any]]
    processes: frozenset[Process] = frozenset({"api", "worker"})


@dataclass(frozen=True)
class Room:
    """A folder of one floor: its routes, background work, permissions and what it does about one person's data."""

    name: str
    floor: str
    routes: Sequence[Any] = ()
    loops: Sequence[Loop] = ()
    jobs: Sequence[JobKind] = ()
    listeners: Sequence[Listener] = ()
    permissions: Mapping[str, tuple[Role, ...]] = field(default_factory=dict)
    """Permission (`room:verb`) → the roles that have it; the owner has all."""
    resources: Sequence[Resource] = ()
    requires: tuple[str, ...] = ()
    """Rooms without which this one cannot be switched on."""
    always: bool = False
    """This room cannot be switched off."""
    erase: Callable[[Context, Connection, int], Awaitable[None]] | None = None
    export: Callable[[Context, Connection, int], Awaitable[Mapping[str, Any]]] | None = None
    sweep: Callable[[Context, Sequence[str]], Awaitable[None]] | None = None
    """Removes files that name a person by any of these identities; called before `erase`, and again if that fails."""
    overview: Callable[[Context, Connection], Awaitable[Mapping[str, float]]] | None = None
    """Numbers for the console's live overview."""
    migrate: Callable[[Context], Awaitable[None]] | None = None
    """What must exist before the room works, beyond migrations (runs once at start of each worker, idempotent)."""


@dataclass(frozen=True)
class House:
    """The rooms that run in this process's installation; `ctx.get(House)`."""

    rooms: tuple[Room, ...]


class UnknownRoom(BadSettings):
    """rooms_off names {room}, which is no room that can be switched off; those are: {rooms}."""


class RoomNeeded(BadSettings):
    """Room {room} needs {needed}, which is switched off; switch {room} off as well, or {needed} on."""


def switched_on(rooms: Sequence[Room], off: Sequence[str]) -> list[Room]:
    """The rooms that run, in order. Raises UnknownRoom or RoomNeeded for a setting that makes no sense."""
    can = {room.name for room in rooms if not room.always}
    for name in off:
        if name not in can:
            raise UnknownRoom(room=name, rooms=", ".join(sorted(can)), field="rooms_off")
    on = [room for room in rooms if room.name not in off]
    names = {room.name for room in on}
    for room in on:
        for needed in room.requires:
            if needed not in names:
                raise RoomNeeded(room=room.name, needed=needed, field="rooms_off")
    return on
