"""The route decorators of the house: each route names its permission, and errors are documented the same way."""

from __future__ import annotations

import inspect as python_inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, get_type_hints

import msgspec
from litestar.handlers import ASGIRouteHandler, HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Operation
from litestar.params import BodyKwarg
from litestar.types import Method

from antiphon.foundation.http.body import StrictBody
from antiphon.foundation.http.line import Swift
from antiphon.foundation.http.problems import Problem

PUBLIC: Final = "public"
"""Permission of a route that anybody may call; it must be said."""

SIGNED_IN: Final = "signed-in"
"""Permission of a route for any signed-in person or key, whatever the role."""

_DESCRIBED = {
    400: "The request breaks a rule; `field` names the field",
    401: "Not signed in",
    403: "Signed in, but without the permission",
    404: "No such thing",
    409: "Conflicts with the present state",
    410: "It was here, and its time is over",
    413: "The body is too large",
    429: "Too many requests; see Retry-After",
    503: "Overloaded or not ready; see Retry-After",
}

Decorator = Callable[[Callable[..., Any]], HTTPRouteHandler]
Quick = Callable[[Any, str, bytes], Awaitable[bytes | None]]
"""Answers a GET past the framework: (context, the path's variable part, query string) → its JSON, or None to decline."""


MakeSwift = Callable[[Any, Callable[[int], tuple[Any, Any]]], Swift]
"""(the application's state, the measures of an answer by its status) → the quick way."""

_RESERVED = {"state", "query", "scope", "socket"}
PROBLEM_TYPE = "application/problem+json"


def _responses(permission: str, extra: Mapping[int, ResponseSpec] | None, codes: tuple[int, ...]) -> dict[int, Any]:
    wanted = {400, 503, *codes}
    if permission != PUBLIC:
        wanted |= {401, 403}
    documented = {
        code: ResponseSpec(
            data_container=Problem,
            description=_DESCRIBED[code],
            generate_examples=False,
            media_type=PROBLEM_TYPE,
        )
        for code in sorted(wanted)
    }
    return {**documented, **(extra or {})}


def _room_of(fn: Callable[..., Any]) -> str:
    parts = fn.__module__.split(".")
    return parts[-2] if len(parts) > 1 else parts[-1]


def _reads_json(fn: Callable[..., Any]) -> bool:
    if "data" not in python_inspect.signature(fn).parameters:
        return False
    try:
        annotation = get_type_hints(fn, include_extras=True)["data"]
    except (NameError, KeyError):
        return True
    for part in getattr(annotation, "__metadata__", ()):
        if isinstance(part, BodyKwarg) and part.media_type != "application/json":
            return False
    return True


def _route(
    method: Method,
    path: str | list[str],
    permission: str,
    status: int | None,
    max_body: int | None,
    responses: Mapping[int, ResponseSpec] | None,
    problems: tuple[int, ...],
    opt: Mapping[str, Any] | None,
    options: dict[str, Any],
) -> Decorator:
    if not permission:
        raise ValueError(f"{method} {path} has no permission")

    def decorate(fn: Callable[..., Any]) -> HTTPRouteHandler:
        room = _room_of(fn)
        if taken := _RESERVED & set(python_inspect.signature(fn).parameters):
            name = min(taken)
            raise TypeError(f'{fn.__qualname__}: `{name}` means something else to Litestar; call the argument otherwise '
                            f'and annotate it QueryParameter(name="{name}")')  # fmt: skip
        lines = (python_inspect.getdoc(fn) or "").split("\n", 1)
        named = any("{" in one for one in path) if isinstance(path, list) else "{" in path
        codes = {*problems, *((404,) if named else ())}
        if _reads_json(fn):
            options.setdefault("dto", StrictBody)
            options.setdefault("return_dto", None)
            codes.add(413)
        if max_body is not None:
            options["request_max_body_size"] = max_body or None
        return HTTPRouteHandler(
            path,
            http_method=method,
            status_code=status,
            opt={"permission": permission, **(opt or {})},
            responses=_responses(permission, responses, tuple(codes)),
            operation_id=options.pop("operation_id", f"{room}_{fn.__name__}"),
            tags=options.pop("tags", [room]),
            summary=options.pop("summary", lines[0].rstrip(".") or None),
            description=options.pop("description", lines[1].strip() if len(lines) > 1 else None),
            **options,
        )(fn)

    return decorate


