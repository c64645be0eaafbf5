"""Before each handler: who calls, and whether they may."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar.connection import ASGIConnection, Request
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler

from antiphon.foundation.context import Context
from antiphon.foundation.errors import Forbidden, NotAuthenticated
from antiphon.foundation.http.routes import PUBLIC, SIGNED_IN
from antiphon.foundation.principal import STRANGER, Principal

Connection = ASGIConnection[Any, Any, Any, Any]
Authenticate = Callable[[Context, Connection], Awaitable[Principal | None]]
"""Finds out who calls, by cookie or key; None for a stranger. Checks CSRF for cookies. Access provides it."""


class NotSignedIn(NotAuthenticated):
    """Sign in first, or send an API key."""

    code = "not_signed_in"


class PermissionMissing(Forbidden):
    """This needs the permission {permission}."""

    code = "permission_missing"


async def authorise(connection: Connection, handler: BaseRouteHandler) -> None:
    """The one guard of the house. Raises NotSignedIn or PermissionMissing."""
    permission = handler.opt["permission"]
    if permission == PUBLIC:
        connection.scope["antiphon_who"] = STRANGER  # type: ignore[typeddict-unknown-key]
        return
    state = connection.app.state
    who: Principal | None = await state.authenticate(state.ctx, connection)
    if who is None:
        raise NotSignedIn
    if permission != SIGNED_IN and not who.may(permission):
        raise PermissionMissing(permission=permission)
    connection.scope["antiphon_who"] = who  # type: ignore[typeddict-unknown-key]


async def provide_ctx(state: State) -> Context:
    """The process's context, as a handler's `ctx`."""
    ctx: Context = state.ctx
    return ctx


async def provide_who(request: Request[Any, Any, Any]) -> Principal:
    """The caller, as a handler's `who`."""
    who: Principal = request.scope["antiphon_who"]  # type: ignore[typeddict-item]
    return who
