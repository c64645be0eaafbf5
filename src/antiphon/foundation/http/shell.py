"""Around every request: its id, security headers, access log and metrics. Plain ASGI: hot routes pass here, too."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from functools import partial
from secrets import token_hex
from typing import Any, Protocol

import msgspec
import structlog
from prometheus_client import Counter, Histogram

from antiphon.foundation.http.problems import describe
from antiphon.foundation.http.routes import MakeSwift
from antiphon.foundation.telemetry import get_logger, registry

log = get_logger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_seconds = Histogram(
    "antiphon_http_request_seconds", "Duration of requests", ["method", "route"], registry=registry,
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)  # fmt: skip
_answers = Counter("antiphon_http_responses", "Answers by status", ["method", "route", "status"], registry=registry)
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""Content security policy of whatever does not set its own: no script runs in it."""

_DEFAULTS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"content-security-policy", PAGE_POLICY.encode()),
)
_HSTS = (b"strict-transport-security", b"max-age=31536000")


async def _refuse(error: Exception, scope: Scope, send: Send) -> None:
    """Answer a failed hot request as every other: by its problem."""
    shown, more = describe(error)
    if shown.code == "internal":
        log.error("request failed", method=scope["method"], path=scope["path"], exc_info=error)
    body = msgspec.json.encode(shown)
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(body))]
    headers += [(name.encode(), value.encode()) for name, value in more.items()]
    await send({"type": "http.response.start", "status": shown.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


class Express(Protocol):
    """A quick way past the application to the answer of one route, for some of its callers."""

    template: str

    def leads(self, path: str) -> bool:
        """Whether the route is this path's."""
        ...

    async def body(self, scope: Scope) -> bytes | None:
        """The JSON to answer; None leaves the request to the application."""
        ...


class Shell:
    """Wraps the application. `app` is what it wraps.

    `hot` holds plain ASGI handlers by path that are called past the application, which alone costs half of what they do:
    they set their own headers and are measured, but not logged one by one. `express` are tried before the application,
    which answers whatever they decline.
    """

    def __init__(
        self, app: Any, *, https: bool, hot: Mapping[str, App] | None = None, express: Sequence[Express] = (),
        swift: Mapping[str, MakeSwift] | None = None,
    ) -> None:
        self.app = app
        self._hot = dict(hot or {})
        self._express = tuple(express)
        self._defaults = (*_DEFAULTS, _HSTS) if https else _DEFAULTS
        self._children: dict[tuple[str, str, int], tuple[Any, Any]] = {}
        self.swift = {
            path.encode(): make(app.state, partial(self._measures, "POST", path)) for path, make in (swift or {}).items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if (handler := self._hot.get(scope["path"])) is not None:
            await self._serve_hot(handler, scope, receive, send)
            return
        if scope["method"] == "GET":
            for one in self._express:
                if one.leads(scope["path"]) and await self._serve_express(one, scope, send):
                    return
        started = time.perf_counter()
        request_id = self._request_id(scope)
        scope["antiphon_request_id"] = request_id
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._headers(message.get("headers", ()), scope, request_id)
            await send(message)

        try:
            with structlog.contextvars.bound_contextvars(request=request_id):
                await self.app(scope, receive, answer)
        finally:
            self._note(scope, status, time.perf_counter() - started, request_id)

    async def _serve_hot(self, handler: App, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        scope["litestar_app"] = scope["app"] = self.app
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await handler(scope, receive, answer)
        except Exception as error:
            if status:
                raise
            await _refuse(error, scope, answer)
        finally:
            for_route = self._measures(scope["method"], scope["path"], status or 500)
            for_route[0].observe(time.perf_counter() - started)
            for_route[1].inc()

    async def _serve_express(self, one: Express, scope: Scope, send: Send) -> bool:
        started = time.perf_counter()
        if (body := await one.body(scope)) is None:
            return False
        given = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        headers = self._headers(given, scope, self._request_id(scope))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})
        measures = self._measures("GET", one.template, 200)
        measures[0].observe(time.perf_counter() - started)
        measures[1].inc()
        return True

    @staticmethod
    def _request_id(scope: Scope) -> str:
        for name, value in scope["headers"]:
            if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
                given: str = value.decode("ascii")
                return given
        return token_hex(8)

    def _headers(self, given: Any, scope: Scope, request_id: str) -> list[tuple[bytes, bytes]]:
        headers = [(bytes(name).lower(), bytes(value)) for name, value in given]
        present = {name for name, _ in headers}
        headers += [pair for pair in self._defaults if pair[0] not in present]
        if b"cache-control" not in present and scope["path"].startswith("/v1/"):
            headers.append((b"cache-control", b"no-store"))
        headers.append((b"x-request-id", request_id.encode()))
        return headers

    def _measures(self, method: str, route: str, status: int) -> tuple[Any, Any]:
        found = self._children.get((method, route, status))
        if found is None:
            known = method if method in _METHODS else "OTHER"
            found = (_seconds.labels(known, route), _answers.labels(known, route, str(status)))
            if len(self._children) < 10_000:
                self._children[method, route, status] = found
        return found

    def _note(self, scope: Scope, status: int, seconds: float, request_id: str) -> None:
        route = scope.get("path_template") or "none"
        method = scope["method"]
        measures = self._measures(method, route, status)
        measures[0].observe(seconds)
        measures[1].inc()
        handler = scope.get("route_handler")
        quiet = status < 400 and handler is not None and handler.opt.get("quiet", False)
        (log.debug if quiet else log.info)(
            "request", method=method[:10], route=route, status=status, ms=round(seconds * 1000, 1), request=request_id
        )
