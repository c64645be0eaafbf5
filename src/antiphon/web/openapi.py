"""The OpenAPI document: one for the whole API, complete enough that the console's client is generated from it.

`python -m antiphon.web.openapi > console/openapi.json` writes the document of an installation with every room on.
Litestar lists the paths and parameters; the schemas of bodies are msgspec's own, so that they say what is really accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, get_args, get_origin

import msgspec
from litestar import Request, Response
from litestar.handlers import ASGIRouteHandler, BaseRouteHandler, HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.params import BodyKwarg, ParameterKwarg
from litestar.response.base import ASGIResponse

import antiphon
from antiphon.foundation.http import PUBLIC, Documented, Problem, get
from antiphon.foundation.rooms import Room
from antiphon.web.state import Installation

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
_REF = "#/components/schemas/"
_NOISE: tuple[tuple[str, Any], ...] = (
    ("deprecated", False), ("allowEmptyValue", False), ("allowReserved", False), ("headers", {}), ("title", None),
)  # fmt: skip


class Operation(msgspec.Struct, frozen=True):
    """One operation of the document and the handler behind it."""

    spec: dict[str, Any]
    handler: HTTPRouteHandler


def _handlers(app: Any) -> Iterator[BaseRouteHandler]:
    seen = set()
    for route in app.routes:
        for handler in getattr(route, "route_handlers", None) or [route.route_handler]:
            if id(handler) not in seen:
                seen.add(id(handler))
                yield handler


def _operations(document: dict[str, Any], handlers: Sequence[BaseRouteHandler]) -> list[Operation]:
    by_id = {handler.operation_id: handler for handler in handlers if isinstance(handler, HTTPRouteHandler)}
    specs = (spec for path in document["paths"].values() for spec in path.values() if isinstance(spec, dict))
    return [Operation(spec, by_id[spec["operationId"]]) for spec in specs if spec.get("operationId") in by_id]


def _answer_type(handler: HTTPRouteHandler) -> Any:
    """The type of the answer's JSON body; None when it is no JSON of ours."""
    annotation = handler.parsed_fn_signature.return_type.annotation
    if get_origin(annotation) is Response:
        (annotation,) = get_args(annotation)
    if annotation in (None, type(None)) or handler.media_type not in (None, "application/json"):
        return None
    if isinstance(annotation, type) and issubclass(annotation, Response | ASGIResponse | bytes | str):
        return None
    return annotation


def _body_type(handler: HTTPRouteHandler) -> Any:
    """The type of the request's JSON body; None without one."""
    field = handler.parsed_data_field
    if field is None:
        return None
    kwarg = field.kwarg_definition
    if isinstance(kwarg, BodyKwarg) and kwarg.media_type != "application/json":
        return None
    return field.raw


def _set_schemas(document: dict[str, Any], operations: Sequence[Operation]) -> None:
    """Replace the schemas of JSON bodies by msgspec's; fields of answers are required, as they are always there."""
    places: list[tuple[Any, dict[str, Any], bool]] = []
    for operation in operations:
        if (body := _body_type(operation.handler)) is not None:
            places.append((body, operation.spec["requestBody"]["content"]["application/json"], True))
        if (answer := _answer_type(operation.handler)) is not None:
            content = operation.spec["responses"][str(operation.handler.status_code)].get("content", {})
            if "application/json" in content:
                places.append((answer, content["application/json"], False))
    types = [place[0] for place in places]
    schemas, components = msgspec.json.schema_components([*types, Problem], ref_template=_REF + "{name}")
    given: set[str] = set()
    for (_, place, is_body), schema in zip(places, schemas, strict=False):
        place["schema"] = schema
        if is_body:
            given |= _reachable(schema, components)
    lasting = {Problem.__name__, *given}
    for name, component in components.items():
        if name not in lasting and component.get("type") == "object" and "properties" in component:
            component["required"] = list(component["properties"])
    kept = document["components"].get("schemas", {})
    document["components"]["schemas"] = {**kept, **components}


def _reachable(schema: Any, components: dict[str, Any]) -> set[str]:
    """Names of the components that `schema` refers to, directly or not."""
    found: set[str] = set()
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            ref = node.get("$ref")
            if isinstance(ref, str) and ref.startswith(_REF) and (name := ref.removeprefix(_REF)) not in found:
                found.add(name)
                waiting.append(components.get(name))
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    return found


