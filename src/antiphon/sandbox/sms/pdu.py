"""SMPP 3.4 as an SMSC needs it: reading binds and submissions, writing answers and deliveries. Written apart from the
channel's own, so that neither hides the other's mistakes."""

from __future__ import annotations

from typing import NamedTuple

BINDS = {1: "receiver", 2: "transmitter", 9: "transceiver"}
SUBMIT, DELIVER, UNBIND, ENQUIRE = 4, 5, 6, 21
RESPONSE = 0x8000_0000
OK, SYSTEM_ERROR, BAD_NUMBER, BIND_FAILED, BAD_PASSWORD, THROTTLED = 0, 0x08, 0x0B, 0x0D, 0x0E, 0x58
BAD_COMMAND, REJECTED = 0x03, 0x66
_PARAMETERS = {0x0204: "user_message_reference", 0x0424: "message_payload", 0x020C: "sar_msg_ref_num"}


class Bind(NamedTuple):
    """Who signs in."""

    system_id: str
    password: str
    system_type: str
    version: int
    ton: int
    npi: int
    range: str


class Submission(NamedTuple):
    """A submit_sm."""

    service_type: str
    source_ton: int
    source_npi: int
    source: str
    destination_ton: int
    destination_npi: int
    destination: str
    esm_class: int
    protocol_id: int
    priority: int
    schedule: str
    validity: str
    registered: int
    replace: int
    coding: int
    default_message: int
    content: bytes
    parameters: dict[str, bytes]


class _Reader:
    def __init__(self, body: bytes) -> None:
        self.body = body
        self.at = 0

    def text(self, most: int) -> str:
        end = self.body.index(0, self.at)
        if end - self.at >= most:
            raise ValueError("a field longer than it may be")
        found = self.body[self.at : end].decode("ascii")
        self.at = end + 1
        return found

    def number(self) -> int:
        self.at += 1
        return self.body[self.at - 1]

    def octets(self, count: int) -> bytes:
        if self.at + count > len(self.body):
            raise ValueError("a message shorter than it says")
        self.at += count
        return self.body[self.at - count : self.at]


def read_bind(body: bytes) -> Bind:
    """A bind of any kind. Raises ValueError or IndexError."""
    r = _Reader(body)
    return Bind(r.text(16), r.text(33), r.text(13), r.number(), r.number(), r.number(), r.text(41))


def read_submission(body: bytes) -> Submission:
    """A submit_sm. Raises ValueError or IndexError."""
    r = _Reader(body)
    head = (
        r.text(6), r.number(), r.number(), r.text(21), r.number(), r.number(), r.text(21), r.number(), r.number(), r.number(),
        r.text(17), r.text(17), r.number(), r.number(), r.number(), r.number(),
    )  # fmt: skip
    content = r.octets(r.number())
    parameters: dict[str, bytes] = {}
    while r.at < len(body):
        tag, length = int.from_bytes(r.octets(2), "big"), int.from_bytes(r.octets(2), "big")
        parameters[_PARAMETERS.get(tag, f"{tag:#06x}")] = r.octets(length)
    return Submission(*head, content, parameters)


def header(length: int, command: int, status: int, sequence: int) -> bytes:
    """Sixteen octets."""
    return b"".join(part.to_bytes(4, "big") for part in (16 + length, command, status, sequence))


def answer(command: int, sequence: int, status: int = OK, text: str | None = None) -> bytes:
    """An answer to a request, with the text that some have."""
    body = b"" if text is None else text.encode("ascii") + b"\0"
    return header(len(body), command | RESPONSE, status, sequence) + body


def deliver(
    sequence: int, source: str, destination: str, content: bytes, *, esm_class: int = 0, coding: int = 0, parameters: bytes = b""
) -> bytes:
    """A deliver_sm between international numbers."""
    body = b"".join((
        b"\0", b"\1\1", source.lstrip("+").encode(), b"\0", b"\1\1", destination.lstrip("+").encode(), b"\0",
        bytes((esm_class, 0, 0)), b"\0\0", bytes((0, 0, coding, 0, len(content))), content, parameters,
    ))  # fmt: skip
    return header(len(body), DELIVER, OK, sequence) + body


def parameter(tag: int, value: bytes) -> bytes:
    """An optional parameter."""
    return tag.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value
