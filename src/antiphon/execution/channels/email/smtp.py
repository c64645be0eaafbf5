"""One SMTP connection (RFC 5321), pipelined (RFC 2920): thin, because it is on the way of every message.

The point of no return of a message is the dot after its data: `Conversation.spoken` says whether it was written.
"""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections import deque
from typing import NamedTuple, cast

from antiphon.execution.channels.email.address import mailbox
from antiphon.execution.channels.email.settings import EmailSettings

_LINE = 64 * 1024  # octets of answers kept before the other side is taken for broken


class Reply(NamedTuple):
    """A server's answer: its three-digit code and its text, lines joined."""

    code: int
    text: str

    @property
    def positive(self) -> bool:
        return 200 <= self.code < 400


class SmtpError(Exception):
    """The conversation broke off: connection lost, time-out, or an answer that is no SMTP."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


class Refused(SmtpError):
    """The server will not talk to us: its greeting, EHLO, STARTTLS or AUTH was refused."""

    def __init__(self, kind: str, reply: Reply) -> None:
        super().__init__(kind, f"{reply.code} {reply.text}")
        self.reply = reply


class Conversation(asyncio.Protocol):
    """A connection on which messages are spoken one after another."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.extensions: dict[str, str] = {}
        self.messages = 0
        self.used_at = 0.0
        self._buffer = b""
        self._lines: list[str] = []
        self._replies: deque[Reply] = deque()
        self._wanted = 0
        self._waiter: asyncio.Future[None] | None = None
        self._lost: SmtpError | None = None
        self._writable: asyncio.Future[None] | None = None

    # --- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\n") if self._buffer else data.split(b"\n")
        for raw in lines:
            line = raw.rstrip(b"\r").decode("utf-8", "replace")
            if len(line) < 3 or not line[:3].isdigit() or line[3:4] not in ("", " ", "-"):
                return self._fail(SmtpError("protocol", f"not an SMTP answer: {line[:80]!r}"))
            self._lines.append(line[4:])
            if line[3:4] != "-":
                self._replies.append(Reply(int(line[:3]), "\n".join(self._lines)))
                self._lines = []
        if len(self._buffer) > _LINE or len(self._lines) > 1000:
            return self._fail(SmtpError("protocol", "an answer without end"))
        if self._waiter is not None and len(self._replies) >= self._wanted and not self._waiter.done():
            self._waiter.set_result(None)
        return None

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(SmtpError("closed", str(exc) if exc else "the server closed the connection"))

    def pause_writing(self) -> None:
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def _fail(self, error: SmtpError) -> None:
        if self._lost is None:
            self._lost = error
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(self._lost)
            self._waiter.exception()
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        if self.transport is not None:
            self.transport.abort()

    # --- talking

    @property
    def alive(self) -> bool:
        return self._lost is None and self.transport is not None and not self.transport.is_closing()

    def write(self, data: bytes) -> None:
        """Put octets on the wire. Raises `SmtpError` if the connection is already gone: then none was sent."""
        if not self.alive:
            raise self._lost or SmtpError("closed", "the connection is closing")
        assert self.transport is not None
        self.transport.write(data)

    async def drain(self, timeout: float) -> None:
        """Wait until the other side takes more."""
        if self._writable is not None:
            try:
                await asyncio.wait_for(asyncio.shield(self._writable), timeout)
            except TimeoutError:
                self._fail(SmtpError("timeout", "the server stopped reading"))
        if self._lost is not None:
            raise self._lost

    async def read(self, count: int, timeout: float) -> list[Reply]:
        """The next ``count`` answers. Raises `SmtpError`; answers that did come stay readable by `received`."""
        if len(self._replies) < count:
            if self._lost is not None:
                raise self._lost
            loop = asyncio.get_running_loop()
            self._wanted, self._waiter = count, loop.create_future()
            timer = loop.call_later(timeout, lambda: self._fail(SmtpError("timeout", f"no answer within {timeout:g} seconds")))
            try:
                await self._waiter
            finally:
                timer.cancel()
                self._waiter = None
        return [self._replies.popleft() for _ in range(count)]

    def received(self) -> list[Reply]:
        """Answers that came before the connection broke."""
        replies = list(self._replies)
        self._replies.clear()
        return replies

    async def ask(self, line: str, timeout: float) -> Reply:
        """One command, one answer."""
        if "\r" in line or "\n" in line:
            raise SmtpError("protocol", "a command may not hold a line break")
        self.write(line.encode() + b"\r\n")
        return (await self.read(1, timeout))[0]

    def close(self) -> None:
        """Say goodbye without waiting for the answer."""
        if self.alive:
            assert self.transport is not None
            self.transport.write(b"QUIT\r\n")
            self.transport.close()
        elif self.transport is not None:
            self.transport.abort()

    # --- opening

    async def _hello(self, name: str, timeout: float) -> None:
        reply = await self.ask(f"EHLO {name}", timeout)
        if reply.code != 250:
            reply = await self.ask(f"HELO {name}", timeout)
            if reply.code != 250:
                raise Refused("hello", reply)
            self.extensions = {}
            return
        lines = [line.partition(" ") for line in reply.text.split("\n")[1:]]
        self.extensions = {key.upper(): rest for key, _, rest in lines}


