"""The only code that runs the SQL of dispatches, the gate and the queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from antiphon.execution.delivery.model import (
    BACKOFF,
    CLASSES,
    Dispatch,
    DispatchState,
    NewDispatch,
    State,
)
from antiphon.foundation.leases import Held
from antiphon.foundation.postgres import Connection, Jsonb, PostgresError, load_queries, struct_row, tuple_row
from antiphon.foundation.postgres.binary import Packed, bigints, instants, ints, maybe_instants, micros, texts

_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
SQL = load_queries(Path(__file__).with_name("queries.sql"))
_DIVIDED_BY_NOTHING = "22012"
RESEND = [c.name for c in CLASSES.values() if c.resend_unknown]
MOST_ATTEMPTS = len(BACKOFF) + 1
BY_PRIORITY = [c.name for c in sorted(CLASSES.values(), key=lambda c: c.priority)]


class Claimed(msgspec.Struct, frozen=True):
    """A row taken from the queue, with what is needed to write it."""

    delivery_id: int
    profile_id: int
    dispatch_id: int
    bucket: int
    epoch: int
    attempts: int
    expires_at: datetime | None
    claimed_at: datetime
    address: str
    variables: Mapping[str, Any] | None
    traits: Mapping[str, Any] | None
    language: str | None = None  # the one the customer asked for
    avoid: int | None = None  # the account that failed it last
    budgets: Sequence[int] | None = None  # that pay for it, each with ``reserved_micros`` spoken for
    reserved_micros: int | None = None
    reserved_at: datetime | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a claimed row. ``retry_at`` is set when it returns to the queue (its state is then queued).

    ``account_id`` is the account it was given to, ``parts`` and ``cost_micros`` what is paid for it. ``avoid`` is the account
    that a routed row stays away from next time; ``provider_ids`` are all names under which the provider may speak of it,
    and ``receipts`` how many of them must be told to be delivered before it is.
    """

    row: Claimed
    state: State
    reason: str | None = None
    detail: str | None = None
    provider_id: str | None = None
    retry_at: datetime | None = None
    attempts: int
    speaking_at: datetime | None = None
    account_id: int | None = None
    parts: int = 0
    cost_micros: int = 0
    avoid: int | None = None
    provider_ids: tuple[str, ...] = ()
    receipts: int = 1


class Settled(msgspec.Struct, frozen=True):
    """A sent message that is delivered now."""

    id: int
    profile_id: int
    campaign_id: int | None
    template_id: int | None
    template_version_id: int | None
    channel: str
    topic: str | None
    delivered_at: datetime


async def open_dispatch(conn: Connection, new: NewDispatch, now: datetime) -> Dispatch:
    params = msgspec.structs.asdict(new) | {"now": now}
    params["content"] = None if new.content is None else Jsonb(msgspec.to_builtins(new.content))
    params["hops"] = Jsonb(msgspec.to_builtins(new.hops))
    async with conn.cursor(row_factory=struct_row(Dispatch)) as cur:
        found = await (await cur.execute(SQL.open_dispatch, params)).fetchone()
    if found is not None:
        return found
    again = await dispatch_of(conn, new.key)  # made by somebody else between the two halves of the statement
    assert again is not None
    return again


async def dispatch_of(conn: Connection, key: str) -> Dispatch | None:
    async with conn.cursor(row_factory=struct_row(Dispatch)) as cur:
        return await (await cur.execute(SQL.dispatch_of, {"key": key})).fetchone()


async def find_dispatches(conn: Connection, ids: Sequence[int]) -> list[Dispatch]:
    async with conn.cursor(row_factory=struct_row(Dispatch)) as cur:
        return await (await cur.execute(SQL.find_dispatches, {"ids": list(ids)})).fetchall()


async def first_account(conn: Connection, channel: str) -> int | None:
    row = await (await conn.execute(SQL.first_account, {"channel": channel})).fetchone()
    return row[0] if row else None


async def hold_dispatches(conn: Connection, campaign_id: int, state: DispatchState) -> list[int]:
    rows = await (await conn.execute(SQL.hold_dispatches, {"campaign_id": campaign_id, "state": state})).fetchall()
    return [row[0] for row in rows]


async def find_by_key(conn: Connection, profile_id: int, intent_key: str) -> tuple[int, State, str | None] | None:
    return await (await conn.execute(SQL.find_by_key, {"profile_id": profile_id, "intent_key": intent_key})).fetchone()


async def waiting_dispatches(conn: Connection) -> list[Dispatch]:
    async with conn.cursor(row_factory=struct_row(Dispatch)) as cur:
        return await (await cur.execute(SQL.waiting_dispatches, {"classes": BY_PRIORITY})).fetchall()


