"""What consent gives to the house."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from antiphon.awareness.consent import personal
from antiphon.awareness.consent.http import ROUTES
from antiphon.awareness.consent.loops import LOOPS
from antiphon.awareness.consent.many import record_many
from antiphon.awareness.consent.model import ChannelRegistry
from antiphon.awareness.consent.preferences.http import PREFERENCE_ROUTES
from antiphon.awareness.consent.preferences.pace import Pace
from antiphon.awareness.consent.preferences.public import PUBLIC_ROUTES
from antiphon.awareness.consent.suppressions import SUPPRESSION_ROUTES
from antiphon.awareness.profiles import MergeUndone, ProfilesMerged
from antiphon.foundation.context import Context
from antiphon.foundation.notices import Listener
from antiphon.foundation.rooms import Resource, Room


@asynccontextmanager
async def open_registry(ctx: Context) -> AsyncIterator[ChannelRegistry]:
    """An empty registry; execution's channels enter themselves when they open."""
    yield ChannelRegistry()


@asynccontextmanager
async def open_pace(ctx: Context) -> AsyncIterator[Pace]:
    """How fast one customer's page may be called."""
    yield Pace()


ROOM = Room(
    name="consent",
    floor="awareness",
    always=True,
    routes=(*ROUTES, *SUPPRESSION_ROUTES, *PREFERENCE_ROUTES, *PUBLIC_ROUTES, record_many),
    loops=LOOPS,
    permissions={
        "consent:read": ("marketer", "analyst", "agent", "branch_manager", "developer"),
        "consent:write": ("marketer", "agent", "branch_manager", "developer"),
        "consent:manage": ("marketer", "developer"),
    },
    listeners=(
        Listener("consent.fold_together", ProfilesMerged, personal.fold_together),
        Listener("consent.part_again", MergeUndone, personal.part_again),
    ),
    resources=(
        Resource(ChannelRegistry, open_registry, frozenset({"api", "worker", "cli"})),
        Resource(Pace, open_pace, frozenset({"api"})),
    ),
    export=personal.export,
    erase=personal.erase,
)
