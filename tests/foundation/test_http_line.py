"""A connection of the server: plain requests are answered by the swift way, all others by the application, in order."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from uvicorn import Server

from antiphon.foundation.http.line import HURRY, MOST_HEAD, PATIENCE, Done, Line, read_head
from antiphon.foundation.http.serving import listen, serve_here


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Says what it was asked; a swift answer lacks the word `app`."""
    if scope["type"] == "lifespan":
        for kind in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{kind}.complete"})
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    said = b"app %s %s" % (scope["path"].encode(), body)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(said))]})
    await send({"type": "http.response.body", "body": said})


class Way:
    """Takes bodies that begin with `s`; those that begin with `sx` fail. Answers at once, or when told to."""

    answer = b"content-length: 5\r\n\r\nswift"

    def __init__(self) -> None:
        self.taken: list[tuple[bytes | None, bytes]] = []
        self.notes: list[int] = []
        self.held: list[Done] | None = None

    def take(self, authorization: bytes | None, body: bytes, done: Done) -> bool:
        if not body.startswith(b"s"):
            return False
        self.taken.append((authorization, body))
        if self.held is not None:
            self.held.append(done)
        else:
            asyncio.get_running_loop().call_soon(done, ValueError("x") if body.startswith(b"sx") else None)
        return True

    def refuse(self, error: Exception) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        return 503, [(b"content-length", b"3"), (b"retry-after", b"1")], b"not"

    def note(self, status: int, seconds: float) -> None:
        assert seconds >= 0
        self.notes.append(status)


class Served:
    def __init__(self, way: Way, port: int, server: Server) -> None:
        self.way, self.port, self.server = way, port, server

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[Served]:
    way, listener = Way(), listen("127.0.0.1", 0)
    servers: list[Server] = []
    port = listener.getsockname()[1]
    task = asyncio.create_task(serve_here(app, {b"/quick": way}, listener, 5, servers.append))
    try:
        yield Served(way, port, servers[0] if servers else await _first(servers))
    finally:
        servers[0].should_exit = True
        await task


async def _first(servers: list[Server]) -> Server:
    while not servers:
        await asyncio.sleep(0.01)
    return servers[0]


def request(body: bytes, path: bytes = b"/quick", more: bytes = b"", length: bool = True) -> bytes:
    size = b"content-length: %d\r\n" % len(body) if length else b""
    return b"POST %s HTTP/1.1\r\nhost: x\r\nauthorization: Basic abc\r\n%s%s\r\n%s" % (path, size, more, body)


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)).lower()
    size = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
    return int(head[9:12]), await asyncio.wait_for(reader.readexactly(size), 60)


async def test_plain_requests_are_swift_and_the_rest_is_the_applications() -> None:
    async with serving() as it:
        reader, writer = await it.connect()
        for body, said in ((b"s1", b"swift"), (b"other", b"app /quick other"), (b"s2", b"swift")):
            writer.write(request(body))
            assert await answer(reader) == (200, said)
        writer.write(request(b"s3", path=b"/slow"))
        assert await answer(reader) == (200, b"app /slow s3")
        writer.write(request(b"sx"))
        assert await answer(reader) == (503, b"not")
        writer.write(request(b"s4"))
        assert await answer(reader) == (200, b"swift")
        assert it.way.taken == [(b"Basic abc", b) for b in (b"s1", b"s2", b"sx", b"s4")]
        assert it.way.notes == [200, 200, 503, 200]
        writer.close()


def wanted(body: bytes) -> tuple[int, bytes]:
    if body.startswith(b"sx"):
        return 503, b"not"
    return (200, b"swift") if body.startswith(b"s") else (200, b"app /quick " + body)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    bodies=st.lists(st.sampled_from([b"s", b"sx", b"", b"other", b"s" * 3000, b"o" * 70_000]), min_size=1, max_size=6),
    cuts=st.lists(st.integers(1, 4000), max_size=12),
)
def test_however_the_bytes_come_each_request_has_its_answer_in_order(bodies: list[bytes], cuts: list[int]) -> None:
    async def run() -> None:
        async with serving() as it:
            reader, writer = await it.connect()
            stream = b"".join(request(body) for body in bodies)
            for cut in cuts:
                writer.write(stream[:cut])
                stream = stream[cut:]
                await writer.drain()
                await asyncio.sleep(0)
            writer.write(stream)
            for body in bodies:
                status, said = await answer(reader)
                # Where several requests come as one piece the application answers them all.
                assert (status, said) in (wanted(body), (200, b"app /quick " + body))
            writer.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (request(b"", more=b"transfer-encoding: chunked\r\n", length=False) + b"2\r\nsa\r\n0\r\n\r\n", 200),
        (request(b"sa", more=b"content-encoding: gzip\r\n"), 200),
        (request(b"sa", more=b"content-length: 2\r\n"), 400),
        (request(b"sa", more=b"transfer-encoding: chunked\r\n"), 400),
        (request(b"sa", more=b" folded: 1\r\n"), None),
        (request(b"sa", more=b"bad header: 1\r\n"), 400),
        (request(b"sa", more=b"x: a\rb\r\n"), None),
        (request(b"sa").replace(b"HTTP/1.1", b"HTTP/1.0"), 200),
        (request(b"sa").replace(b"content-length: 2", b"content-length: +2"), 400),
        (request(b"sa").replace(b"content-length: 2", b"content-length: 2, 2"), 400),
        (request(b"sa", more=b"connection: close\r\n"), 200),
        (request(b"sa", more=b"authorization: Basic two\r\n"), 200),
        (b"PUT" + request(b"sa")[4:], 200),
    ],
)
async def test_what_is_unusual_is_never_swift(raw: bytes, status: int | None) -> None:
    """The application's parser judges it, as it does without a swift way."""
    async with serving() as it:
        reader, writer = await it.connect()
        writer.write(raw)
        first = await asyncio.wait_for(reader.readline(), 60)
        if status is not None:
            assert int(first.split()[1]) == status
        assert it.way.taken == []
        writer.close()


