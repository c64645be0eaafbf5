"""One SMPP connection: bound once, many messages on the way at the same time, thin because every message passes here.

The point of no return of a message is the write of its submit_sm: `SmppError.spoken` says whether it was passed.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, cast

from antiphon.execution.channels.sms.smpp import pdu as wire
from antiphon.execution.channels.sms.smpp.pdu import BrokenPdu, Pdu
from antiphon.execution.channels.sms.smpp.settings import SmppSettings

Role = Literal["transceiver", "transmitter", "receiver"]
_BIND = {"transceiver": wire.BIND_TRANSCEIVER, "transmitter": wire.BIND_TRANSMITTER, "receiver": wire.BIND_RECEIVER}
_GOODBYE = 1.0  # seconds the other side has to answer unbind
_LAST = 0x7FFFFFFF


class SmppError(Exception):
    """The conversation broke off: no connection, a connection lost, no answer in time, or no SMPP."""

    def __init__(self, kind: str, detail: str, *, spoken: bool = False) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.spoken = spoken


class BindRefused(SmppError):
    """The SMSC does not let us in."""

    def __init__(self, status: int) -> None:
        super().__init__("bind", f"the SMSC refused to bind: {status:#010x}")
        self.status = status


class Answer(NamedTuple):
    """What was answered to a submit_sm."""

    status: int
    message_id: str


class _Waiting(NamedTuple):
    answer: asyncio.Future[Answer]
    until: float


class Session(asyncio.Protocol):
    """A bound connection. ``on_deliver`` is called for each message from the other side; answer it with `reply`."""

    def __init__(self, settings: SmppSettings, on_deliver: Callable[[Session, Pdu], None]) -> None:
        self.role: Role = "transceiver"
        self.window = asyncio.Semaphore(settings.window)
        self._settings = settings
        self._on_deliver = on_deliver
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._sequence = 0
        self._waiting: dict[int, _Waiting] = {}
        self._out: list[bytes] = []
        self._unsent: list[int] = []
        self._heard_at = self._loop.time()
        self._enquired_at: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._leaving = False
        self._dismissed = False
        self.lost: SmppError | None = None
        self.closed: asyncio.Future[None] = self._loop.create_future()

    # --- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._tick()

    def data_received(self, data: bytes) -> None:
        self._heard_at, self._enquired_at = self._loop.time(), None
        try:
            heard, self._buffer = wire.cut(self._buffer + data if self._buffer else data)
            for one in heard:
                self._take(one)
        except BrokenPdu as broken:
            self._fail(SmppError("protocol", str(broken)))

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(SmppError("closed", str(exc) if exc else "the SMSC closed the connection"))

    # --- state

    @property
    def usable(self) -> bool:
        """Whether a message may be given to it now."""
        return self.lost is None and not self._leaving

    @property
    def load(self) -> int:
        """Messages on the way without an answer."""
        return len(self._waiting)

    def _fail(self, error: SmppError) -> None:
        if self.lost is None:
            self.lost = error
            if self._timer is not None:
                self._timer.cancel()
            unsent, self._unsent, self._out = set(self._unsent), [], []
            waiting, self._waiting = self._waiting, {}
            for sequence, one in waiting.items():
                if not one.answer.done():
                    one.answer.set_exception(SmppError(error.kind, error.detail, spoken=sequence not in unsent))
                    one.answer.exception()  # nobody may be waiting any more
            if not self.closed.done():
                self.closed.set_result(None)
        if self._transport is not None:
            self._transport.abort()

    def _tick(self) -> None:
        """Look for answers that did not come, and try a silent link."""
        now = self._loop.time()
        while self._waiting:
            sequence, oldest = next(iter(self._waiting.items()))
            if oldest.until > now:
                break
            del self._waiting[sequence]
            if not oldest.answer.done():
                late = SmppError("timeout", f"no answer within {self._settings.answer_timeout:g} seconds", spoken=True)
                oldest.answer.set_exception(late)
                oldest.answer.exception()
        patience = min(self._settings.timeout, self._settings.enquire_seconds)
        if self._enquired_at is not None and now - self._enquired_at > patience:
            return self._fail(SmppError("timeout", "the SMSC does not answer enquire_link"))
        if self._enquired_at is None and now - self._heard_at > self._settings.enquire_seconds:
            self._enquired_at = now
            self._write(wire.pdu(wire.ENQUIRE_LINK, self._next()))
        if self.lost is None:
            pause = min(1.0, self._settings.enquire_seconds / 4, self._settings.answer_timeout / 4)
            self._timer = self._loop.call_later(pause, self._tick)
        return None

    # --- hearing

    def _take(self, heard: Pdu) -> None:
        command = heard.command
        if command & wire.ANSWER:
            waiting = self._waiting.pop(heard.sequence, None)
            if waiting is not None and not waiting.answer.done():
                named = wire.read_cstring(heard.body)[0] if heard.body else ""
                # A generic_nack is never a success, whatever its status says.
                status = heard.status or (wire.RINVCMDID if command == wire.GENERIC_NACK else wire.ROK)
                waiting.answer.set_result(Answer(status, named))
            self._part()
        elif command in (wire.DELIVER_SM, wire.DATA_SM):
            self._on_deliver(self, heard)
        elif command == wire.ENQUIRE_LINK:
            self.reply([(heard, wire.ROK)])
        elif command == wire.UNBIND:
            self.reply([(heard, wire.ROK)])
            self._leaving = self._dismissed = True
            self._flush()
            self._part()
        elif command != wire.ALERT_NOTIFICATION:  # which has no answer
            self._write(wire.pdu(wire.GENERIC_NACK, heard.sequence, status=wire.RINVCMDID))

    def _part(self) -> None:
        """Hang up when the other side wants it and nothing is awaited any more."""
        if self._dismissed and not self._waiting and self._transport is not None:
            self._transport.close()

    def reply(self, answers: Sequence[tuple[Pdu, int]]) -> None:
        """Answer requests of the other side, each with a status."""
        for request, status in answers:
            body = b"\0" if request.command in (wire.DELIVER_SM, wire.DATA_SM) else b""
            self._write(wire.pdu(request.command | wire.ANSWER, request.sequence, body, status))

    # --- talking

    def _next(self) -> int:
        self._sequence = self._sequence % _LAST + 1
        return self._sequence

    def _write(self, data: bytes) -> None:
        """Put octets out; what is written in one turn of the loop leaves in one system call."""
        if self.lost is not None:
            return
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(data)

    def _flush(self) -> None:
        if self._out and self._transport is not None and self.lost is None:
            self._transport.write(b"".join(self._out))
            self._out, self._unsent = [], []

    def _ask(self, command: int, body: bytes, timeout: float) -> asyncio.Future[Answer]:
        sequence = self._next()
        answer: asyncio.Future[Answer] = self._loop.create_future()
        self._waiting[sequence] = _Waiting(answer, self._loop.time() + timeout)
        self._unsent.append(sequence)
        self._write(wire.pdu(command, sequence, body))
        return answer

    async def submit(self, body: bytes) -> Answer:
        """Say one message. Raises `SmppError`."""
        if self._transport is None or not self.usable or self._transport.is_closing():
            raise self.lost or SmppError("closed", "the connection is closing")
        return await self._ask(wire.SUBMIT_SM, body, self._settings.answer_timeout)

    async def bind(self, role: Role) -> None:
        """Sign in. Raises `SmppError`."""
        settings, self.role = self._settings, role
        try:
            body = wire.bind_body(settings.system_id, settings.password, settings.system_type)
            async with asyncio.timeout(settings.timeout):
                answer = await self._ask(_BIND[role], body, settings.timeout * 2)
        except TimeoutError:
            raise SmppError("timeout", f"no answer to the sign-in within {settings.timeout:g} seconds") from None
        if answer.status != wire.ROK:
            raise BindRefused(answer.status)

    def retire(self) -> None:
        """Take no new messages and close when the last answer is there."""
        self._leaving = True
        self._loop.create_task(self._leave()).add_done_callback(lambda done: done.exception())

    async def _leave(self) -> None:
        while self._waiting and self.lost is None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        await self.close()

    async def close(self) -> None:
        """Say goodbye and hang up."""
        if self.lost is None and self._transport is not None and not self._transport.is_closing():
            self._leaving = True
            try:
                async with asyncio.timeout(_GOODBYE):
                    await self._ask(wire.UNBIND, b"", _GOODBYE * 2)
            except (SmppError, TimeoutError):
                pass
        self._fail(SmppError("closed", "closed by us"))


def tls_context(settings: SmppSettings) -> ssl.SSLContext:
    """How the connection is encrypted."""
    context = ssl.create_default_context()
    if not settings.verify_certificate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def connect(settings: SmppSettings, role: Role, on_deliver: Callable[[Session, Pdu], None]) -> Session:
    """Connect, encrypt and bind. Raises `SmppError`."""
    loop = asyncio.get_running_loop()
    secure = settings.security == "tls"
    try:
        async with asyncio.timeout(settings.timeout):
            _, session = await loop.create_connection(
                lambda: Session(settings, on_deliver),
                settings.host,
                settings.port,
                ssl=tls_context(settings) if secure else None,
                server_hostname=settings.host if secure else None,
            )
    except TimeoutError:
        raise SmppError("timeout", f"no connection within {settings.timeout:g} seconds") from None
    except ssl.SSLError as failed:
        raise SmppError("tls", f"TLS failed: {failed.reason or failed}") from failed
    except (OSError, UnicodeError) as failed:
        raise SmppError("connect", f"cannot connect to {settings.host}:{settings.port}: {failed}") from failed
    try:
        await session.bind(role)
    except BaseException:
        session._fail(SmppError("closed", "never bound"))
        raise
    return session