async def claim(
    conn: Connection, mosts: Mapping[int, int], epochs: Mapping[int, int], *, most: int, now: datetime
) -> list[Claimed]:
    """Rows that are due: so many at most of each dispatch, most urgent dispatch first, and so many in all."""
    params = {
        "dispatches": bigints(list(mosts)),
        "mosts": ints(list(mosts.values())),
        "buckets": ints(list(epochs)),
        "epochs": bigints(list(epochs.values())),
        "each": max(4, most // max(1, len(epochs))),
        "most": most,
        "now": now,
    }
    async with conn.cursor(binary=True, row_factory=tuple_row) as cur:
        rows = await (await cur.execute(SQL.claim, params)).fetchall()
    return [_claimed(*row) for row in rows]


def _claimed(*row: Any) -> Claimed:
    *plain, variables, traits, language, avoid, budgets, micros_reserved, reserved_at = row
    own = (language, avoid, budgets, micros_reserved, reserved_at)
    values: tuple[Any, ...] = (*plain, _object(variables), _object(traits), *own)
    return Claimed(*values)


def _object(text: str | None) -> Mapping[str, Any] | None:
    """JSON decoded here costs a fifth of what it costs in the driver."""
    return None if text is None else _decode_object(text)


def _keys(rows: Sequence[Claimed]) -> dict[str, Packed]:
    return {
        "ids": bigints([r.delivery_id for r in rows]),
        "profile_ids": bigints([r.profile_id for r in rows]),
        "epochs": bigints([r.epoch for r in rows]),
    }


def _maybe(instant: datetime | None) -> int | None:
    return None if instant is None else micros(instant)


async def mark_speaking(conn: Connection, held: Held, rows: Sequence[Claimed], now: datetime) -> bool:
    """Mark rows that are about to be spoken: all of them, or none where one is not ours to speak under these leases any more."""
    params = {
        **_keys(rows),
        "loop": held.loop,
        "owner": held.owner,
        "buckets": ints(list(held.epochs)),
        "lease_epochs": bigints(list(held.epochs.values())),
        "now": now,
    }
    try:
        await conn.execute(SQL.mark_speaking, params)
    except PostgresError as failed:
        if failed.sqlstate == _DIVIDED_BY_NOTHING:
            return False
        raise
    return True


async def unclaim(conn: Connection, rows: Sequence[Claimed]) -> None:
    """Give rows back as they were."""
    await put_off(conn, [(row, None) for row in rows])


async def put_off(conn: Connection, rows: Sequence[tuple[Claimed, datetime | None]]) -> None:
    """Give rows back, each to come again at its instant."""
    due_ats = maybe_instants([_maybe(due_at) for _, due_at in rows])
    await conn.execute(SQL.unclaim, _keys([row for row, _ in rows]) | {"due_ats": due_ats})


async def record(conn: Connection, records: Sequence[Record], *, now: datetime, settle_at: datetime) -> None:
    params: dict[str, Any] = {
        **_keys([r.row for r in records]),
        "states": texts([r.state for r in records]),
        "reasons": texts([r.reason for r in records]),
        "details": texts([_plain(r.detail) for r in records]),
        "provider_ids": texts([_plain(r.provider_id) for r in records]),
        "retry_ats": maybe_instants([_maybe(r.retry_at) for r in records]),
        "attempts": ints([r.attempts for r in records]),
        "claimed_ats": instants([micros(r.row.claimed_at) for r in records]),
        "speaking_ats": maybe_instants([_maybe(r.speaking_at) for r in records]),
        "accounts": bigints([r.account_id or 0 for r in records]),
        "parts": ints([r.parts for r in records]),
        "costs": bigints([r.cost_micros for r in records]),
        "avoids": bigints([r.avoid or 0 for r in records]),
        "now": now,
        "settle_at": settle_at,
    }
    named = [(r, _plain(name)) for r in records for name in r.provider_ids]
    params |= {
        "named_accounts": bigints([r.account_id or 0 for r, _ in named]),
        "names": texts([name for _, name in named]),
        "named_ids": bigints([r.row.delivery_id for r, _ in named]),
        "named_profiles": bigints([r.row.profile_id for r, _ in named]),
        "named_parts": ints([r.receipts for r, _ in named]),
    }
    await conn.execute(SQL.record, params)


def _plain(text: str | None) -> str | None:
    """What the other side said, as far as PostgreSQL keeps it."""
    return None if text is None else text.replace("\0", "").encode("utf-8", "replace").decode()


async def recover(conn: Connection, buckets: Sequence[int], now: datetime) -> tuple[int, list[tuple[int, int]]]:
    """(rows returned to the queue, the deliveries and profiles that are unknown now)."""
    params = {"buckets": list(buckets), "resend_classes": RESEND, "most_attempts": MOST_ATTEMPTS, "now": now}
    row = await (await conn.execute(SQL.recover, params)).fetchone()
    assert row is not None
    return row[0], list(zip(row[1], row[2], strict=True))


async def cancel_queued(conn: Connection, dispatches: Sequence[int], buckets: Sequence[int], *, now: datetime, most: int) -> int:
    params = {"dispatches": list(dispatches), "buckets": list(buckets), "now": now, "most": most}
    row = await (await conn.execute(SQL.cancel_queued, params)).fetchone()
    return int(row[0]) if row else 0


async def settle(conn: Connection, buckets: Sequence[int], *, now: datetime, most: int) -> tuple[int, list[Settled]]:
    """(settle rows taken, deliveries that became delivered)."""
    params = {"buckets": list(buckets), "now": now, "most": most}
    async with conn.cursor(row_factory=tuple_row) as cur:
        rows = await (await cur.execute(SQL.settle, params)).fetchall()
    return rows[0][0], [Settled(*row[1:]) for row in rows if row[1] is not None]
