"""`antiphon worker`: one process of background work, started by `serve` or by hand on another machine."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Sequence

import click
import uvloop

from antiphon.cli.installation import LAKE_SOCKET
from antiphon.foundation import jobs, notices
from antiphon.foundation.config import Settings, load_settings
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError, BadSettings
from antiphon.foundation.loops import LoopRunner
from antiphon.foundation.process import open_context
from antiphon.foundation.rooms import Room
from antiphon.foundation.supervisor import HOPELESS
from antiphon.foundation.telemetry import configure_logs, get_logger
from antiphon.foundation.turns import LONG, ask_turns

log = get_logger(__name__)

_COLLECT = (50_000, 20, 20)
"""A transaction over thousands of rows makes thousands of tuples and no cycles: at Python's own 700 a quarter of its time went
into looking for them."""


@click.command("worker")
def command() -> None:
    """Do background work for the database ANTIPHON_DATABASE_URL until told to stop; what is under way is finished."""
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    ask_turns(LONG)
    try:
        uvloop.run(work(settings))
    except BadSettings as failed:
        click.echo(f"antiphon worker: {failed}", err=True)
        sys.exit(HOPELESS)


async def work(settings: Settings) -> None:
    """Run every loop of the rooms switched on until SIGTERM or SIGINT; then let the ticks that run come to their end."""
    if not settings.database_url:
        raise BadSettings("a worker needs ANTIPHON_DATABASE_URL; `antiphon serve` starts one with a database of its own")
    if not os.environ.get(LAKE_SOCKET):
        raise BadSettings(f"a worker needs a lake process: {LAKE_SOCKET} names its socket (`antiphon serve` sets it)")
    from antiphon.app import rooms_of  # every room: only this command needs them, not `antiphon --help`

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    rooms = rooms_of(settings)
    opened = open_context(settings, "worker", rooms, database_url=settings.database_url, lake_socket=os.environ[LAKE_SOCKET])
    async with opened as ctx:
        await _prepare(ctx, rooms, stop)
        loops = [*jobs.LOOPS, *notices.LOOPS, *(loop for room in rooms for loop in room.loops)]
        runner = LoopRunner(ctx, loops)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECT)
        if not stop.is_set():
            await runner.start()
            log.info("worker started", node=ctx.node, loops=len(loops))
            await stop.wait()
            await runner.stop()
        log.info("worker stopped", node=ctx.node)


async def _prepare(ctx: Context, rooms: Sequence[Room], stop: asyncio.Event) -> None:
    """What rooms need beyond migrations. The lake may still be starting: what is not permanent is tried again."""
    for room in rooms:
        delay = 0.1
        while room.migrate is not None and not stop.is_set():
            try:
                await room.migrate(ctx)
                break
            except AntiphonError as failed:
                if failed.permanent:
                    raise
                if delay > 1:
                    log.warning("waiting to prepare", prepared=room.name, error=str(failed))
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)
