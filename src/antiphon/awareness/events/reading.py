"""Reading the journal: each row understood as a call, or refused with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from antiphon.awareness.events import store
from antiphon.awareness.events.calls import Refused, Understood, decode_call, storable, understand
from antiphon.awareness.events.journal import INTERNAL
from antiphon.foundation.postgres import Connection
from antiphon.foundation.postgres.binary import micros, texts


class Row(NamedTuple):
    """A row of the journal."""

    lane: int
    seq: int
    received_at: datetime
    source_id: int
    sent_at: datetime | None
    payload: bytes


class Taken(msgspec.Struct, gc=False):
    """A call that was understood, on its way to an event row."""

    row: Row
    received: int
    event: Understood
    profile_id: int | None = None


class Refusal(NamedTuple):
    """A call that was not, and why."""

    row: Row
    code: str
    detail: str


def read_rows(rows: Sequence[Row]) -> tuple[list[Taken], list[Refusal]]:
    """Each call understood, or refused with its reason."""
    taken: list[Taken] = []
    refused: list[Refusal] = []
    last: datetime | None = None
    received = 0
    for row in rows:
        if row.received_at is not last:
            last, received = row.received_at, micros(row.received_at)
        try:
            call = decode_call(storable(row.payload))
            event = understand(call, received, None if row.sent_at is None else micros(row.sent_at))
            if event.profile_id is not None and row.source_id != INTERNAL:
                event.profile_id = None
            taken.append(Taken(row, received, event))
        except Refused as why:
            refused.append(Refusal(row, why.code, why.detail))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as why:
            refused.append(Refusal(row, "malformed", str(why)[:500] or "not a JSON object"))
    return taken, refused


async def only_storable(conn: Connection, taken: list[Taken], refused: list[Refusal]) -> list[Taken]:
    """Refuse the calls whose JSON PostgreSQL does not take (a number beyond all measure)."""
    said = [one.event.properties + b" " for one in taken]
    around = [(one.event.context or b"{}") for one in taken]
    good = [row[0] for row in await store.fetch(conn, "which_are_json", {"texts": texts([t.decode() for t in said])})]
    good_context = await store.fetch(conn, "which_are_json", {"texts": texts([t.decode() for t in around])})
    kept = []
    for one, fine, (fine_context,) in zip(taken, good, good_context, strict=True):
        if fine and fine_context:
            kept.append(one)
        else:
            what = "context" if fine else "properties"
            refused.append(Refusal(one.row, "not_storable", f"{what} holds a value that cannot be stored"))
    return kept
