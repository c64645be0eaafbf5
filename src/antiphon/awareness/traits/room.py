"""What traits give to the house."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from antiphon.awareness.profiles import MergeUndone, ProfilesMerged, every_id, newcomers_waiting
from antiphon.awareness.traits import service, store
from antiphon.awareness.traits.computed import service as computed
from antiphon.awareness.traits.computed.loops import LOOPS as COMPUTED_LOOPS
from antiphon.awareness.traits.http import ROUTES
from antiphon.awareness.traits.loops import LOOPS
from antiphon.awareness.traits.service import JOBS
from antiphon.foundation.context import Context
from antiphon.foundation.notices import Listener
from antiphon.foundation.postgres import Connection
from antiphon.foundation.rooms import Room


async def overview(ctx: Context, conn: Connection) -> Mapping[str, float]:
    """How many customers' changes are not in the mirror yet (100,000 and more count as that)."""
    return {"waiting": min(100_000, await store.count_dirty(conn) + await newcomers_waiting(conn))}


async def export(ctx: Context, conn: Connection, profile_id: int) -> Mapping[str, Any]:
    """What was said of a customer and refused, for their own copy; the traits themselves are the profile's."""
    return {"refused_traits": await store.export_refusals(conn, await every_id(conn, profile_id))}


async def erase(ctx: Context, conn: Connection, profile_id: int) -> None:
    """Forget a customer in the tallies at once, and in the mirror by a job."""
    await computed.erase(conn, profile_id)
    await service.erase(ctx, conn, profile_id)


ROOM = Room(
    name="traits",
    floor="awareness",
    always=True,
    routes=ROUTES,
    loops=(*LOOPS, *COMPUTED_LOOPS),
    listeners=(
        Listener("traits.merged", ProfilesMerged, computed.merged),
        Listener("traits.parted", MergeUndone, computed.parted),
    ),
    jobs=JOBS,
    export=export,
    erase=erase,
    overview=overview,
    permissions={
        "traits:read": ("marketer", "analyst", "agent", "branch_manager", "developer"),
        "traits:write": ("marketer", "developer"),
    },
)
