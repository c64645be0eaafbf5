"""The OpenAPI document: one for the whole API, complete enough that the console's client is generated from it.

`python -m antiphon.web.openapi > console/openapi.json` writes the document of an installation with every room on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.handlers import ASGIRouteHandler, BaseRouteHandler
from litestar.openapi import OpenAPIConfig

import antiphon
from antiphon.foundation.http import PUBLIC, Documented, get
from antiphon.foundation.rooms import Room

_DESCRIPTION = (
    "Sign in with `POST /v1/session` and send the cookie, with `csrf` of the answer in the header X-CSRF-Token of "
    "whatever changes something; or send an API key as `Authorization: Bearer`. Errors are problem details (RFC 9457) "
    "with a stable `code` and, where there is one, the `field`."
)
_SECURITY = {
    "session": {"type": "apiKey", "in": "cookie", "name": "antiphon_session"},
    "key": {"type": "http", "scheme": "bearer"},
    "write_key": {"type": "http", "scheme": "basic", "description": "The write key as user name"},
}


def _handlers(app: Any) -> list[BaseRouteHandler]:
    found: dict[int, BaseRouteHandler] = {}
    for route in app.routes:
        for handler in getattr(route, "route_handlers", None) or [route.route_handler]:
            found[id(handler)] = handler
    return list(found.values())


def _refuse_unknown_keys(schema: Any, strict: set[str]) -> None:
    for name, component in schema.items():
        if name in strict and component.get("type") == "object":
            component["additionalProperties"] = False


def build(rooms: Sequence[Room]) -> dict[str, Any]:
    """The document of an installation with these rooms on."""
    from antiphon.web.asgi import compose

    config = OpenAPIConfig(title="Antiphon", version=antiphon.__version__, description=_DESCRIPTION, path="/unserved")
    app = compose(rooms, openapi=config)
    document: dict[str, Any] = app.openapi_schema.to_schema()
    document.pop("servers", None)
    document.setdefault("components", {})["securitySchemes"] = _SECURITY
    permissions = {}
    for handler in _handlers(app):
        if isinstance(handler, ASGIRouteHandler):
            for one in handler.opt.get("documented", ()):
                _add(document, one)
        else:
            permissions[getattr(handler, "operation_id", None)] = handler.opt.get("permission")
    for path in document["paths"].values():
        for operation in path.values():
            permission = permissions.get(operation.get("operationId"))
            if permission is not None:
                operation["security"] = [] if permission == PUBLIC else [{"session": []}, {"key": []}]
                operation["x-permission"] = permission
    document["paths"] = dict(sorted(document["paths"].items()))
    schemas = document["components"].get("schemas", {})
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    return document


def _add(document: dict[str, Any], one: Documented) -> None:
    operation = one.operation.to_schema()
    document["paths"].setdefault(one.path, {})[one.method] = operation


def encode(document: dict[str, Any]) -> bytes:
    """The document as it is committed: indented, in a stable order."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


@get("/openapi.json", permission=PUBLIC, include_in_schema=False)
async def openapi_json(request: Request[Any, Any, Any]) -> Response[bytes]:
    """This document, for the rooms switched on."""
    from antiphon.web.state import Installation

    installation = request.app.state.ctx.get(Installation)
    if installation.document is None:
        installation.document = msgspec.json.encode(build(installation.rooms))
    return Response(installation.document, media_type="application/json")


if __name__ == "__main__":
    import sys

    from antiphon.app import all_rooms

    sys.stdout.buffer.write(encode(build(all_rooms())))
