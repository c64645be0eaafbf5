"""What segments give to the house."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from antiphon.awareness.profiles import ProfilesMerged
from antiphon.awareness.segments import growth, service
from antiphon.awareness.segments.catalogue import Catalogues
from antiphon.awareness.segments.http import ROUTES
from antiphon.awareness.segments.lookalikes import Lookalikes
from antiphon.awareness.segments.lookup import Memberships
from antiphon.awareness.segments.loops import LOOPS
from antiphon.awareness.segments.users import SegmentUsers
from antiphon.foundation.context import Context
from antiphon.foundation.notices import Listener
from antiphon.foundation.rooms import Resource, Room


@asynccontextmanager
async def open_memberships(ctx: Context) -> AsyncIterator[Memberships]:
    """The members of all segments; read when first asked for."""
    kept = Memberships(ctx)
    try:
        yield kept
    finally:
        await kept.close()


@asynccontextmanager
async def open_catalogues(ctx: Context) -> AsyncIterator[Catalogues]:
    """The builder's catalogue; read when first asked for."""
    yield Catalogues(ctx)


@asynccontextmanager
async def open_lookalikes(ctx: Context) -> AsyncIterator[Lookalikes]:
    """Where predictions register their model of likeness."""
    yield Lookalikes()


@asynccontextmanager
async def open_users(ctx: Context) -> AsyncIterator[SegmentUsers]:
    """Where rooms above register what they use segments for."""
    yield SegmentUsers()


ROOM = Room(
    name="segments",
    floor="awareness",
    always=True,
    routes=ROUTES,
    loops=(*LOOPS, *growth.LOOPS),
    resources=(
        Resource(Memberships, open_memberships),
        Resource(Catalogues, open_catalogues),
        Resource(Lookalikes, open_lookalikes),
        Resource(SegmentUsers, open_users),
    ),
    permissions={
        "segments:read": ("marketer", "analyst", "agent", "branch_manager", "developer"),
        "segments:write": ("marketer", "analyst"),
    },
    listeners=(Listener("segments.fold_together", ProfilesMerged, service.fold_together),),
    erase=service.erase,
    export=service.export,
)
