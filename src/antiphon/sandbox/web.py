"""A small HTTP/1.1 server for emulators: enough of RFC 9112 for an API's clients, and able to misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

import msgspec

MOST = 50_000_000  # octets of a body


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request: header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """An answer."""

    status: int = 200
    headers: Mapping[str, str] = {}
    body: bytes = b""


def as_json(value: object, status: int = 200, **headers: str) -> Response:
    """An answer in JSON; header names with _ for -."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Response(status=status, headers={"content-type": "application/json", **named}, body=msgspec.json.encode(value))


Handler = Callable[[Request], Awaitable[Response | None]]
"""Answers a request; None hangs up without a word."""


class WebServer:
    """Listens on loopback until `close`, which leaves nobody connected."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; the port it got. Raises OSError when it is taken."""
        self._server = await asyncio.start_server(self._accept, host, port, backlog=512)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    async def close(self) -> None:
        """Stop listening and hang up on everybody."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for talk in list(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        try:
            while (request := await _read(reader)) is not None:
                response = await self._handler(request)
                if response is None:
                    break
                writer.write(_written(response))
                await writer.drain()
                if request.headers.get("connection", "").lower() == "close":
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        finally:
            self._talks.discard(talk)
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    size = int(headers.get("content-length", "0"))
    if size > MOST:
        return None
    return Request(method=method, target=target, headers=headers, body=await reader.readexactly(size))


def _written(response: Response) -> bytes:
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    lines += [f"content-length: {len(response.body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + response.body
