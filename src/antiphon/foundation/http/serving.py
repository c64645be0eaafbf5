"""The processes that serve an application on one port: made by fork after everything was loaded, begun anew when one dies."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import multiprocessing
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.context import ForkProcess
from typing import Any

import uvloop
from uvicorn import Config, Server

from antiphon.foundation.http.line import PATIENCE, Line, Swift
from antiphon.foundation.http.shell import Shell
from antiphon.foundation.tasks import end_task
from antiphon.foundation.telemetry import get_logger
from antiphon.foundation.turns import SHORT, ask_turns

log = get_logger(__name__)

BACKLOG = 2048
_AGAIN = 0.5  # seconds before a process that died is begun anew
_LOOK = 5.0  # seconds between two looks for silent connections


class _Server(Server):
    """Serves until SIGTERM or SIGINT, then returns; what was accepted is finished."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:  # not raised again at the end: an end that was asked for is no failure
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, self.handle_exit)
        yield


async def _watch(server: Server) -> None:
    loop = asyncio.get_running_loop()
    settled = False
    while True:
        await asyncio.sleep(_LOOK)
        if not settled and server.started:  # what was made at the start stays: it need not be looked through again and again
            settled = True
            gc.collect()
            gc.freeze()
        now = loop.time()
        for connection in list(server.server_state.connections):
            if isinstance(connection, Line):
                connection.look(now)


async def serve_here(
    app: Any, ways: Mapping[bytes, Swift], listener: socket.socket, finish: float, ready: Callable[[Server], None] | None = None
) -> None:
    """Serve in this process until told to stop; accepted requests get `finish` seconds. `ways` are the swift addresses."""
    line = type("Line", (Line,), {"ways": ways, "_heads": {}})
    config = Config(
        app, http=line, ws="none", lifespan="on", log_config=None, access_log=False, proxy_headers=False, server_header=False,
        backlog=BACKLOG, timeout_keep_alive=int(PATIENCE), timeout_graceful_shutdown=int(finish),
    )  # fmt: skip
    server = _Server(config)
    if ready is not None:
        ready(server)
    watch = asyncio.create_task(_watch(server))
    try:
        await server.serve(sockets=[listener])
    finally:
        await end_task(watch)


def _work(make: Callable[[], Shell], listener: socket.socket, finish: float) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    ask_turns(SHORT)
    app = make()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve_here(app, app.swift, listener, finish))


def listen(host: str, port: int) -> socket.socket:
    """A listening socket that our processes share."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def serve(make: Callable[[], Shell], *, host: str, port: int, processes: int, finish: float) -> None:
    """Run so many processes, each with an application of its own from `make`, until SIGTERM, SIGINT or SIGHUP."""
    stop: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: stop.append(number))
    fork = multiprocessing.get_context("fork")
    listener = listen(host, port)

    def begin() -> ForkProcess:
        process = fork.Process(target=_work, args=(make, listener, finish))
        process.start()
        return process

    running: list[Any] = [begin() for _ in range(processes)]
    again = [0.0] * processes
    while not stop:
        for n, process in enumerate(running):
            if process is not None and not process.is_alive():
                log.warning("api process ended, starting another", code=process.exitcode)
                running[n], again[n] = None, time.monotonic() + _AGAIN
            elif process is None and time.monotonic() >= again[n]:
                running[n] = begin()
        time.sleep(0.05)
    listener.close()
    live = [process for process in running if process is not None]
    for process in live:
        process.terminate()
    until = time.monotonic() + finish
    for process in live:
        process.join(max(0.0, until - time.monotonic()))
        if process.is_alive():
            process.kill()
            process.join()
