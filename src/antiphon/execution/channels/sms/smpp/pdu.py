"""SMPP 3.4 on the wire: what we say and what we hear, octet by octet (Short Message Peer to Peer Protocol
Specification v3.4, issue 1.2, chapters 3 to 5). Hot: each message is one submit_sm, and its receipt one deliver_sm."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

BIND_RECEIVER: Final = 0x00000001
BIND_TRANSMITTER: Final = 0x00000002
SUBMIT_SM: Final = 0x00000004
DELIVER_SM: Final = 0x00000005
UNBIND: Final = 0x00000006
BIND_TRANSCEIVER: Final = 0x00000009
ENQUIRE_LINK: Final = 0x00000015
ALERT_NOTIFICATION: Final = 0x00000102
DATA_SM: Final = 0x00000103
GENERIC_NACK: Final = 0x80000000
ANSWER: Final = 0x80000000  # set in every answer's command id

ROK: Final = 0x00000000
RINVCMDID: Final = 0x00000003
RX_T_APPN: Final = 0x00000064  # receiver's temporary error: the SMSC tries again

RECEIPTED_MESSAGE_ID: Final = 0x001E
SAR_MSG_REF_NUM: Final = 0x020C
SAR_TOTAL_SEGMENTS: Final = 0x020E
SAR_SEGMENT_SEQNUM: Final = 0x020F
NETWORK_ERROR_CODE: Final = 0x0423
MESSAGE_PAYLOAD: Final = 0x0424
MESSAGE_STATE: Final = 0x0427

UDHI: Final = 0x40  # in esm_class: the message begins with a user data header
HEADER: Final = 16
LONGEST: Final = 70_000  # octets of a PDU: message_payload holds 64 K
_HEAD = struct.Struct(">IIII")
_TLV = struct.Struct(">HH")


class BrokenPdu(ValueError):
    """The other side does not speak SMPP."""


class Pdu(NamedTuple):
    """One PDU: its command, status, sequence number, and what follows the header."""

    command: int
    status: int
    sequence: int
    body: bytes


class Place(NamedTuple):
    """An address with its type of number and numbering plan."""

    ton: int
    npi: int
    number: str


class Deliver(NamedTuple):
    """A deliver_sm or data_sm: who wrote to whom, and what."""

    source: Place
    destination: Place
    esm_class: int
    data_coding: int
    content: bytes
    tlvs: dict[int, bytes]


def pdu(command: int, sequence: int, body: bytes = b"", status: int = ROK) -> bytes:
    """A whole PDU."""
    return _HEAD.pack(HEADER + len(body), command, status, sequence) + body


def cut(buffer: bytes) -> tuple[list[Pdu], bytes]:
    """The whole PDUs at the beginning of a buffer, and what is left. Raises `BrokenPdu`."""
    found: list[Pdu] = []
    at, end = 0, len(buffer)
    while end - at >= HEADER:
        length, command, status, sequence = _HEAD.unpack_from(buffer, at)
        if not HEADER <= length <= LONGEST:
            raise BrokenPdu(f"a PDU of {length} octets")
        if end - at < length:
            break
        found.append(Pdu(command, status, sequence, buffer[at + HEADER : at + length]))
        at += length
    return found, buffer[at:]


def cstring(text: str, most: int) -> bytes:
    """A C-Octet String. Raises ValueError for what does not fit."""
    octets = text.encode("latin-1")
    if len(octets) > most or 0 in octets:
        raise ValueError(f"{text[:20]!r} does not fit {most} octets")
    return octets + b"\0"


def tlv(tag: int, value: bytes) -> bytes:
    """An optional parameter."""
    return _TLV.pack(tag, len(value)) + value


def bind_body(system_id: str, password: str, system_type: str, address_range: str = "") -> bytes:
    """What bind_receiver, _transmitter and _transceiver say."""
    return (
        cstring(system_id, 15) + cstring(password, 32) + cstring(system_type, 12) + b"\x34\0\0" + cstring(address_range, 40)
    )


def submit_body(
    source: Place,
    destination: Place,
    content: bytes,
    *,
    service_type: str = "",
    esm_class: int = 0,
    validity: str = "",
    registered: int = 0,
    data_coding: int = 0,
    tlvs: bytes = b"",
) -> bytes:
    """What submit_sm says. Content of more than 254 octets must be in a message_payload parameter instead."""
    if len(content) > 254:
        raise ValueError("a short message has at most 254 octets")
    return b"".join((
        cstring(service_type, 5), bytes((source.ton, source.npi)), cstring(source.number, 20),
        bytes((destination.ton, destination.npi)), cstring(destination.number, 20), bytes((esm_class, 0, 0)), b"\0",
        cstring(validity, 16), bytes((registered, 0, data_coding, 0, len(content))), content, tlvs,
    ))  # fmt: skip


def read_cstring(body: bytes, at: int = 0) -> tuple[str, int]:
    """A C-Octet String and where the next field begins. Raises `BrokenPdu`. One that nothing ends, ends with the PDU."""
    end = body.find(b"\0", at)
    if end < 0:
        return body[at:].decode("latin-1"), len(body)
    return body[at:end].decode("latin-1"), end + 1


def read_tlvs(body: bytes, at: int) -> dict[int, bytes]:
    """Optional parameters from there on; a last one that is cut off is left out."""
    found: dict[int, bytes] = {}
    while len(body) - at >= 4:
        tag, length = _TLV.unpack_from(body, at)
        at += 4
        if len(body) - at < length:
            break
        found[tag] = body[at : at + length]
        at += length
    return found


def read_deliver(heard: Pdu) -> Deliver:
    """A deliver_sm or data_sm. Raises `BrokenPdu`."""
    body = heard.body
    try:
        _, at = read_cstring(body)
        source_ton, source_npi = body[at], body[at + 1]
        source, at = read_cstring(body, at + 2)
        to_ton, to_npi = body[at], body[at + 1]
        destination, at = read_cstring(body, at + 2)
        esm_class = body[at]
        if heard.command == DATA_SM:
            coding, content, at = body[at + 2], b"", at + 3
        else:
            _, at = read_cstring(body, at + 3)
            _, at = read_cstring(body, at)
            coding, length = body[at + 2], body[at + 4]
            at += 5
            content = body[at : at + length]
            if len(content) < length:
                raise BrokenPdu("a message shorter than it says")
            at += length
    except IndexError:
        raise BrokenPdu("a PDU that ends too early") from None
    tlvs = read_tlvs(body, at)
    return Deliver(
        Place(source_ton, source_npi, source), Place(to_ton, to_npi, destination), esm_class, coding,
        tlvs.get(MESSAGE_PAYLOAD, b"") or content, tlvs,
    )  # fmt: skip
