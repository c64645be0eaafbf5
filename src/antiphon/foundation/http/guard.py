"""Before each handler: who calls, and whether they may."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from litestar.connection import ASGIConnection, Request
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.params import ParameterKwarg

from antiphon.foundation.context import Context
from antiphon.foundation.errors import Forbidden, Invalid, NotAuthenticated
from antiphon.foundation.http.routes import PUBLIC, SIGNED_IN
from antiphon.foundation.principal import STRANGER, Principal

Connection = ASGIConnection[Any, Any, Any, Any]
Authenticate = Callable[[Context, Connection], Awaitable[Principal | None]]
"""Finds out who calls, by cookie or key; None for a stranger. Checks CSRF for cookies. Access provides it."""


class NotSignedIn(NotAuthenticated):
    """Sign in first, or send an API key."""


class PermissionMissing(Forbidden):
    """This needs the permission {permission}."""


class UnknownParameter(Invalid):
    """There is no such query parameter here."""


_WHO = "antiphon_who"
_GIVEN = {"ctx", "who", "data", "body", "request", "state", "headers", "cookies", "scope", "socket"}


def _query_names(handler: BaseRouteHandler) -> frozenset[str] | None:
    """The query parameters a handler takes; None when it reads them itself."""
    if not isinstance(handler, HTTPRouteHandler) or handler.opt.get("any_query"):
        return None
    parameters = handler.parsed_fn_signature.parameters
    if "query" in parameters:
        return None
    names = set()
    for name, parameter in parameters.items():
        if name not in _GIVEN:
            kwarg = parameter.kwarg_definition
            names.add((isinstance(kwarg, ParameterKwarg) and (kwarg.query or kwarg.name)) or name)
    return frozenset(names)


def _check_query(connection: Connection, handler: BaseRouteHandler) -> None:
    """Refuse query parameters that the handler does not know, as bodies refuse unknown keys."""
    if not connection.scope.get("query_string"):
        return
    known = handler.opt.get("query_names", False)
    if known is False:
        known = handler.opt["query_names"] = _query_names(handler)
    if known is not None:
        for name in connection.query_params:
            if name not in known:
                raise UnknownParameter(field=name)


def _check_texts(connection: Connection) -> None:
    """Refuse the character NUL, which no store of ours can hold, wherever an address has it."""
    if b"%00" not in connection.scope.get("query_string", b"") and "\0" not in connection.scope["path"]:
        return
    for name, value in [*connection.query_params.multi_items(), *connection.path_params.items()]:
        if isinstance(value, str) and "\0" in name + value:
            raise Invalid(f"{name}: may not contain the character NUL", field=name)


def _noted(connection: Connection) -> dict[str, Any]:
    """What is kept with a request while it is answered."""
    return cast(dict[str, Any], connection.scope)


async def authorise(connection: Connection, handler: BaseRouteHandler) -> None:
    """The one guard of the house. Raises NotSignedIn or PermissionMissing."""
    permission = handler.opt["permission"]
    _check_texts(connection)
    if permission == PUBLIC:
        _noted(connection)[_WHO] = STRANGER
        return
    state = connection.app.state
    who: Principal | None = await state.authenticate(state.ctx, connection)
    if who is None:
        raise NotSignedIn
    if permission != SIGNED_IN and not who.may(permission):
        raise PermissionMissing(permission=permission)
    _check_query(connection, handler)
    _noted(connection)[_WHO] = who


async def provide_ctx(state: State) -> Context:
    """The process's context, as a handler's `ctx`."""
    ctx: Context = state.ctx
    return ctx


async def provide_who(request: Request[Any, Any, Any]) -> Principal:
    """The caller, as a handler's `who`."""
    who: Principal = _noted(request)[_WHO]
    return who