async def test_what_comes_while_an_answer_is_owed_keeps_its_turn() -> None:
    async with serving() as it:
        it.way.held = []
        reader, writer = await it.connect()
        writer.write(request(b"s1"))
        await _until(lambda: len(it.way.held or []) == 1)
        writer.write(request(b"other"))
        writer.write(request(b"s2"))
        await asyncio.sleep(0.1)
        assert len(it.way.held) == 1
        held, it.way.held = it.way.held, None
        held[0](None)
        assert await answer(reader) == (200, b"swift")
        assert await answer(reader) == (200, b"app /quick other")
        assert (await answer(reader))[1] in (b"swift", b"app /quick s2")
        writer.close()


async def test_an_answer_for_somebody_who_left_is_nobodys() -> None:
    async with serving() as it:
        it.way.held = []
        _, writer = await it.connect()
        writer.write(request(b"s1"))
        await _until(lambda: len(it.way.held or []) == 1)
        writer.transport.abort()
        await _until(lambda: not it.server.server_state.connections)
        it.way.held[0](None)
        assert it.way.notes == []


async def test_shutdown_finishes_what_was_taken_and_what_has_begun() -> None:
    async with serving() as it:
        it.way.held = []
        taken, idle, begun, others = [await it.connect() for _ in range(4)]
        taken[1].write(request(b"s1"))
        begun[1].write(request(b"s2")[:-1])
        others[1].write(request(b"other")[:-1])
        await _until(lambda: len(it.way.held or []) == 1)
        await _until(lambda: sum(bool(line._kept) for line in _lines(it)) == 2)
        it.server.should_exit = True
        assert await asyncio.wait_for(idle[0].read(), 60) == b""
        begun[1].write(b"2")
        others[1].write(b"r")
        await _until(lambda: len(it.way.held or []) == 2)
        for done in it.way.held:
            done(None)
        for (reader, _), said in ((taken, b"swift"), (begun, b"swift"), (others, b"app /quick other")):
            assert await answer(reader) == (200, said)
            assert await asyncio.wait_for(reader.read(), 60) == b""
        for _, writer in (taken, idle, begun, others):
            writer.close()


async def test_heads_have_an_end() -> None:
    async with serving() as it:
        for beginning in (b"", request(b"other")):
            reader, writer = await it.connect()
            writer.write(beginning + b"POST /quick HTTP/1.1\r\nhost: x\r\nx: ")
            if beginning:
                assert await answer(reader) == (200, b"app /quick other")
            with contextlib.suppress(ConnectionError):
                for _ in range(MOST_HEAD // 4096 + 2):
                    writer.write(b"y" * 4096)
                    await writer.drain()
                    await asyncio.sleep(0)
            with contextlib.suppress(ConnectionError):
                assert (await asyncio.wait_for(reader.readline(), 60))[9:12] in (b"400", b"")
                await asyncio.wait_for(reader.read(), 60)
            await _until(lambda: not it.server.server_state.connections)
            writer.close()


async def test_silence_ends_a_connection() -> None:
    async with serving() as it:
        it.way.held = []
        begun, rests, owed = [await it.connect() for _ in range(3)]
        begun[1].write(b"POST /quick HTTP/1.1\r\n")
        owed[1].write(request(b"s1"))
        await _until(lambda: len(it.way.held or []) == 1)
        await _until(lambda: sum(bool(line._kept) for line in _lines(it)) == 1)
        now = asyncio.get_running_loop().time()
        for patience, left in ((HURRY - 1, 3), (HURRY + 1, 2), (PATIENCE + 1, 1)):
            for line in _lines(it):
                line.look(now + patience)
            await _until(lambda left=left: len(_lines(it)) == left)
        assert await begun[0].read() == b"" and await rests[0].read() == b""
        it.way.held[0](None)
        assert await answer(owed[0]) == (200, b"swift")
        for _, writer in (begun, rests, owed):
            writer.close()


def _lines(it: Served) -> list[Line]:
    return [one for one in it.server.server_state.connections if isinstance(one, Line)]


async def _until(holds: Any) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.01)


def test_a_plain_head_is_read() -> None:
    way = Way()
    found = read_head(b"POST /quick HTTP/1.1\r\nHost: x\r\nContent-Length:  12 \r\nConnection: keep-alive", {b"/quick": way})
    assert found is not None and (found.swift, found.length, found.authorization) == (way, 12, None)
    assert read_head(b"POST /quick HTTP/1.1\r\nContent-Length: 12", {b"/quick": way}) is None
    assert read_head(b"POST /quick HTTP/1.1\r\nhost: x", {b"/quick": way}) is None


def test_processes_share_a_port() -> None:
    listener = listen("127.0.0.1", 0)
    with socket.create_connection(listener.getsockname()):
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
    listener.close()
