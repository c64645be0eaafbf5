"""What profiles give to the house."""

from __future__ import annotations

from collections.abc import Mapping

from antiphon.awareness.profiles import service
from antiphon.awareness.profiles.declaring import KIND_ROUTES
from antiphon.awareness.profiles.erasing import JOBS
from antiphon.awareness.profiles.http import ROUTES
from antiphon.awareness.profiles.loops import LOOPS
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection
from antiphon.foundation.rooms import Room


async def overview(ctx: Context, conn: Connection) -> Mapping[str, float]:
    """How many customers there are."""
    return {"profiles": await service.count_profiles(conn)}


ROOM = Room(
    name="profiles",
    floor="awareness",
    always=True,
    routes=(*ROUTES, *KIND_ROUTES),
    loops=LOOPS,
    jobs=JOBS,
    permissions={
        "profiles:read": ("marketer", "analyst", "agent", "branch_manager", "developer"),
        "profiles:write": ("analyst", "agent"),
        "profiles:export": ("analyst", "agent"),
        "profiles:personal": ("marketer", "agent", "branch_manager"),
        "profiles:erase": (),
        "profiles:kinds": ("developer",),
    },
    export=service.export,
    erase=service.erase,
    overview=overview,
)
