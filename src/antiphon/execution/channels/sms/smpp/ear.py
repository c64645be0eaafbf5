"""An account's ear: what its connections hear is stored first and acknowledged then, as many together as have come.

A customer's message of several parts is acknowledged when all are there and stored as one; parts that wait too long are
stored as they are, so that none is ever lost with this process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from antiphon.execution.channels.model import Account, Hear, Signal
from antiphon.execution.channels.sms.keywords import said
from antiphon.execution.channels.sms.number import heard_number
from antiphon.execution.channels.sms.smpp import pdu as wire
from antiphon.execution.channels.sms.smpp.pdu import BrokenPdu, Deliver, Pdu
from antiphon.execution.channels.sms.smpp.receipts import Fragment, decode, fragment, is_receipt, read_receipt
from antiphon.execution.channels.sms.smpp.session import Session
from antiphon.execution.channels.sms.smpp.settings import SmppSettings
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
PATIENCE = 5.0  # seconds that parts wait for the others
_TOGETHER = 500  # messages stored at once
_MOST = 5_000  # messages that may wait; more are refused for now
_Heard = tuple[Session, Pdu]
_Key = tuple[str, str, int, int]


class _Parts:
    """Parts of one message that have come."""

    def __init__(self, until: float, first: Deliver) -> None:
        self.until = until
        self.first = first
        self.contents: dict[int, bytes] = {}
        self.heard: list[_Heard] = []


class Ear:
    """What the connections of one account hear, on its way to whoever keeps it."""

    def __init__(self, account: Account, hear: Hear | None = None) -> None:
        self.account = account
        self.hear = hear
        self._settings: SmppSettings = account.settings
        self._waiting: list[_Heard] = []
        self._parts: dict[_Key, _Parts] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def take(self, session: Session, heard: Pdu) -> None:
        """One message from the other side."""
        if len(self._waiting) >= _MOST or self.hear is None:
            session.reply([(heard, wire.RX_T_APPN)])
            return
        self._waiting.append((session, heard))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        self._wake.set()

    async def close(self) -> None:
        """Stop; what is not stored is not acknowledged, and comes again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self._waiting.clear()
        self._parts.clear()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            soonest = min((parts.until for parts in self._parts.values()), default=None)
            try:
                async with asyncio.timeout_at(soonest):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            batch, self._waiting = self._waiting[:_TOGETHER], self._waiting[_TOGETHER:]
            if self._waiting:
                self._wake.set()
            await self._store([*self._read(batch, loop.time()), *self._overdue(loop.time())])

    async def _store(self, read: list[tuple[Signal | None, list[_Heard]]]) -> None:
        signals = [signal for signal, _ in read if signal is not None]
        status = wire.ROK
        try:
            if signals and self.hear is not None:
                await self.hear(self.account, signals)
        except Exception as failed:
            log.warning("what an SMSC told could not be stored", account=self.account.name, error=repr(failed))
            status = wire.RX_T_APPN
        answers: dict[Session, list[tuple[Pdu, int]]] = {}
        for _, heard in read:
            for session, one in heard:
                answers.setdefault(session, []).append((one, status))
        for session, of_it in answers.items():
            session.reply(of_it)

    def _read(self, batch: list[_Heard], now: float) -> Iterator[tuple[Signal | None, list[_Heard]]]:
        """(news, what is acknowledged with it); parts that wait give nothing yet."""
        for session, heard in batch:
            one = (session, heard)
            try:
                message = wire.read_deliver(heard)
            except BrokenPdu as broken:
                log.warning("an SMSC told what cannot be read", account=self.account.name, error=str(broken))
                yield None, [one]
                continue
            if is_receipt(message):
                yield read_receipt(message, self._settings), [one]
                continue
            part, content = fragment(message)
            if part is None:
                yield self._reply(message, content), [one]
            elif (whole := self._join(part, message, content, one, now)) is not None:
                yield whole

    def _join(
        self, part: Fragment, message: Deliver, content: bytes, one: _Heard, now: float
    ) -> tuple[Signal, list[_Heard]] | None:
        key = (message.source.number, message.destination.number, part.reference, part.total)
        parts = self._parts.get(key)
        if parts is None:
            parts = self._parts[key] = _Parts(now + PATIENCE, message)
        parts.contents[part.number] = content
        parts.heard.append(one)
        if len(parts.contents) < part.total:
            return None
        del self._parts[key]
        return self._joined(parts), parts.heard

    def _overdue(self, now: float) -> Iterator[tuple[Signal, list[_Heard]]]:
        for key, parts in list(self._parts.items()):
            if parts.until <= now:
                del self._parts[key]
                yield self._joined(parts), parts.heard

    def _joined(self, parts: _Parts) -> Signal:
        return self._reply(parts.first, b"".join(parts.contents[number] for number in sorted(parts.contents)))

    def _reply(self, message: Deliver, content: bytes) -> Signal:
        source = message.source
        return said(
            decode(content, message.data_coding, self._settings),
            self._settings.keywords,
            sender=heard_number(source.number, international=source.ton in (0, 1)),
            recipient=message.destination.number,
        )
