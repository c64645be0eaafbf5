"""What events give to the house."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from antiphon.awareness.events import service, store
from antiphon.awareness.events.http import ROUTES
from antiphon.awareness.events.journal import Journal, open_journal
from antiphon.awareness.events.loops import LOOPS
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import UNTIL_DONE, JobKind
from antiphon.foundation.postgres import Connection
from antiphon.foundation.rooms import Resource, Room


async def overview(ctx: Context, conn: Connection) -> Mapping[str, float]:
    """Events of the last minute, rejects that wait, and how much is accepted but not yet understood."""
    row = (await store.rows(conn, "overview", since=ctx.clock.now() - timedelta(minutes=1)))[0]
    return {name: float(value) for name, value in row.items()}


ROOM = Room(
    name="events",
    floor="awareness",
    always=True,
    routes=ROUTES,
    loops=LOOPS,
    jobs=(JobKind("events.erase_cold", service.run_cold_erasure, tries=UNTIL_DONE),),
    permissions={
        "events:read": ("marketer", "analyst", "agent", "branch_manager", "developer"),
        "events:manage": ("developer",),
    },
    resources=(Resource(Journal, open_journal, frozenset({"api", "worker", "cli"})),),
    export=service.export,
    erase=service.erase,
    overview=overview,
)
