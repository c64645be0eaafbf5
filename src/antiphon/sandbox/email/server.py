"""The SMTP server itself (RFC 5321, by aiosmtpd), with a trouble of its own for some addresses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from antiphon.sandbox.email.faults import BACK, Fault, Rates, fault_of
from antiphon.sandbox.email.log import MailLog

_PAUSE = 0.5  # seconds by which a delayed message is late
_HANG = 600.0  # seconds for which nothing is said; senders give up long before
_GREY = 0.5  # seconds for which a greylisted sender is told to come back


class Mailboxes:
    """Takes every message for anybody, but for the faults."""

    def __init__(self, log: MailLog, seed: int, rates: Rates, hang_seconds: float = _HANG) -> None:
        self._log = log
        self._seed = seed
        self._rates = rates
        self._hang = hang_seconds
        self._greylisted: dict[tuple[str, str], float] = {}

    def fault(self, address: str) -> Fault | None:
        return fault_of(self._seed, self._rates, address)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Refuse or greylist here, before any content travels."""
        fault = self.fault(address)
        if fault == "refuse":
            return "550 5.1.1 No such mailbox here"
        if fault == "defer":
            return "452 4.2.2 The mailbox is full"
        if fault == "greylist":
            key = (envelope.mail_from or "").rpartition("@")[2], address.lower()
            first = self._greylisted.setdefault(key, time.monotonic())
            if time.monotonic() - first < _GREY:
                return "451 4.7.1 Greylisted, come back a little later"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Accept for good: on disk first, then 250."""
        faults = {self.fault(address) for address in envelope.rcpt_tos}
        if "delay" in faults:
            await asyncio.sleep(_PAUSE)
        if "hang" in faults:
            await asyncio.sleep(self._hang)
            return "451 4.3.0 Still thinking"
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        back = next((fault for fault in faults if fault in BACK), None)
        try:
            sender = (envelope.mail_from or "").strip("<>")  # the null sender arrives as <>
            entry = await self._log.append(sender, list(envelope.rcpt_tos), content, back)
        except OSError:
            return "452 4.3.1 No space for this message"
        if "silent" in faults:
            _hang_up(server)
        return f"250 2.0.0 Queued as {entry.n}"


class FaultySMTP(SMTP):
    """SMTP whose DATA can be cut short."""

    async def smtp_DATA(self, arg: str) -> None:  # aiosmtpd finds commands by this name
        """As in RFC 5321, unless the recipient's trouble is `close`."""
        cut: Callable[[str], Fault | None] = self.event_handler.fault
        if self.envelope and any(cut(address) == "close" for address in self.envelope.rcpt_tos):
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            await self._reader.readline()
            _hang_up(self)
            return
        proceed: Callable[[str], Awaitable[Any]] = super().smtp_DATA
        await proceed(arg)


def _hang_up(server: SMTP) -> None:
    if isinstance(server.transport, asyncio.Transport):
        server.transport.abort()


async def start_mail_server(
    mailboxes: Mailboxes, host: str = "127.0.0.1", port: int = 0
) -> tuple[asyncio.Server, int]:
    """Listen; returns the server and the port it got. Raises OSError when the port is taken."""
    loop = asyncio.get_running_loop()

    def session() -> FaultySMTP:
        return FaultySMTP(mailboxes, hostname="mail.sandbox.example", ident="Sandbox", enable_SMTPUTF8=True, loop=loop)

    server = await loop.create_server(session, host, port, backlog=512)
    return server, server.sockets[0].getsockname()[1]
