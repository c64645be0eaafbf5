"""Reading what an SMSC hands over: delivery receipts (SMPP 3.4, 5.2.12 and appendix B) and customers' own messages."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from antiphon.execution.channels.model import Signal, SignalKind
from antiphon.execution.channels.sms.alphabet import decode_gsm, decode_ucs2
from antiphon.execution.channels.sms.smpp import pdu as wire
from antiphon.execution.channels.sms.smpp.pdu import Deliver
from antiphon.execution.channels.sms.smpp.settings import SmppSettings

_KIND = 0x3C  # of esm_class: what sort of message
_RECEIPTS = frozenset({0x04, 0x20})  # a receipt, and news on the way
_FIELD = re.compile(rb"\b(id|stat|err|done date|dlvrd|sub):\s*([^\s]*)", re.IGNORECASE)
_STATES = {
    1: "ENROUTE", 2: "DELIVRD", 3: "EXPIRED", 4: "DELETED", 5: "UNDELIV", 6: "ACCEPTD", 7: "UNKNOWN", 8: "REJECTD",
}  # fmt: skip
_MEANS: dict[str, SignalKind] = {
    "DELIVRD": "delivered", "EXPIRED": "bounced", "DELETED": "bounced", "UNDELIV": "bounced", "REJECTD": "bounced",
}  # fmt: skip
Style = Literal["same", "hex_decimal", "decimal_hex"]


class Fragment(NamedTuple):
    """Where a message's part belongs: the reference, how many there are, and which one this is."""

    reference: int
    total: int
    number: int


def answered_id(message_id: str, style: Style) -> str:
    """A message id from an answer, in the form that receipts are compared in."""
    return _number(message_id, 16 if style == "hex_decimal" else 10) if style != "same" else message_id


def receipted_id(message_id: str, style: Style) -> str:
    """A message id from a receipt, in the same form."""
    return _number(message_id, 10 if style == "hex_decimal" else 16) if style != "same" else message_id


def _number(text: str, base: int) -> str:
    try:
        return str(int(text, base))
    except ValueError:
        return text


def is_receipt(heard: Deliver) -> bool:
    """By its class, by its parameters, or, where an SMSC sets neither, by its text."""
    return (
        heard.esm_class & _KIND in _RECEIPTS
        or wire.RECEIPTED_MESSAGE_ID in heard.tlvs
        or (heard.content[:3].lower() == b"id:" and b" stat:" in heard.content and b" err:" in heard.content)
    )


def read_receipt(heard: Deliver, settings: SmppSettings) -> Signal | None:
    """The news in a receipt. Parameters count before text. None if it does not say of which message it is."""
    fields = {name.lower().decode(): value.decode("latin-1") for name, value in _FIELD.findall(heard.content)}
    named = heard.tlvs.get(wire.RECEIPTED_MESSAGE_ID, b"").split(b"\0")[0].decode("latin-1") or fields.get("id", "")
    if not named:
        return None
    given = heard.tlvs.get(wire.MESSAGE_STATE, b"")
    state = _STATES.get(given[-1], "UNKNOWN") if given else fields.get("stat", "").upper()[:7]
    code = fields.get("err", "")
    network = heard.tlvs.get(wire.NETWORK_ERROR_CODE, b"")
    if not code and len(network) == 3:
        code = str(int.from_bytes(network[1:], "big"))
    kind: SignalKind = _MEANS.get(state, "deferred")
    message_id = receipted_id(named, settings.message_ids)
    return Signal(
        kind=kind,
        provider_id=message_id,
        permanent=kind == "bounced" and bool(code) and (code.lstrip("0") or "0") in settings.dead,
        code=state,
        detail=f"{state} err:{code}" if code else state,
        id=f"{message_id}:{state}:{fields.get('done date', '')}",
    )


def fragment(heard: Deliver) -> tuple[Fragment | None, bytes]:
    """A customer's message: which part it is, if it is one of several, and its content without any header."""
    content = heard.content
    found: Fragment | None = None
    if heard.esm_class & wire.UDHI and content:
        end = content[0] + 1
        header, content = content[1:end], content[end:]
        at = 0
        while at + 2 <= len(header):
            kind, length = header[at], header[at + 1]
            value = header[at + 2 : at + 2 + length]
            if kind == 0x00 and len(value) == 3:
                found = Fragment(value[0], value[1], value[2])
            elif kind == 0x08 and len(value) == 4:
                found = Fragment(value[0] << 8 | value[1], value[2], value[3])
            at += 2 + length
    sar = [heard.tlvs.get(tag) for tag in (wire.SAR_MSG_REF_NUM, wire.SAR_TOTAL_SEGMENTS, wire.SAR_SEGMENT_SEQNUM)]
    if found is None and all(sar):
        found = Fragment(*(int.from_bytes(value or b"", "big") for value in sar))
    if found is not None and not (1 < found.total <= 255 and 1 <= found.number <= found.total):
        found = None
    return found, content


def decode(content: bytes, data_coding: int, settings: SmppSettings) -> str:
    """A customer's text (3GPP TS 23.038, 4, for codes with a message class)."""
    if data_coding == 8 or data_coding & 0xFC == 0x18:
        return decode_ucs2(content)
    if data_coding == 0 or data_coding & 0xF4 == 0xF0 or data_coding & 0xFC == 0x10:
        return decode_gsm(content) if settings.charset == "gsm" else content.decode("latin-1")
    if data_coding == 6:
        return content.decode("iso-8859-5", "replace")
    if data_coding == 7:
        return content.decode("iso-8859-8", "replace")
    return content.decode("latin-1")