async def connect(settings: EmailSettings) -> Conversation:
    """Connect, encrypt and sign in. Raises `SmtpError`."""
    loop = asyncio.get_running_loop()
    context = _tls(settings) if settings.security != "none" else None
    timeout = settings.timeout
    try:
        async with asyncio.timeout(timeout):
            _, talk = await loop.create_connection(
                Conversation,
                settings.host,
                settings.port,
                ssl=context if settings.security == "tls" else None,
                server_hostname=settings.host if settings.security == "tls" else None,
            )
    except TimeoutError:
        raise SmtpError("timeout", f"no connection within {timeout:g} seconds") from None
    except ssl.SSLError as failed:
        raise SmtpError("tls", f"TLS failed: {failed.reason or failed}") from failed
    except (OSError, UnicodeError) as failed:
        raise SmtpError("connect", f"cannot connect to {settings.host}:{settings.port}: {failed}") from failed
    try:
        (greeting,) = await talk.read(1, timeout)
        if greeting.code != 220:
            raise Refused("greeting", greeting)
        name = settings.helo or mailbox(f"x@{settings.domain}").address[2:]
        await talk._hello(name, timeout)
        if settings.security == "starttls":
            talk = await _starttls(talk, settings, context, name)
        if settings.username:
            await _sign_in(talk, settings)
    except BaseException:
        talk.close()
        raise
    talk.used_at = loop.time()
    return talk


def _tls(settings: EmailSettings) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not settings.verify_certificate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def _starttls(talk: Conversation, settings: EmailSettings, context: ssl.SSLContext | None, name: str) -> Conversation:
    if "STARTTLS" not in talk.extensions:
        raise SmtpError("tls", "the server does not offer STARTTLS")
    reply = await talk.ask("STARTTLS", settings.timeout)
    if reply.code != 220:
        raise Refused("tls", reply)
    if talk._buffer or talk._replies:
        raise SmtpError("tls", "the server spoke before encryption began")
    assert talk.transport is not None
    assert context is not None
    try:
        transport = await asyncio.get_running_loop().start_tls(
            talk.transport, talk, context, server_hostname=settings.host, ssl_handshake_timeout=settings.timeout
        )
    except (ssl.SSLError, OSError) as failed:
        raise SmtpError("tls", f"TLS failed: {getattr(failed, 'reason', None) or failed}") from failed
    if transport is None:
        raise SmtpError("tls", "TLS failed: the server closed the connection")
    talk.transport = transport
    await talk._hello(name, settings.timeout)  # what was announced before encryption does not count
    return talk


async def _sign_in(talk: Conversation, settings: EmailSettings) -> None:
    offered = talk.extensions.get("AUTH", "").upper().split()
    if "PLAIN" in offered:
        token = b64encode(f"\0{settings.username}\0{settings.password}".encode()).decode()
        reply = await talk.ask(f"AUTH PLAIN {token}", settings.timeout)
    elif "LOGIN" in offered:
        reply = await talk.ask("AUTH LOGIN", settings.timeout)
        for answer in (settings.username, settings.password):
            if reply.code != 334:
                break
            reply = await talk.ask(b64encode(answer.encode()).decode(), settings.timeout)
    else:
        raise SmtpError("auth", "the server offers no sign-in we know (PLAIN, LOGIN)")
    if reply.code != 235:
        raise Refused("auth", reply)
