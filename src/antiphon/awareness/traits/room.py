"""What traits give to the house."""

from __future__ import annotations

from collections.abc import Mapping

from antiphon.awareness.profiles import newcomers_waiting
from antiphon.awareness.traits import service, store
from antiphon.awareness.traits.http import ROUTES
from antiphon.awareness.traits.loops import LOOPS
from antiphon.awareness.traits.service import JOBS
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection
from antiphon.foundation.rooms import Room


async def overview(ctx: Context, conn: Connection) -> Mapping[str, float]:
    """How many customers' changes are not in the mirror yet (100,000 and more count as that)."""
    return {"waiting": min(100_000, await store.count_dirty(conn) + await newcomers_waiting(conn))}


ROOM = Room(
    name="traits",
    floor="awareness",
    always=True,
    routes=ROUTES,
    loops=LOOPS,
    jobs=JOBS,
    erase=service.erase,
    overview=overview,
    permissions={
        "traits:read": ("marketer", "analyst", "agent", "branch_manager", "developer"),
        "traits:write": ("marketer", "developer"),
    },
)
