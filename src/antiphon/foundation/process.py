"""One process of an installation: its context with the rooms' resources, opened and closed in order."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Literal

from antiphon.foundation.clock import Clock, SharedClock
from antiphon.foundation.config import Settings
from antiphon.foundation.context import Context, read_offset
from antiphon.foundation.ids import random_token
from antiphon.foundation.jobs import register_kinds
from antiphon.foundation.lake import LakeClient
from antiphon.foundation.notices import LISTENERS
from antiphon.foundation.personal import PERSONAL
from antiphon.foundation.postgres import Database
from antiphon.foundation.rooms import House, Room
from antiphon.foundation.tasks import end_task
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)


def node_name(kind: str) -> str:
    """Unique for each start of each process."""
    return f"{kind}-{socket.gethostname()}-{os.getpid()}-{random_token(4)}"


async def _keep_clock(ctx: Context, clock: SharedClock) -> None:
    while True:
        try:
            async with ctx.db.connection() as conn:
                clock.offset = await read_offset(conn)
        except Exception as failed:
            log.warning("clock offset not read", error=repr(failed))
        await asyncio.sleep(1)


@asynccontextmanager
async def open_context(
    settings: Settings,
    kind: Literal["api", "worker", "cli"],
    rooms: Sequence[Room],
    *,
    database_url: str,
    lake_socket: str,
    clock: Clock | None = None,
    pool: int = 8,
) -> AsyncIterator[Context]:
    """Open the stores and every resource the rooms want in this kind of process; close them in reverse."""
    async with AsyncExitStack() as stack:
        node = node_name(kind)
        db = await Database.open(database_url, name=node, max_size=pool)
        stack.push_async_callback(db.close)
        lake = LakeClient(lake_socket)
        stack.push_async_callback(lake.close)
        kept = clock or SharedClock()
        ctx = Context(settings=settings, db=db, lake=lake, clock=kept, secret=settings.secret_bytes(), node=node, kind=kind)
        if isinstance(kept, SharedClock):
            async with db.connection() as conn:
                kept.offset = await read_offset(conn)
            keeper = asyncio.create_task(_keep_clock(ctx, kept))
            stack.push_async_callback(end_task, keeper)
        PERSONAL.register(rooms)
        ctx.put(House, House(tuple(rooms)))
        for room in rooms:
            LISTENERS.register(room.listeners)
            register_kinds(room.jobs)
            for resource in room.resources:
                if kind in resource.processes:
                    ctx.put(resource.cls, await stack.enter_async_context(resource.open(ctx)))
                    stack.callback(ctx.drop, resource.cls)
        yield ctx
