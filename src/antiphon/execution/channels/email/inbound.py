"""The server that bounces and complaints arrive at: LMTP (RFC 2033) or SMTP. What it accepts is durable."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
MAX_MAIL = 10_000_000  # octets; what is longer is refused with 552
_TALK = 120.0  # seconds a client may be silent


class Receiver(Protocol):
    """Whoever keeps the mail."""

    def knows(self, address: str) -> bool:
        """Whether mail to this address is for us: nothing else is accepted, so nobody can relay through us."""
        ...

    async def receive(self, address: str, mail: bytes) -> None:
        """Keep a mail durably. An error means that it is not kept: the sender will try again."""
        ...


class _Handler:
    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if not self._receiver.knows(address):
            return "550 5.1.1 No such address here"
        if envelope.rcpt_tos:
            return "452 4.5.3 One recipient at a time"  # LMTP answers once for each; the sender comes back for the rest
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        try:
            await self._receiver.receive(envelope.rcpt_tos[0], content)
        except Exception as failed:
            log.warning("a mail could not be kept", error=repr(failed))
            return "451 4.3.0 Could not be stored; try again"
        return "250 2.0.0 Stored"


async def listen(receiver: Receiver, host: str, port: int, *, lmtp: bool = False) -> asyncio.Server:
    """Listen for mail. Several processes may listen on one port of one machine. Raises OSError."""
    loop = asyncio.get_running_loop()
    kind: Callable[..., SMTP] = LMTP if lmtp else _Either

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


class _Either(SMTP):
    """SMTP that also takes a client that says LHLO: one port for both."""

    async def smtp_LHLO(self, arg: str) -> None:  # aiosmtpd finds commands by this name
        """LMTP's EHLO."""
        greet: Callable[[str], Awaitable[Any]] = super().smtp_EHLO
        await greet(arg)
