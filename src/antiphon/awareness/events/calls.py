"""The calls of the Segment HTTP spec, and what each means: pure rules, no I/O.

Source: the public spec's "Common fields", "Identify", "Track", "Page", "Screen", "Group" and "Alias" pages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from antiphon.awareness.profiles import (
    ANONYMOUS_ID,
    EMAIL,
    PHONE,
    USER_ID,
    Identity,
    normal_identity,
    normal_kind,
    number_text,
)
from antiphon.foundation.postgres.binary import micros

CallType = Literal["track", "identify", "page", "screen", "group", "alias"]
TYPES: Final = frozenset({"track", "identify", "page", "screen", "group", "alias"})

LARGEST_EVENT: Final = 32 * 1024
LARGEST_BATCH: Final = 500 * 1024
LONGEST_NAME: Final = 255
LONGEST_MESSAGE_ID: Final = 300

PAGE_VIEWED, SCREEN_VIEWED, IDENTIFIED, GROUP_JOINED, ALIASED = (
    "Page Viewed", "Screen Viewed", "Identified", "Group Joined", "Aliased",
)  # fmt: skip

_EARLIEST = micros(datetime(1970, 1, 1, tzinfo=UTC))
_EMPTY = msgspec.Raw(b"")

_escape = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u0000|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)", re.DOTALL
)

_surrogate = re.compile(rb"\\u[dD][89a-fA-F]")

Scalar = str | int | float | None


class Call(msgspec.Struct, rename="camel", gc=False):
    """The fields of a call that Antiphon reads; everything else stays in the payload."""

    type: str | None = None
    message_id: Scalar = None
    user_id: Scalar = None
    anonymous_id: Scalar = None
    event: Scalar = None
    name: Scalar = None
    category: Scalar = None
    group_id: Scalar = None
    previous_id: Scalar = None
    timestamp: Scalar = None
    original_timestamp: Scalar = None
    sent_at: Scalar = None
    profile_id: int | None = None
    properties: msgspec.Raw = _EMPTY
    traits: msgspec.Raw = _EMPTY
    context: msgspec.Raw = _EMPTY


decode_call = msgspec.json.Decoder(Call).decode


class Refused(Exception):
    """A call that cannot be understood: a stable code, the reason, and the field at fault."""

    def __init__(self, code: str, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.field = field


class Understood(msgspec.Struct, gc=False):
    """A call as an event: instants in microseconds since PostgreSQL's epoch, JSON as text."""

    kind: str
    name: str
    ts: int
    message_id: str | None
    user_id: str | None
    anonymous_id: str | None
    profile_id: int | None
    properties: bytes
    context: bytes | None
    traits: bytes | None = None
    group_id: str | None = None
    previous_id: str | None = None


def storable(payload: bytes) -> bytes:
    """The payload with what no JSON store takes (`\\u0000`, half a surrogate pair) replaced by U+FFFD."""
    if b"\\u" in payload and (b"\\u0000" in payload or _surrogate.search(payload)):
        return _escape.sub(_mend, payload)
    return payload


def _mend(found: re.Match[bytes]) -> bytes:
    text = found.group()
    if len(text) == 6 and text[1:2] == b"u":
        return b"\\ufffd"
    return text