def _set_parameters(operation: Operation) -> None:
    """Bounds of zero, which Litestar leaves out, and whole numbers as whole numbers."""
    known = {}
    for name, parameter in operation.handler.parsed_fn_signature.parameters.items():
        kwarg = parameter.kwarg_definition
        if isinstance(kwarg, ParameterKwarg):
            known[kwarg.query or kwarg.name or name] = kwarg
    for parameter in operation.spec.get("parameters", ()):
        schema = parameter["schema"]
        if (kwarg := known.get(parameter["name"])) is not None:
            for bound, value in (("minimum", kwarg.ge), ("maximum", kwarg.le)):
                if value is not None:
                    schema[bound] = value
        if schema.get("type") == "integer" and parameter["in"] == "path":
            schema.setdefault("maximum", 2**63 - 1)


def _say_pages(operation: Operation) -> None:
    """A public page tells its reader what is wrong as a page (a pixel as a pixel), not only as a problem."""
    if operation.handler.opt["permission"] != PUBLIC or any(path.startswith("/v1/") for path in operation.handler.paths):
        return
    kinds = {"text/html"}
    if operation.handler.media_type is not None:
        kinds.add(str(getattr(operation.handler.media_type, "value", operation.handler.media_type)).partition(";")[0])
    for status, response in operation.spec["responses"].items():
        if int(status) >= 400 and "content" in response:
            response["content"] |= {kind: {"schema": {"type": "string"}} for kind in sorted(kinds)}


def _by_hand(one: Documented) -> dict[str, Any]:
    """A plain ASGI route's operation, its errors completed: they are problems as everywhere."""
    spec: dict[str, Any] = one.operation.to_schema()
    for status, response in spec["responses"].items():
        if int(status) >= 400:
            response.setdefault("content", {"application/problem+json": {"schema": {"$ref": f"{_REF}Problem"}}})
    return spec


def _without_noise(node: Any) -> Any:
    if isinstance(node, dict):
        kept = {key: value for key, value in node.items() if not any(key == k and value == v for k, v in _NOISE)}
        return {key: _without_noise(value) for key, value in kept.items()}
    if isinstance(node, list):
        return [_without_noise(value) for value in node]
    return node


def build(rooms: Sequence[Room]) -> dict[str, Any]:
    """The document of an installation with these rooms on."""
    from antiphon.web.asgi import compose  # the application serves this document, so it comes first

    config = OpenAPIConfig(title="Antiphon", version=antiphon.__version__, description=_DESCRIPTION, path="/unserved")
    app = compose(rooms, openapi=config)
    document: dict[str, Any] = app.openapi_schema.to_schema()
    document.pop("servers", None)
    document.setdefault("components", {})["securitySchemes"] = _SECURITY
    handlers = list(_handlers(app))
    operations = _operations(document, handlers)
    for operation in operations:
        permission = operation.handler.opt["permission"]
        operation.spec["security"] = [] if permission == PUBLIC else [{"session": []}, {"key": []}]
        operation.spec["x-permission"] = permission
        _set_parameters(operation)
        _say_pages(operation)
    _set_schemas(document, operations)
    for handler in handlers:
        if isinstance(handler, ASGIRouteHandler):
            for one in handler.opt.get("documented", ()):
                document["paths"].setdefault(one.path, {})[one.method] = _by_hand(one)
    schemas = document["components"]["schemas"]
    used = _reachable(document["paths"], schemas)
    document["components"]["schemas"] = {name: schemas[name] for name in sorted(used)}
    document["paths"] = dict(sorted(document["paths"].items()))
    cleaned: dict[str, Any] = _without_noise(document)
    return cleaned


def encode(document: dict[str, Any]) -> bytes:
    """The document as it is committed: indented, in a stable order."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


@get("/openapi.json", permission=PUBLIC, include_in_schema=False)
async def openapi_json(request: Request[Any, Any, Any]) -> Response[bytes]:
    """This document, for the rooms switched on."""
    installation: Installation = request.app.state.ctx.get(Installation)
    if installation.document is None:
        installation.document = msgspec.json.encode(build(installation.rooms))
    return Response(installation.document, media_type="application/json")


if __name__ == "__main__":
    import sys

    from antiphon.app import all_rooms

    sys.stdout.buffer.write(encode(build(all_rooms())))
