"""The SMSC itself: an SMPP 3.4 server on loopback, with a trouble of its own for some numbers."""

from __future__ import annotations

import asyncio
import itertools
import ssl
import time
from collections import Counter, deque
from collections.abc import Iterator
from typing import Literal

import msgspec

from antiphon.sandbox.sms import pdu
from antiphon.sandbox.sms.faults import Fault, Rates, fault_of
from antiphon.sandbox.sms.line import WINDOW, Delivery, Line
from antiphon.sandbox.sms.log import Received, SmsLog, now
from antiphon.sandbox.sms.text import body_of, read_text, write_text

LATE = 0.5  # seconds by which a late receipt comes later
_AGAIN = 0.5  # seconds until what was refused for now is handed over again
_FAILED: dict[Fault | None, tuple[str, str, int]] = {"undelivered": ("UNDELIV", "001", 5), "expired": ("EXPIRED", "027", 3)}


class Habits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How this SMSC does things that others do otherwise."""

    system_id: str = ""  # empty: anybody may bind
    password: str = ""
    receipts: Literal["text", "parameters", "both"] = "text"
    ids: Literal["same", "hex_decimal", "decimal_hex"] = "same"
    per_second: int = 0  # more than these are throttled; 0: no limit
    receipt_after: float = 0.0


class Smsc:
    """Takes every message for anybody, but for the faults. ``binds`` are those seen, ``refusals`` the answers to deliveries
    other than success, for whoever tries it."""

    def __init__(self, log: SmsLog | None, seed: int = 1, rates: Rates | None = None, habits: Habits | None = None) -> None:
        self.log = log
        self.habits = habits or Habits()
        self.binds: list[tuple[str, pdu.Bind]] = []
        self.submissions = 0
        self.acknowledged = 0
        self.refusals: list[int] = []
        self.lines: list[Line] = []
        self._seed, self._rates = seed, rates or Rates()
        self._ids = itertools.count(time.time_ns() // 1000)
        self.forced: dict[str, Fault | None] = {}  # troubles of numbers, whatever the rates say
        self.stubborn = False  # whoever is told to slow down is told so for ever
        self.in_hand = self.most_in_hand = 0  # submissions without an answer
        self.pause = 0.0  # seconds until a submission is looked at
        self.enquiries = 0
        self._attempts: Counter[str] = Counter()
        self._outbox: deque[Delivery] = deque()
        self._second, self._in_second = 0, 0
        self._server: asyncio.Server | None = None
        self._replies = itertools.count(1)

    async def start(self, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> int:
        """Listen; returns the port. Raises OSError when it is taken."""
        self._server = await asyncio.get_running_loop().create_server(lambda: Line(self), host, port, ssl=tls, backlog=128)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop, and hang up on everybody."""
        if self._server is not None:
            self._server.close()
        tasks = [task for line in self.lines for task in line.tasks]
        self.hang_up()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def hang_up(self) -> None:
        """Break every connection."""
        for line in list(self.lines):
            line.drop()

    def dismiss(self) -> None:
        """Ask everybody to leave (unbind), as before maintenance."""
        for line in list(self.lines):
            line.write(pdu.header(0, pdu.UNBIND, pdu.OK, 1_000_000))

    @property
    def waiting(self) -> int:
        """Deliveries nobody has acknowledged yet."""
        return len(self._outbox) + sum(len(line.unanswered) for line in self.lines)

    # --- from customers

    def say(self, source: str, destination: str, text: str, *, reverse: bool = False) -> None:
        """A customer writes; a long text in parts, the last first if ``reverse``."""
        content, coding, room = write_text(text)
        if len(content) <= (160 if coding == 0 else 140):
            self._outbox.append(Delivery(source, destination, content, coding=coding))
        else:
            parts = [content[at : at + room] for at in range(0, len(content), room)]
            reference = next(self._replies) % 256
            made = [
                Delivery(source, destination, bytes((5, 0, 3, reference, len(parts), at)) + part, 0x40, coding)
                for at, part in enumerate(parts, 1)
            ]
            self._outbox.extend(reversed(made) if reverse else made)
        self.pump()

    def put_back(self, deliveries: Iterator[Delivery]) -> None:
        """Deliveries whose connection broke: handed over again on another."""
        self._outbox.extendleft(deliveries)

    def again(self, delivery: Delivery) -> None:
        """One that was refused for now."""
        self._outbox.append(delivery)
        asyncio.get_running_loop().call_later(_AGAIN, self.pump)

    def pump(self) -> None:
        """Hand over what waits to those who hear."""
        hearing = [line for line in self.lines if line.role in ("receiver", "transceiver")]
        for line in hearing:
            written = []
            while self._outbox and len(line.unanswered) < WINDOW:
                written.append(line.hand_over(self._outbox.popleft()))
            line.write(b"".join(written))

    # --- to customers

    def verdict(self, submission: pdu.Submission) -> tuple[int, Fault | None]:
        """(status, trouble) of a submission before it is accepted."""
        number = submission.destination
        fault = self.forced[number] if number in self.forced else fault_of(self._seed, self._rates, number)
        self._attempts[number] += 1
        if self.habits.per_second:
            second = int(time.monotonic())
            self._in_second = self._in_second + 1 if second == self._second else 1
            self._second = second
            if self._in_second > self.habits.per_second:
                return pdu.THROTTLED, fault
        if fault == "throttle" and (self.stubborn or self._attempts[number] <= 2):
            return pdu.THROTTLED, fault
        if fault == "busy" and self._attempts[number] <= 1:
            return pdu.SYSTEM_ERROR, fault
        return {"refuse": pdu.BAD_NUMBER, "block": pdu.REJECTED}.get(fault or "", pdu.OK), fault

    def entry(self, submission: pdu.Submission, fault: Fault | None, session: str) -> Received:
        """The log's line."""
        payload = submission.parameters.get("message_payload")
        content = submission.content if payload is None else payload
        fields: dict[str, int | str] = {
            name: value for name, value in submission._asdict().items() if isinstance(value, (int, str)) and value != ""
        }
        if payload is not None:
            fields["message_payload"] = len(payload)
        number = next(self._ids)
        return Received(
            id=f"{number:X}" if self.habits.ids == "hex_decimal" else str(number), at=now(), sender=submission.source,
            recipient=submission.destination, coding=submission.coding, content=content.hex(),
            text=read_text(body_of(content, submission.esm_class), submission.coding), fields={**fields, "session": session},
            fault=fault,
        )  # fmt: skip

    def follow_up(self, entry: Received) -> None:
        """Receipt and reply of an accepted message, when they are due."""
        state, code, number = _FAILED.get(entry.fault, ("DELIVRD", "000", 2))
        wanted = {0: False, 1: True, 2: state != "DELIVRD"}.get(int(entry.fields.get("registered", 0)) & 3, False)
        after = self.habits.receipt_after + (LATE if entry.fault == "late" else 0.0)
        if wanted and entry.fault != "lost":
            receipt = self._receipt(entry, state, code, number)
            for _ in range(2 if entry.fault == "twice" else 1):
                self._later(after, receipt)
        last = int(entry.fields["esm_class"]) & 0x40 == 0 or entry.content[8:10] == entry.content[10:12]
        if entry.fault in ("stop", "reply") and last:
            text = b"STOP" if entry.fault == "stop" else b"Thank you"
            self._later(after, Delivery(entry.recipient, entry.sender, text))

    def _later(self, after: float, delivery: Delivery) -> None:
        if after:
            asyncio.get_running_loop().call_later(after, self._due, delivery)
        else:
            self._outbox.append(delivery)

    def _due(self, delivery: Delivery) -> None:
        self._outbox.append(delivery)
        self.pump()

    def _receipt(self, entry: Received, state: str, code: str, number: int) -> Delivery:
        habits = self.habits
        named = entry.id
        if habits.ids == "hex_decimal":
            named = str(int(entry.id, 16))
        elif habits.ids == "decimal_hex":
            named = f"{int(entry.id):x}"
        stamp = f"{entry.at:%y%m%d%H%M}"
        text = (
            f"id:{named} sub:001 dlvrd:{'001' if state == 'DELIVRD' else '000'} submit date:{stamp} done date:{stamp} "
            f"stat:{state} err:{code} text:"
        )
        parameters = b""
        if habits.receipts != "text":
            parameters = pdu.parameter(0x001E, named.encode() + b"\0") + pdu.parameter(0x0427, bytes([number]))
            parameters += pdu.parameter(0x0423, b"\3" + int(code).to_bytes(2, "big"))
        content = b"" if habits.receipts == "parameters" else text.encode()
        return Delivery(entry.recipient, entry.sender, content, 0x04, 0, parameters)
