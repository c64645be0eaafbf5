"""What consent gives to the house."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from antiphon.awareness.consent import service
from antiphon.awareness.consent.http import ROUTES
from antiphon.awareness.consent.many import record_many
from antiphon.awareness.consent.model import ChannelRegistry
from antiphon.awareness.profiles import MergeUndone, ProfilesMerged
from antiphon.foundation.context import Context
from antiphon.foundation.notices import Listener
from antiphon.foundation.rooms import Resource, Room


@asynccontextmanager
async def open_registry(ctx: Context) -> AsyncIterator[ChannelRegistry]:
    """An empty registry; execution's channels enter themselves when they open."""
    yield ChannelRegistry()


ROOM = Room(
    name="consent",
    floor="awareness",
    always=True,
    routes=(*ROUTES, record_many),
    permissions={
        "consent:read": ("marketer", "analyst", "agent", "branch_manager", "developer"),
        "consent:write": ("marketer", "agent", "branch_manager", "developer"),
    },
    listeners=(
        Listener("consent.fold_together", ProfilesMerged, service.fold_together),
        Listener("consent.part_again", MergeUndone, service.part_again),
    ),
    resources=(Resource(ChannelRegistry, open_registry, frozenset({"api", "worker", "cli"})),),
    export=service.export,
    erase=service.erase,
)
