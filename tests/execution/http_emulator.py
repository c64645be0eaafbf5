"""A bare HTTP server on loopback for tests of channels that speak HTTP: it keeps every request and answers as told."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from antiphon.foundation.outbound import permitting


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request, header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """An answer; ``silent`` is none at all."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = {}
    silent: bool = False


Answering = Callable[[Asked], Awaitable[Said]]


class HttpServer:
    """Its port, what it was asked, and how many connections it had, at once at most and in all."""

    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.asked: list[Asked] = []
        self.port = 0
        self.connections = 0
        self.open = 0
        self.most_open = 0
        self.alpn: set[str | None] = set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in list(self._writers):
                writer.close()
            self._server = None
            await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        self._writers.add(writer)
        secured = writer.get_extra_info("ssl_object")
        self.alpn.add(secured.selected_alpn_protocol() if secured else None)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, path, _ = head[0].split(" ", 2)
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                asked = Asked(method=method, path=path, headers=headers, body=body)
                self.asked.append(asked)
                said = await self.answering(asked)
                if said.silent:
                    await asyncio.sleep(30)
                lines = [f"HTTP/1.1 {said.status} X", f"content-length: {len(said.body)}"]
                lines += [f"{name}: {value}" for name, value in said.headers.items()]
                writer.write("\r\n".join([*lines, "", ""]).encode() + said.body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            self._writers.discard(writer)
            writer.close()


@asynccontextmanager
async def http_server(answering: Answering, tls: ssl.SSLContext | None = None) -> AsyncIterator[HttpServer]:
    """A server that runs for a while, and that may be called."""
    server = HttpServer(answering)
    await server.start(tls)
    tasks = asyncio.all_tasks()
    try:
        with permitting(["127.0.0.0/8", "localhost", "::1/128"]):
            yield server
    finally:
        await server.stop()
        for task in asyncio.all_tasks() - tasks:
            if "HttpServer._serve" in repr(task):
                task.cancel()


def self_signed(folder: Path, *, alpn: tuple[str, ...] = ()) -> ssl.SSLContext:
    """A server's TLS with a certificate nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context
