"""The application one api process runs: every room's routes behind one guard, one error mapping and one shell."""

from __future__ import annotations

import asyncio
import signal
import threading
import warnings
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import LitestarDeprecationWarning
from litestar.handlers import ASGIRouteHandler, BaseRouteHandler, HTTPRouteHandler
from litestar.openapi import OpenAPIConfig

from antiphon.app import all_rooms, rooms_of
from antiphon.foundation.access import Access
from antiphon.foundation.access.authenticate import authenticate
from antiphon.foundation.clock import Clock
from antiphon.foundation.config import Settings
from antiphon.foundation.http import Shell, answer, authorise, provide_ctx, provide_who
from antiphon.foundation.http.routes import PUBLIC, SIGNED_IN
from antiphon.foundation.principal import Role
from antiphon.foundation.process import open_context
from antiphon.foundation.rooms import Room
from antiphon.web.console import console
from antiphon.web.express import KeyExpress
from antiphon.web.health import HEALTH
from antiphon.web.live import LiveFeed
from antiphon.web.openapi import openapi_json
from antiphon.web.state import Installation

MAX_BODY = 1_000_000
"""Bytes of a body unless the route says otherwise."""


class RouteWithoutPermission(TypeError):
    """A route names no permission, or one that no room declares."""


def declared_permissions(rooms: Sequence[Room]) -> dict[str, tuple[Role, ...]]:
    """Permission → roles, over all rooms."""
    return {name: tuple(roles) for room in rooms for name, roles in room.permissions.items()}


def check_permissions(handlers: Sequence[BaseRouteHandler], declared: Mapping[str, tuple[Role, ...]]) -> None:
    """Refuse to start with a route nobody guards."""
    for handler in handlers:
        permission = handler.opt.get("permission")
        if permission not in (PUBLIC, SIGNED_IN) and permission not in declared:
            raise RouteWithoutPermission(f"{sorted(handler.paths)} ({handler}): permission {permission!r}")


def compose(rooms: Sequence[Room], *, lifespan: Sequence[Any] = (), openapi: OpenAPIConfig | None = None) -> Litestar:
    """The routes of these rooms and of the house as one Litestar application."""
    routes: list[BaseRouteHandler] = [route for room in rooms for route in room.routes]
    routes += [*HEALTH, openapi_json, console]
    check_permissions(routes, declared_permissions(rooms))
    with warnings.catch_warnings():
        # Our routes take parameters by name, as all of 2.x allows; the version is pinned and 3.0's markers say no more.
        warnings.simplefilter("ignore", LitestarDeprecationWarning)
        return _litestar(routes, lifespan, openapi)


def _litestar(routes: Sequence[BaseRouteHandler], lifespan: Sequence[Any], openapi: OpenAPIConfig | None) -> Litestar:
    return Litestar(
        route_handlers=list(routes),
        guards=[authorise],
        dependencies={"ctx": Provide(provide_ctx), "who": Provide(provide_who)},
        exception_handlers={Exception: answer},
        lifespan=list(lifespan),
        state=State({"authenticate": authenticate}),
        request_max_body_size=MAX_BODY,
        openapi_config=openapi,
        logging_config=None,
        debug=False,
    )


def hot_handlers(rooms: Sequence[Room]) -> dict[str, Any]:
    """Plain ASGI handlers that guard themselves, by path."""
    routes = [route for room in rooms for route in room.routes if isinstance(route, ASGIRouteHandler)]
    return {path: route.fn for route in routes if route.opt["permission"] == PUBLIC for path in route.paths}


def swift_ways(rooms: Sequence[Room]) -> dict[str, Any]:
    """The quick ways of hot addresses, by path."""
    routes = [route for room in rooms for route in room.routes if isinstance(route, ASGIRouteHandler) and "swift" in route.opt]
    return {path: route.opt["swift"] for route in routes for path in route.paths}


def express_ways(app: Litestar) -> list[KeyExpress]:
    """The routes that have a quick way for keys."""
    handlers = [one for route in app.routes for one in getattr(route, "route_handlers", ())]
    return [
        KeyExpress(path, handler.opt["permission"], handler.opt["express"], app.state)
        for handler in handlers
        if isinstance(handler, HTTPRouteHandler) and "express" in handler.opt
        for path in sorted(handler.paths)
    ]


@asynccontextmanager
async def _closing(feed: LiveFeed) -> AsyncIterator[None]:
    """End the live streams when the process is told to stop: the server waits for every open answer."""
    loop = asyncio.get_running_loop()
    previous = signal.getsignal(signal.SIGTERM)

    def stop(number: int, frame: Any) -> None:
        loop.call_soon_threadsafe(feed.close)
        if callable(previous):
            previous(number, frame)

    main = threading.current_thread() is threading.main_thread()
    if main:
        signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        feed.close()
        if main and signal.getsignal(signal.SIGTERM) is stop:
            signal.signal(signal.SIGTERM, previous)


@asynccontextmanager
async def _as_told(app: Litestar) -> AsyncIterator[None]:
    """Open what `create_app` said."""
    async with app.state.opened(app):
        yield


def create_app(
    settings: Settings,
    *,
    database_url: str,
    lake_socket: str,
    clock: Clock | None = None,
    rooms: Sequence[Room] | None = None,
    composed: Litestar | None = None,
) -> Shell:
    """What the server runs. The stores are opened when it starts and closed, with every room's resource, when it ends.

    `composed` is an application of the same rooms that has ended: it is begun anew, which is quicker than composing another.
    Raises BadSettings for rooms that cannot be switched off so.
    """
    on = rooms_of(settings) if rooms is None else list(rooms)

    @asynccontextmanager
    async def opened(app: Litestar) -> AsyncIterator[None]:
        stores = open_context(settings, "api", on, database_url=database_url, lake_socket=lake_socket, clock=clock)
        async with stores as ctx:
            feed = LiveFeed(ctx, on)
            ctx.put(Access, Access(declared_permissions(on), [room.name for room in on]))
            ctx.put(Installation, Installation(on, all_rooms() if rooms is None else on))
            ctx.put(LiveFeed, feed)
            app.state.ctx = ctx
            async with _closing(feed):
                yield

    https = settings.base_url.startswith("https:")
    app = compose(on, lifespan=[_as_told]) if composed is None else composed
    app.state.opened = opened
    return Shell(app, https=https, hot=hot_handlers(on), express=express_ways(app), swift=swift_ways(on))
