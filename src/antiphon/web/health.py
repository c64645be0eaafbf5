"""For those who watch over the process: alive, ready, and its metrics."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from typing import Any, Literal

import msgspec
from litestar import Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from antiphon.foundation.access.authenticate import authenticate
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError, Unavailable
from antiphon.foundation.http import PUBLIC, get
from antiphon.foundation.http.guard import NotSignedIn, PermissionMissing
from antiphon.web.metrics import MetricsBoard

PATIENCE = 3.0  # seconds a store may take to answer


class NotReady(Unavailable):
    """Not ready: {part} does not answer."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """All is well."""

    status: Literal["ok"] = "ok"


@get("/healthz", permission=PUBLIC, opt={"quiet": True}, tags=["health"])
async def healthz() -> Health:
    """The process lives."""
    return Health()


@get("/readyz", permission=PUBLIC, opt={"quiet": True}, tags=["health"])
async def readyz(ctx: Context) -> Health:
    """Both stores answer."""
    try:
        async with asyncio.timeout(PATIENCE), ctx.db.connection() as conn:
            await conn.execute("select 1")
    except (AntiphonError, TimeoutError, OSError) as failed:
        raise NotReady(part="the database") from failed
    try:
        await ctx.lake.run("select 1", timeout=PATIENCE)
    except (AntiphonError, TimeoutError, OSError) as failed:
        raise NotReady(part="the lake") from failed
    return Health()


def _is_near(request: Request[Any, Any, Any]) -> bool:
    """Asked from this machine or its private network, not through a proxy."""
    client = request.scope.get("client")
    if "x-forwarded-for" in request.headers or "forwarded" in request.headers or client is None:
        return False
    try:
        return ip_address(client[0]).is_private
    except ValueError:
        return False


@get("/metrics", permission=PUBLIC, opt={"quiet": True}, tags=["health"], problems=(401, 403), media_type="text/plain")
async def metrics(ctx: Context, request: Request[Any, Any, Any]) -> Response[bytes]:
    """Prometheus metrics of every process.

    From outside the private network, or through a proxy, it needs a key with `settings:read`.
    """
    if not _is_near(request):
        who = await authenticate(ctx, request)
        if who is None:
            raise NotSignedIn
        if not who.may("settings:read"):
            raise PermissionMissing(permission="settings:read")
    return Response(await ctx.get(MetricsBoard).read(), media_type=CONTENT_TYPE_LATEST)


HEALTH = (healthz, readyz, metrics)