def parse_instant(value: Scalar, field: str) -> int | None:
    """ISO 8601 to microseconds since PostgreSQL's epoch; without a zone it is UTC. Raises Refused."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Refused("bad_timestamp", f"{field} is not an ISO 8601 text", field)
    try:
        parsed = datetime.fromisoformat(value)
        if parsed.tzinfo is None:
            parsed = parsed.replace(tzinfo=UTC)
        result = micros(parsed)
    except (ValueError, OverflowError):
        raise Refused("bad_timestamp", f"{field} is not an ISO 8601 instant: {value[:60]}", field) from None
    if result < _EARLIEST:
        raise Refused("bad_timestamp", f"{field} is before 1970", field)
    return result


def when(call: Call, received: int, sent: int | None) -> int:
    """When it happened: `receivedAt − (sentAt − originalTimestamp)`, so that a device's wrong clock does not matter.

    A device cannot report the future: what would lie after its reception is dated by the reception. The past is
    believed, however late.
    """
    original = parse_instant(call.original_timestamp, "originalTimestamp")
    if original is None:
        original = parse_instant(call.timestamp, "timestamp")
    if original is None:
        return received
    if sent is None:
        sent = parse_instant(call.sent_at, "sentAt")
    at = original if sent is None else received - (sent - original)
    if at < _EARLIEST:
        raise Refused("bad_timestamp", "the corrected timestamp is before 1970", "timestamp")
    return min(at, received)


def _text(value: Scalar, field: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        raise Refused("bad_identity", f"{field} is neither text nor a number", field)
    return number_text(value)


def _object(raw: msgspec.Raw, field: str) -> bytes:
    text = bytes(raw)
    if not text or text == b"null":
        return b"{}"
    if text[:1] != b"{":
        raise Refused("bad_" + field, f"{field} is not an object", field)
    return text


def _with(text: bytes, extra: Mapping[str, Scalar]) -> bytes:
    """A JSON object with more keys; its own win."""
    added = {key: value for key, value in extra.items() if value is not None}
    if not added:
        return text
    inner = text[1:].lstrip()
    return msgspec.json.encode(added)[:-1] + (b"," if inner[:1] != b"}" else b"") + inner


def understand(call: Call, received: int, sent: int | None) -> Understood:
    """What a call means. Raises Refused with the code and field of the first rule it breaks."""
    kind = call.type
    if kind is None or kind not in TYPES:
        raise Refused("bad_type", f"type is none of {', '.join(sorted(TYPES))}", "type")
    message_id = call.message_id if call.message_id is None else _text(call.message_id, "messageId")
    if message_id is not None and len(message_id) > LONGEST_MESSAGE_ID:
        raise Refused("bad_message_id", f"messageId is longer than {LONGEST_MESSAGE_ID} characters", "messageId")
    context = bytes(call.context)
    result = Understood(
        kind=kind,
        name="",
        ts=when(call, received, sent),
        message_id=message_id or None,
        user_id=call.user_id if type(call.user_id) is str else _text(call.user_id, "userId"),
        anonymous_id=call.anonymous_id if type(call.anonymous_id) is str else _text(call.anonymous_id, "anonymousId"),
        profile_id=call.profile_id,
        properties=b"{}",
        context=context if context[:1] == b"{" and len(context) > 2 else None,
    )
    _BY_TYPE[kind](call, result)
    return result


def _track(call: Call, result: Understood) -> None:
    name = call.event if isinstance(call.event, str) else _text(call.event, "event")
    if not name or not name.strip():
        raise Refused("no_event_name", "track needs an event name", "event")
    if len(name) > LONGEST_NAME:
        raise Refused("bad_event_name", f"event is longer than {LONGEST_NAME} characters", "event")
    result.name = name
    result.properties = _object(call.properties, "properties")


def _view(call: Call, result: Understood) -> None:
    result.name = PAGE_VIEWED if result.kind == "page" else SCREEN_VIEWED
    extra = {"name": call.name, "category": call.category}
    result.properties = _with(_object(call.properties, "properties"), extra)


def _identify(call: Call, result: Understood) -> None:
    result.name = IDENTIFIED
    result.properties = result.traits = _object(call.traits, "traits")


def _group(call: Call, result: Understood) -> None:
    group = _text(call.group_id, "groupId")
    if not group or not group.strip() or len(group) > LONGEST_NAME:
        raise Refused("no_group_id", f"group needs a groupId of at most {LONGEST_NAME} characters", "groupId")
    result.name = GROUP_JOINED
    result.group_id = group.strip()
    result.traits = _object(call.traits, "traits")
    result.properties = _with(result.traits, {"groupId": result.group_id})


def _alias(call: Call, result: Understood) -> None:
    previous = _text(call.previous_id, "previousId")
    if not previous or not previous.strip():
        raise Refused("no_previous_id", "alias needs a previousId", "previousId")
    if not result.user_id:
        raise Refused("no_identity", "alias needs a userId", "userId")
    result.name = ALIASED
    result.previous_id = previous.strip()
    result.properties = _with(b"{}", {"previousId": result.previous_id})


_BY_TYPE: Final = {
    "track": _track, "page": _view, "screen": _view, "identify": _identify, "group": _group, "alias": _alias,
}  # fmt: skip


class _Contact(msgspec.Struct, gc=False):
    email: object = None
    phone: object = None


class _External(msgspec.Struct, gc=False):
    id: Scalar = None
    type: Scalar = None


class _Device(msgspec.Struct, gc=False):
    id: object = None
    token: object = None


class _Context(msgspec.Struct, rename="camel", gc=False):
    external_ids: msgspec.Raw = _EMPTY
    device: msgspec.Raw = _EMPTY


_decode_contact = msgspec.json.Decoder(_Contact).decode
_decode_context = msgspec.json.Decoder(_Context).decode
_decode_external = msgspec.json.Decoder(list[_External] | None).decode
_decode_device = msgspec.json.Decoder(_Device | None).decode
_MOST_EXTERNAL: Final = 20


def identities_of(event: Understood) -> tuple[Identity, ...]:
    """Whom a call is about: its ids, an identify's e-mail and phone, and its context's device, push token and externalIds."""
    found = [
        normal_identity(USER_ID, event.user_id) if event.user_id else None,
        normal_identity(ANONYMOUS_ID, event.anonymous_id) if event.anonymous_id else None,
    ]
    if event.kind == "identify" and event.traits is not None and (b'"email"' in event.traits or b'"phone"' in event.traits):
        contact = _decode_contact(event.traits)
        found.append(normal_identity(EMAIL, contact.email))
        found.append(normal_identity(PHONE, contact.phone))
    found += context_identities(event)
    return tuple(dict.fromkeys(identity for identity in found if identity is not None))


def context_identities(event: Understood) -> tuple[Identity, ...]:
    """The identities in a call's context: `device.id`, `device.token` and `externalIds`; what cannot be read is none."""
    context = event.context
    if context is None or (b'"externalIds"' not in context and b'"device"' not in context):
        return ()
    try:
        told = _decode_context(context)
    except msgspec.DecodeError:
        return ()
    found: list[Identity | None] = []
    if told.device:
        try:
            if (device := _decode_device(told.device)) is not None:
                found += (normal_identity("device", device.id), normal_identity("push_subscription", device.token))
        except msgspec.DecodeError:
            pass
    if told.external_ids:
        try:
            for one in (_decode_external(told.external_ids) or [])[:_MOST_EXTERNAL]:
                kind = normal_kind(one.type) if isinstance(one.type, str) else None
                found.append(normal_identity(kind, one.id) if kind is not None else None)
        except msgspec.DecodeError:
            pass
    return tuple(dict.fromkeys(identity for identity in found if identity is not None))
