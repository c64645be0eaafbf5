"""The server that bounces, complaints and replies arrive at: LMTP (RFC 2033) or SMTP. What it accepts is durable.

A mail goes to disk while it arrives, however large; what is handed on is its `digest`, and a few files.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from typing import IO, Any, Protocol

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from antiphon.execution.channels.email.digest import digest_and_files
from antiphon.execution.channels.email.files import File
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
MAX_MAIL = 50_000_000  # octets; what is longer is refused with 552
IN_MEMORY = 256_000  # octets of a mail that are kept before it goes to disk
_TALK = 120.0  # seconds a client may be silent


class Receiver(Protocol):
    """Whoever keeps the mail."""

    async def knows(self, address: str) -> bool:
        """Whether mail to this address is for us: nothing else is accepted, so nobody can relay through us."""
        ...

    async def receive(self, address: str, mail: bytes, *, files: tuple[File, ...] = ()) -> None:
        """Keep what a mail says durably (its digest is given, and what was attached). An error means that it is not kept: the
        sender will try again."""
        ...


class _Handler:
    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        try:
            known = await self._receiver.knows(address)
        except Exception as failed:
            log.warning("whose a mail is cannot be known now", error=repr(failed))
            return "451 4.3.0 Cannot be looked up; try again"
        if not known:
            return "550 5.1.1 No such address here"
        if envelope.rcpt_tos:
            return "452 4.5.3 One recipient at a time"  # LMTP answers once for each; the sender comes back for the rest
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def keep(self, envelope: Envelope, mail: IO[bytes]) -> str:
        """The answer to a mail that arrived whole."""
        try:
            mail.seek(0)
            small, files = await asyncio.to_thread(digest_and_files, mail)
            await self._receiver.receive(envelope.rcpt_tos[0], small, files=files)
        except Exception as failed:
            log.warning("a mail could not be kept", error=repr(failed))
            return "451 4.3.0 Could not be stored; try again"
        return "250 2.0.0 Stored"


async def listen(receiver: Receiver, host: str, port: int, *, lmtp: bool = False) -> asyncio.Server:
    """Listen for mail. Several processes may listen on one port of one machine. Raises OSError."""
    loop = asyncio.get_running_loop()
    kind: Callable[..., SMTP] = _Local if lmtp else _Either

    def session() -> SMTP:
        return kind(
            _Handler(receiver),
            hostname="antiphon",
            ident="Antiphon",
            data_size_limit=MAX_MAIL,
            timeout=_TALK,
            enable_SMTPUTF8=True,
            loop=loop,
        )

    return await loop.create_server(session, host, port, reuse_port=True, backlog=128)


class _Streaming(SMTP):
    """SMTP whose mails go to disk, not into memory, and whose lines may have any length."""

    async def smtp_DATA(self, arg: str) -> None:  # aiosmtpd finds commands by this name
        """As in RFC 5321."""
        if await self.check_helo_needed():
            return
        assert self.envelope is not None
        if not self.envelope.rcpt_tos:
            await self.push("503 Error: need RCPT command")
            return
        if arg:
            await self.push("501 Syntax: DATA")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as spool:
            trouble = await self._spool(spool)
            answer = trouble or await self.event_handler.keep(self.envelope, spool)
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        await self.push(answer)

    async def _spool(self, spool: IO[bytes]) -> str | None:
        """Take a mail in, dots unstuffed; the answer if it cannot be kept. It is read to its end in any case."""
        size, trouble = 0, None
        starts = True  # whether this piece begins a line
        while self.transport is not None:
            try:
                piece = await self._reader.readuntil(b"\r\n")
                whole = True
            except asyncio.LimitOverrunError as over:
                piece, whole = await self._reader.read(max(1, over.consumed)), False
            if starts and piece == b".\r\n":
                return trouble
            if starts and piece.startswith(b"."):
                piece = piece[1:]
            starts = whole
            size += len(piece)
            if size > MAX_MAIL:
                trouble = "552 5.3.4 Too much mail data"
            if trouble is None:
                try:
                    spool.write(piece)
                except OSError as full:
                    log.warning("a mail could not be put on disk", error=str(full))
                    trouble = "452 4.3.1 No space; try again"
        return "451 4.3.0 Broken off"


class _Local(_Streaming, LMTP):
    """LMTP."""


class _Either(_Streaming):
    """SMTP that also takes a client that says LHLO: one port for both."""

    async def smtp_LHLO(self, arg: str) -> None:  # aiosmtpd finds commands by this name
        """LMTP's EHLO."""
        greet: Callable[[str], Awaitable[Any]] = super().smtp_EHLO
        await greet(arg)
