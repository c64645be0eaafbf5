"""One connection to the SMSC: binds, submissions, and deliveries on their way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import msgspec

from antiphon.sandbox.sms import pdu
from antiphon.sandbox.sms.log import Received

if TYPE_CHECKING:
    from antiphon.sandbox.sms.smsc import Smsc

WINDOW = 200  # deliveries on the way on one connection


class Delivery(msgspec.Struct):
    """Something on its way to whoever is bound."""

    source: str
    destination: str
    content: bytes
    esm_class: int = 0
    coding: int = 0
    parameters: bytes = b""


class Line(asyncio.Protocol):
    """One connection to the SMSC."""

    def __init__(self, smsc: Smsc) -> None:
        self.role = ""
        self.unanswered: dict[int, Delivery] = {}
        self._smsc = smsc
        self._session = ""
        self._buffer = b""
        self._sequence = 0
        self._transport: asyncio.Transport | None = None
        self.tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._smsc.lines.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._smsc.lines.remove(self)
        self._smsc.put_back(reversed(self.unanswered.values()))
        self.unanswered = {}
        self._smsc.pump()

    def drop(self) -> None:
        """Break the connection."""
        if self._transport is not None:
            self._transport.abort()

    def write(self, data: bytes) -> None:
        """Say something, if anybody is there."""
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def hand_over(self, delivery: Delivery) -> bytes:
        """The deliver_sm of something; it is unanswered from now on."""
        self._sequence += 1
        self.unanswered[self._sequence] = delivery
        return pdu.deliver(
            self._sequence, delivery.source, delivery.destination, delivery.content,
            esm_class=delivery.esm_class, coding=delivery.coding, parameters=delivery.parameters,
        )  # fmt: skip

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        submissions: list[tuple[int, pdu.Submission]] = []
        at = 0
        while len(self._buffer) - at >= 16:
            length = int.from_bytes(self._buffer[at : at + 4], "big")
            if not 16 <= length <= 70_000:
                return self.drop()
            if len(self._buffer) - at < length:
                break
            command, status, sequence = (int.from_bytes(self._buffer[at + n : at + n + 4], "big") for n in (4, 8, 12))
            body = self._buffer[at + 16 : at + length]
            at += length
            try:
                if command == pdu.SUBMIT and self.role in ("transmitter", "transceiver"):
                    submissions.append((sequence, pdu.read_submission(body)))
                else:
                    self._other(command, status, sequence, body)
            except (ValueError, IndexError):
                self.write(pdu.answer(command, sequence, pdu.SYSTEM_ERROR))
        self._buffer = self._buffer[at:]
        if submissions:
            task = asyncio.get_running_loop().create_task(self._accept(submissions))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        return None

    def _other(self, command: int, status: int, sequence: int, body: bytes) -> None:
        smsc = self._smsc
        if command == pdu.DELIVER | pdu.RESPONSE:
            delivery = self.unanswered.pop(sequence, None)
            if status == pdu.OK:
                smsc.acknowledged += 1
            elif delivery is not None:
                smsc.refusals.append(status)
                smsc.again(delivery)
            if len(self.unanswered) < WINDOW // 2:
                smsc.pump()
        elif command in pdu.BINDS:
            self._bind(command, sequence, pdu.read_bind(body))
        elif command == pdu.ENQUIRE:
            smsc.enquiries += 1
            self.write(pdu.answer(command, sequence))
        elif command == pdu.UNBIND:
            self.write(pdu.answer(command, sequence))
            if self._transport is not None:
                self._transport.close()
        elif not command & pdu.RESPONSE:
            self.write(pdu.answer(0, sequence, pdu.BAD_COMMAND))

    def _bind(self, command: int, sequence: int, bind: pdu.Bind) -> None:
        smsc, role = self._smsc, pdu.BINDS[command]
        known = smsc.habits
        if known.system_id and (bind.system_id, bind.password) != (known.system_id, known.password):
            status = pdu.BAD_PASSWORD if bind.system_id == known.system_id else pdu.BIND_FAILED
            return self.write(pdu.answer(command, sequence, status, ""))
        smsc.binds.append((role, bind))
        self.role, self._session = role, f"{role}:{bind.system_id}:{bind.system_type}"
        self.write(pdu.answer(command, sequence, pdu.OK, "sandbox"))
        return smsc.pump()

    async def _accept(self, submissions: list[tuple[int, pdu.Submission]]) -> None:
        """Judge what came together, put it on disk together, answer together."""
        smsc = self._smsc
        answers: list[bytes] = []
        taken: list[tuple[int, Received]] = []
        hang_up = False
        smsc.in_hand += len(submissions)
        smsc.most_in_hand = max(smsc.most_in_hand, smsc.in_hand)
        if smsc.pause:
            await asyncio.sleep(smsc.pause)
        for sequence, submission in submissions:
            smsc.submissions += 1
            status, fault = smsc.verdict(submission)
            if status != pdu.OK:
                answers.append(pdu.answer(pdu.SUBMIT, sequence, status, ""))
            elif fault == "close":
                hang_up = True
            elif fault != "hang":
                taken.append((sequence, smsc.entry(submission, fault, self._session)))
        if taken and smsc.log is not None:
            try:
                await smsc.log.append(*(entry for _, entry in taken))
            except OSError:
                answers += [pdu.answer(pdu.SUBMIT, sequence, pdu.SYSTEM_ERROR, "") for sequence, _ in taken]
                taken = []
        early = [entry for _, entry in taken if entry.fault == "early"]
        for entry in early:
            smsc.follow_up(entry)
        if early:
            smsc.pump()
            await asyncio.sleep(0.05)
        for sequence, entry in taken:
            if entry.fault == "silent":
                hang_up = True
            elif entry.fault != "mute":
                answers.append(pdu.answer(pdu.SUBMIT, sequence, pdu.OK, entry.id))
        self.write(b"".join(answers))
        smsc.in_hand -= len(submissions)
        for _, entry in taken:
            if entry.fault != "early":
                smsc.follow_up(entry)
        if hang_up:
            self.drop()
        smsc.pump()
