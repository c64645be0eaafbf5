"""A batch of messages over several connections: kept open between batches, each fed as fast as it answers."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Sequence

from antiphon.execution.channels.email.replies import Stage, accepted, broken, judged
from antiphon.execution.channels.email.settings import EmailSettings
from antiphon.execution.channels.email.smtp import (
    Conversation,
    Reply,
    SmtpError,
    connect,
)
from antiphon.execution.channels.model import Receipt, Speaking, Wire

IDLE = 20.0  # seconds an open connection waits for the next batch
_DOT = re.compile(rb"\n\.").search  # a third of what looking for all three octets costs
_FEW = 3  # messages for which opening one more connection pays


class Pool:
    """The connections of one account: never more than its settings allow, whatever batches overlap."""

    def __init__(self, settings: EmailSettings) -> None:
        self.settings = settings
        self._idle: list[Conversation] = []
        self._room = asyncio.Semaphore(settings.connections)
        self._closed = False

    @property
    def full(self) -> bool:
        """Whether every connection allowed is in use."""
        return self._room.locked()

    async def take(self) -> Conversation:
        """An open connection that still answers, or a new one; waits while all are in use. Raises `SmtpError`."""
        await self._room.acquire()
        try:
            now = asyncio.get_running_loop().time()
            while self._idle:
                talk = self._idle.pop()
                if talk.alive and not talk.received() and now - talk.used_at < IDLE:
                    return talk
                talk.close()
            return await connect(self.settings)
        except BaseException:
            self._room.release()
            raise

    def give(self, talk: Conversation) -> None:
        """Keep a connection for the next batch, unless it had its share."""
        self._room.release()
        if self._closed or not talk.alive or talk.messages >= self.settings.messages_per_connection:
            talk.close()
            return
        talk.used_at = asyncio.get_running_loop().time()
        self._idle.append(talk)

    def close(self) -> None:
        """Close what waits; what is in use closes when it is given back."""
        self._closed = True
        for talk in self._idle:
            talk.close()
        self._idle.clear()


class Batch:
    """One call of `send`: its wires, and a receipt for each."""

    def __init__(self, pool: Pool, wires: Sequence[Wire], on_speaking: Speaking) -> None:
        self._pool = pool
        self._settings = pool.settings
        self._wires = wires
        self._waiting = deque(wires)
        self._returned: set[int] = set()
        self._on_speaking = on_speaking
        self._announced: asyncio.Task[None] | None = None
        self._receipts: dict[int, Receipt] = {}
        self._last: SmtpError | None = None

    async def speak(self) -> list[Receipt]:
        """Speak all of them."""
        workers = max(1, min(self._settings.connections, -(-len(self._wires) // _FEW)))
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(workers):
                    group.create_task(self._work(first=number == 0))
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None  # the announcement failed: all workers say the same
        error = self._last or SmtpError("closed", "no connection was left")
        for wire in self._waiting:
            self._receipts[wire.delivery_id] = broken(wire.delivery_id, error, spoken=False)
        return [self._receipts[wire.delivery_id] for wire in self._wires]

    async def _work(self, *, first: bool) -> None:
        """One connection's worth of work; a connection that breaks is replaced once. Only the first waits for one."""
        for _ in range(2):
            if not self._waiting or (self._pool.full and not first):
                return
            try:
                talk = await self._pool.take()
            except SmtpError as failed:
                self._last = failed
                return
            try:
                await self._announce()
                await self._feed(talk)
            except SmtpError as failed:
                self._last = failed
                talk.close()
            except BaseException:
                if talk.transport is not None:
                    talk.transport.abort()
                raise
            finally:
                self._pool.give(talk)

    async def _announce(self) -> None:
        """Tell once, before the first connection speaks, for the whole batch; the others wait for it."""
        if self._announced is None:
            ids = [wire.delivery_id for wire in self._wires]
            self._announced = asyncio.ensure_future(self._on_speaking(ids))
        await asyncio.shield(self._announced)

    def _next(self, talk: Conversation) -> Wire | None:
        while self._waiting and talk.messages < self._settings.messages_per_connection:
            wire = self._waiting.popleft()
            if wire.options.get("smtputf8") and "SMTPUTF8" not in talk.extensions:
                self._receipts[wire.delivery_id] = Receipt(
                    delivery_id=wire.delivery_id,
                    outcome="rejected",
                    code="smtputf8",
                    detail="the server does not take international addresses",
                    permanent=True,
                )
                continue
            return wire
        return None

    def _put_back(self, wire: Wire, error: SmtpError) -> None:
        """A message whose envelope broke may go over another connection once; nothing of it was accepted."""
        if wire.delivery_id in self._returned:
            self._receipts[wire.delivery_id] = broken(wire.delivery_id, error, spoken=False)
        else:
            self._returned.add(wire.delivery_id)
            self._waiting.appendleft(wire)

    async def _feed(self, talk: Conversation) -> None:
        """Message after message. The next envelope rides behind the present message's dot (RFC 2920)."""
        pipelining = "PIPELINING" in talk.extensions
        while wire := self._next(talk):
            try:
                ready = await self._open(talk, wire, pipelining)
            except SmtpError as failed:
                if wire.delivery_id not in self._receipts:
                    self._put_back(wire, failed)
                raise
            while ready:
                wire, ready = await self._say(talk, wire, pipelining)

    async def _open(self, talk: Conversation, wire: Wire, pipelining: bool) -> bool:
        """The envelope, up to 354. False: the message was refused, and its receipt written."""
        timeout = self._settings.timeout
        if pipelining:
            talk.write(_envelope(talk, wire))
            return await self._judge(talk, wire, await talk.read(3, timeout))
        replies: list[Reply] = []
        for line in _envelope(talk, wire).splitlines(keepends=True):
            talk.write(line)
            replies += await talk.read(1, timeout)
            if not replies[-1].positive:
                break
        return await self._judge(talk, wire, replies)

    async def _judge(self, talk: Conversation, wire: Wire, replies: Sequence[Reply]) -> bool:
        """Read an envelope's answers; leave the connection clean for the next message."""
        if len(replies) == 3 and replies[0].positive and replies[1].positive and replies[2].code == 354:
            return True
        stages: tuple[Stage, ...] = ("sender", "recipient", "data")
        bad = next((i for i, reply in enumerate(replies) if not reply.positive or (i == 2 and reply.code != 354)), 0)
        self._receipts[wire.delivery_id] = judged(wire.delivery_id, stages[bad], replies[bad])
        if any(reply.code == 421 for reply in replies):
            raise SmtpError("closed", f"421 {replies[bad].text}")
        if len(replies) == 3 and replies[2].code == 354:
            talk.write(b".\r\n")  # the server wants data although nobody is to get it (RFC 2920, 3.1)
            await talk.read(1, self._settings.timeout)
        elif (await talk.ask("RSET", self._settings.timeout)).code != 250:
            raise SmtpError("protocol", "RSET was refused")
        return False

    async def _say(self, talk: Conversation, wire: Wire, pipelining: bool) -> tuple[Wire, bool]:
        """Data and dot, the next envelope behind it, then the answers. Gives the next message if it is ready for data."""
        talk.messages += 1
        following = self._next(talk) if pipelining else None
        spoken = False
        try:
            # one write: each is a system call, and this is on the way of every message
            talk.write(_data(wire) if following is None else _data(wire) + _envelope(talk, following))
            spoken = True
            await talk.drain(self._settings.data_timeout)
            (reply,) = await talk.read(1, self._settings.data_timeout)
        except SmtpError as failed:
            if following is not None:
                self._put_back(following, failed)
            answers = talk.received()
            if answers:
                self._finish(wire, answers[0])
            elif spoken:
                self._receipts[wire.delivery_id] = broken(wire.delivery_id, failed, spoken=True)
            else:
                self._put_back(wire, failed)
            raise
        self._finish(wire, reply)
        if reply.code == 421:
            if following is not None:
                self._put_back(following, SmtpError("closed", reply.text))
            raise SmtpError("closed", f"421 {reply.text}")
        if following is None:
            return wire, False
        try:
            return following, await self._judge(talk, following, await talk.read(3, self._settings.timeout))
        except SmtpError as failed:
            if following.delivery_id not in self._receipts:
                self._put_back(following, failed)
            raise

    def _finish(self, wire: Wire, reply: Reply) -> None:
        taken = 200 <= reply.code < 300
        self._receipts[wire.delivery_id] = (
            accepted(wire.delivery_id, reply) if taken else judged(wire.delivery_id, "message", reply)
        )


def _envelope(talk: Conversation, wire: Wire) -> bytes:
    extensions = talk.extensions
    options = f" SIZE={len(wire.payload)}" if "SIZE" in extensions else ""
    if wire.options.get("smtputf8"):
        options += " SMTPUTF8"
        if "8BITMIME" in extensions:
            options += " BODY=8BITMIME"
    return f"MAIL FROM:<{wire.sender}>{options}\r\nRCPT TO:<{wire.address}>\r\nDATA\r\n".encode()


def _data(wire: Wire) -> bytes:
    payload = wire.payload
    if _DOT(payload):
        payload = payload.replace(b"\r\n.", b"\r\n..")
    if payload.startswith(b"."):
        payload = b"." + payload
    return payload + (b".\r\n" if payload.endswith(b"\r\n") else b"\r\n.\r\n")
