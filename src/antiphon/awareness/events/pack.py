"""Rows of `event` and `reject` in COPY's binary format."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from struct import Struct
from typing import TYPE_CHECKING

from antiphon.foundation.postgres.binary import COPY_HEAD, COPY_TAIL, NULL, micros

if TYPE_CHECKING:
    from antiphon.awareness.events.reading import Refusal, Taken

_DATE_EPOCH = date(2000, 1, 1)
_event_head = Struct(">hihiqiqiq").pack  # 11 columns: lane, seq, received_at, ts
_reject_head = Struct(">hihiqiqii").pack  # 8 columns: lane, seq, received_at, source_id
_bigint = Struct(">iq").pack
_int = Struct(">ii").pack
_length = Struct(">i").pack


def _text(value: str) -> bytes:
    data = value.encode()
    return _length(len(data)) + data


def pack_events(taken: Sequence[Taken]) -> bytes:
    """The event rows of these calls."""
    parts: list[bytes] = [COPY_HEAD]
    add = parts.append
    names: dict[tuple[str, str], bytes] = {}
    for one in taken:
        row, event = one.row, one.event
        key = (event.name, event.kind)
        if (named := names.get(key)) is None:
            named = names[key] = _text(event.name) + _text(event.kind)
        message = (event.message_id or f"{row.lane}-{row.seq}").encode()
        properties, context = event.properties, event.context
        add(
            _event_head(11, 2, row.lane, 8, row.seq, 8, one.received, 8, event.ts)
            + (NULL if one.profile_id is None else _bigint(8, one.profile_id))
            + named
            + _length(len(message)) + message
            + _int(4, row.source_id)
            + _length(len(properties) + 1) + b"\x01"
        )  # fmt: skip
        add(properties)
        add(NULL if context is None else _length(len(context) + 1) + b"\x01" + context)
    add(COPY_TAIL)
    return b"".join(parts)


def pack_rejects(refused: Sequence[Refusal]) -> bytes:
    """The reject rows of these calls."""
    parts: list[bytes] = [COPY_HEAD]
    for row, code, detail in refused:
        received = micros(row.received_at)
        sent = NULL if row.sent_at is None else _bigint(8, micros(row.sent_at))
        parts.append(
            _reject_head(8, 2, row.lane, 8, row.seq, 8, received, 4, row.source_id) + sent
            + _length(len(row.payload)) + bytes(row.payload) + _text(code) + _text(detail)
        )  # fmt: skip
    parts.append(COPY_TAIL)
    return b"".join(parts)


def pack_seen(keys: Sequence[bytes], day: date) -> bytes:
    """Rows of `message_seen`."""
    tail = _int(4, (day - _DATE_EPOCH).days)
    return COPY_HEAD + b"".join([b"\x00\x02\x00\x00\x00\x10" + key + tail for key in keys]) + COPY_TAIL
