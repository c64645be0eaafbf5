"""From a text to the submit_sm of each of its parts."""

from __future__ import annotations

from functools import lru_cache

from antiphon.execution.channels.sms.alphabet import alphabet_of, encode_gsm, encode_ucs2
from antiphon.execution.channels.sms.parts import split
from antiphon.execution.channels.sms.smpp import pdu as wire
from antiphon.execution.channels.sms.smpp.pdu import Place
from antiphon.execution.channels.sms.smpp.settings import SmppSettings

_LATIN1 = 3
UCS2 = 8
_REGISTERED = {"all": 1, "failures": 2, "none": 0}


@lru_cache(maxsize=256)
def source_of(sender: str, ton: int, npi: int) -> Place:
    """The sender as SMPP names it; a type that is not given follows its look."""
    digits = sender.removeprefix("+")
    if not digits.isdigit():
        looks = (5, 0)  # alphanumeric
    elif len(digits) <= 6 and not sender.startswith("+"):
        looks = (3, 0)  # a short code is the network's own
    else:
        looks = (1, 1)
    return Place(looks[0] if ton < 0 else ton, looks[1] if npi < 0 else npi, digits if digits.isdigit() else sender)


def validity(hours: int) -> str:
    """A relative validity period (SMPP 3.4, 7.1.1)."""
    return f"0000{hours // 24:02d}{hours % 24:02d}0000000R" if hours else ""


def encoded(text: str, settings: SmppSettings) -> tuple[bytes, int]:
    """Octets and data coding."""
    if alphabet_of(text) == "ucs2":
        return encode_ucs2(text), UCS2
    if settings.charset == "gsm":
        return encode_gsm(text), 0
    try:
        return text.encode("latin-1"), _LATIN1
    except UnicodeEncodeError:  # Greek capitals and the euro: no Latin-1
        return encode_ucs2(text), UCS2


def bodies(settings: SmppSettings, to: str, text: str, delivery_id: int) -> tuple[list[bytes], int]:
    """What submit_sm says of each part, and how many parts it is paid for."""
    source = source_of(settings.sender, settings.sender_ton, settings.sender_npi)
    destination = Place(settings.destination_ton, settings.destination_npi, to.removeprefix("+"))
    _, coding = encoded(text, settings)
    parts = split(text, "ucs2" if coding == UCS2 else "gsm", settings.joining)
    registered = _REGISTERED[settings.receipts]

    def body(content: bytes, *, esm_class: int = 0, tlvs: bytes = b"") -> bytes:
        return wire.submit_body(
            source, destination, content, service_type=settings.service_type, esm_class=esm_class,
            validity=validity(settings.validity_hours), registered=registered, data_coding=coding, tlvs=tlvs,
        )  # fmt: skip

    if len(parts) == 1:
        return [body(_octets(text, coding))], 1
    if settings.joining == "payload":
        return [body(b"", tlvs=wire.tlv(wire.MESSAGE_PAYLOAD, _octets(text, coding)))], len(parts)
    reference = (delivery_id * 2654435761 >> 8) & 0xFFFF  # of one customer's messages no two that are near share it
    written = []
    for at, part in enumerate(parts, 1):
        if settings.joining == "16bit":
            header = bytes((6, 0x08, 4, reference >> 8, reference & 0xFF, len(parts), at))
        else:
            header = bytes((5, 0x00, 3, reference & 0xFF, len(parts), at))
        written.append(body(header + _octets(part, coding), esm_class=wire.UDHI))
    return written, len(parts)


def _octets(text: str, coding: int) -> bytes:
    return encode_ucs2(text) if coding == UCS2 else encode_gsm(text) if coding == 0 else text.encode("latin-1")