def get(path: str, *, permission: str, status: int | None = None, responses: Mapping[int, ResponseSpec] | None = None,
        problems: tuple[int, ...] = (), opt: Mapping[str, Any] | None = None, express: Quick | None = None,
        **options: Any) -> Decorator:  # fmt: skip
    """A GET route. `permission` is `room:verb`, SIGNED_IN or PUBLIC; `problems` are further statuses to document.

    `express` answers past the framework those who call with an API key that has the permission, and declines what it does
    not understand: that, and everybody else, is answered by the route itself.
    """
    more = {**(opt or {}), **({} if express is None else {"express": express})}
    return _route("GET", path, permission, status, None, responses, problems, more, options)


def head(path: str | list[str], *, permission: str, **options: Any) -> Decorator:
    """A HEAD route: for those few GET routes whose callers ask so first."""
    return _route("HEAD", path, permission, None, None, None, (), None, options)


def post(path: str, *, permission: str, status: int | None = None, max_body: int | None = None,
         responses: Mapping[int, ResponseSpec] | None = None, problems: tuple[int, ...] = (),
         opt: Mapping[str, Any] | None = None, **options: Any) -> Decorator:  # fmt: skip
    """A POST route (201 unless `status` says otherwise). `max_body` in bytes; 0 lifts the limit for a streamed upload."""
    return _route("POST", path, permission, status, max_body, responses, problems, opt, options)


def put(path: str, *, permission: str, status: int | None = None, max_body: int | None = None,
        responses: Mapping[int, ResponseSpec] | None = None, problems: tuple[int, ...] = (),
        opt: Mapping[str, Any] | None = None, **options: Any) -> Decorator:  # fmt: skip
    """A PUT route. `max_body` in bytes; 0 lifts the limit for a streamed upload."""
    return _route("PUT", path, permission, status, max_body, responses, problems, opt, options)


def patch(path: str, *, permission: str, status: int | None = None, max_body: int | None = None,
          responses: Mapping[int, ResponseSpec] | None = None, problems: tuple[int, ...] = (),
          opt: Mapping[str, Any] | None = None, **options: Any) -> Decorator:  # fmt: skip
    """A PATCH route."""
    return _route("PATCH", path, permission, status, max_body, responses, problems, opt, options)


def delete(path: str, *, permission: str, status: int | None = None, responses: Mapping[int, ResponseSpec] | None = None,
           problems: tuple[int, ...] = (), opt: Mapping[str, Any] | None = None, **options: Any) -> Decorator:  # fmt: skip
    """A DELETE route (204 unless `status` says otherwise)."""
    return _route("DELETE", path, permission, status, None, responses, problems, opt, options)


class Documented(msgspec.Struct, frozen=True, kw_only=True):
    """How a plain ASGI route appears in the OpenAPI document."""

    path: str
    method: str
    operation: Operation


def hot(
    path: str,
    *,
    permission: str,
    document: Mapping[str, Operation] | None = None,
    paths: tuple[str, ...] = (),
    swift: MakeSwift | None = None,
) -> Callable[[Callable[..., Any]], ASGIRouteHandler]:
    """A plain ASGI handler `(scope, receive, send)` for an endpoint that must be fast.

    Litestar neither parses nor documents it: `document` gives an OpenAPI operation for each method, and a
    permission other than PUBLIC is checked before it by the same guard as everywhere else (a handler that looks up
    a write key itself says PUBLIC here and answers 401 itself). Errors it raises become problem details. `swift` makes the
    quick way for plain POST requests, past even the server's parser.
    """
    if not permission:
        raise ValueError(f"{path} has no permission")
    every = [path, *paths]
    if any("{" in one for one in every):
        raise ValueError(f"{path}: Litestar has no path parameters for plain ASGI handlers")
    documented = tuple(
        Documented(path=one, method=method.lower(), operation=operation)
        for one in every
        for method, operation in (document or {}).items()
    )

    def decorate(fn: Callable[..., Any]) -> ASGIRouteHandler:
        return ASGIRouteHandler(
            every,
            copy_scope=False,
            opt={"permission": permission, "documented": documented, "quiet": True, **({"swift": swift} if swift else {})},
        )(fn)

    return decorate
