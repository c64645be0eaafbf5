"""Calling out: never into our own network, whatever a name resolves to, when, or where a redirect leads."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from antiphon.foundation import outbound as module
from antiphon.foundation.outbound import Outbound, OutboundFailed, OutboundRefused, Policy, check_url, outbound, permitting

Reply = Callable[[bytes], bytes]


@asynccontextmanager
async def server(reply: Reply) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A bare HTTP server on loopback: its port and what it was asked."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head)
        writer.write(reply(head))
        await writer.drain()
        writer.close()

    running = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with running:
        yield running.sockets[0].getsockname()[1], asked


def ok(_: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nX-Seen: yes\r\n\r\nhi"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "2130706433",
        "0x7f000001", "0177.0.0.1", "[::1]", "[::]", "[fe80::1]", "[fd00:ec2::254]", "[::ffff:127.0.0.1]", "[::ffff:169.254.169.254]",
        "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "224.0.0.1", "255.255.255.255", "168.63.129.16", "100.100.100.200", "localhost",
    ],
)  # fmt: skip
async def test_inside_addresses_are_refused_however_they_are_written(host: str) -> None:
    async with outbound(timeout=20) as client:
        with pytest.raises((OutboundRefused, OutboundFailed)) as caught:
            await client.call("GET", f"http://{host}/latest/meta-data/")
    assert isinstance(caught.value, OutboundRefused) or not caught.value.reached


@pytest.mark.parametrize(
    "url", ["ftp://a.example/", "file:///etc/passwd", "http://", "//a.example", "http://me:you@a.example/", "gopher://x", "http://[::1", ""]
)
def test_what_is_not_an_address_of_the_web_is_refused(url: str) -> None:
    with pytest.raises(OutboundRefused):
        check_url(url)


async def test_a_named_host_may_be_called() -> None:
    async with server(ok) as (port, asked), outbound() as client:
        for named in (f"localhost:{port}", "localhost", "127.0.0.0/8"):
            with permitting([named, "::1/128"]):
                answer = await client.call("POST", f"http://localhost:{port}/x", content=b"abc", headers={"x-a": "1"})
            assert (answer.status, answer.body, answer.headers["x-seen"], answer.ok) == (200, b"hi", "yes", True)
        assert len(asked) == 3 and b"x-a: 1" in asked[0].lower()
        with permitting(["localhost:1"]), pytest.raises(OutboundRefused):
            await client.call("GET", f"http://localhost:{port}/x")


async def test_a_name_that_answers_differently_the_second_time_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the connection goes to the address that was judged, and the name is asked once."""
    questions: list[str] = []
    loop = asyncio.get_running_loop()
    real = loop.getaddrinfo

    async def rebinding(host: Any, port: Any, **more: Any) -> Any:
        if host != "evil.example":
            return await real(host, port, **more)
        questions.append(host)
        address = "192.0.2.1" if len(questions) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    tried: list[str] = []

    async def connect(self: Any, host: str, *_: Any) -> Any:
        tried.append(host)
        raise module.httpcore2.ConnectError("refused")

    monkeypatch.setattr(loop, "getaddrinfo", rebinding)
    monkeypatch.setattr(module.httpcore2.AnyIOBackend, "connect_tcp", connect)
    monkeypatch.setattr(Policy, "refuses", lambda *a: None if str(a[3]) == "192.0.2.1" else "inside")
    async with outbound() as client:
        with pytest.raises(OutboundFailed) as caught:
            await client.call("GET", "http://evil.example/")
        assert not caught.value.reached and tried == ["192.0.2.1"] and len(questions) == 1
        with pytest.raises(OutboundRefused):
            await client.call("GET", "http://evil.example/")
    assert tried == ["192.0.2.1"]


async def test_a_host_with_one_inside_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def both(host: Any, port: Any, **_: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in ("93.184.216.34", "10.0.0.1")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)
    async with outbound() as client:
        with pytest.raises(OutboundRefused, match=r"10\.0\.0\.1"):
            await client.call("GET", "http://two.example/")


async def test_redirects_are_not_followed_unless_asked_and_are_judged() -> None:
    inside = b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest\r\ncontent-length: 0\r\n\r\n"
    async with server(lambda _: inside) as (port, _), outbound() as client:
        with permitting([f"127.0.0.1:{port}"]):
            assert (await client.call("GET", f"http://127.0.0.1:{port}/")).status == 302
            with pytest.raises(OutboundRefused, match=r"169\.254"):
                await client.call("GET", f"http://127.0.0.1:{port}/", redirects=3)
    on = b"HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n"
    async with server(lambda _: on) as (port, asked), outbound() as client:
        with permitting([f"127.0.0.1:{port}"]), pytest.raises(OutboundRefused, match="on and on"):
            await client.call("GET", f"http://127.0.0.1:{port}/", redirects=3)
        assert len(asked) == 4


async def test_an_answer_is_read_up_to_its_limit() -> None:
    endless = b"HTTP/1.1 200 OK\r\ncontent-length: 5000000\r\n\r\n" + b"x" * 5_000_000
    async with server(lambda _: endless) as (port, _), outbound() as client:
        with permitting(["127.0.0.1"]):
            answer = await client.call("GET", f"http://127.0.0.1:{port}/", limit=1000)
    assert answer.cut and len(answer.body) == 1000


async def test_whether_the_other_side_was_reached_is_said(free_port: Callable[[], int]) -> None:
    with permitting(["127.0.0.1"]):
        async with outbound(timeout=20) as client:
            with pytest.raises(OutboundFailed) as nobody:
                await client.call("GET", f"http://127.0.0.1:{free_port()}/")
            assert not nobody.value.reached
            async with server(lambda _: b"") as (port, _):
                with pytest.raises(OutboundFailed) as silent:
                    await client.call("POST", f"http://127.0.0.1:{port}/", content=b"x")
                assert silent.value.reached

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        await asyncio.sleep(2)
        writer.close()

    running = await asyncio.start_server(never, "127.0.0.1", 0)
    async with running, outbound(timeout=1.0) as client:
        with permitting(["127.0.0.1"]), pytest.raises(OutboundFailed) as late:
            await client.call("GET", f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}/")
        assert late.value.reached and late.value.timeout


def test_ports_of_other_services_are_refused() -> None:
    import ipaddress

    public = ipaddress.ip_address("93.184.216.34")
    assert Policy().refuses("a.example", 443, public) is None
    assert Policy().refuses("a.example", 25, public) is not None
    assert Policy(["a.example:25"]).refuses("a.example", 25, public) is None


async def test_nothing_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with server(ok) as (port, _):
        with permitting(["127.0.0.1"]):
            client = Outbound()
            assert (await client.call("GET", f"http://127.0.0.1:{port}/")).ok
            await client.close()
