"""Chains: where a message goes next when its channel refused, failed or was not answered.

Each hop is a dispatch and a ledger row of its own, judged by the gate like any other. A row that was not said, or that has
a receipt or an answer to wait for, is put on watch; when its time has come a leased loop hands the next hop to the gate.
An answer to any hop ends the chain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from antiphon.execution.delivery.model import CLASSES, NOBODY, Dispatch, Intents, NewDispatch, State
from antiphon.foundation.loops import wake
from antiphon.foundation.postgres import Connection, load_queries, struct_row, tuple_row
from antiphon.foundation.postgres.binary import bigints, texts

SQL = load_queries(Path(__file__).with_name("chains.sql"))
WATCH_LOOP = "delivery.watch"
STOPS = (
    "no_such_customer", "merged", "excluded", "holdout", "paused_by_customer", "duplicate_address", "campaign_cancelled",
)  # fmt: skip
"""Refusals that are of the person or the campaign, not of the channel: no other channel is asked."""
RESEND = [c.name for c in CLASSES.values() if c.resend_unknown]


class HopRow(msgspec.Struct, frozen=True, kw_only=True):
    """One hop of a chain as the ledger has it."""

    id: int
    hop: int
    channel: str
    state: State
    reason: str | None
    address: str | None
    due_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None
    replied_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime | None
    next_attempt_at: datetime | None
    attempts: int
    detail: str | None
    topic_title: str | None
    topic: str | None


class Onward(msgspec.Struct, frozen=True, kw_only=True):
    """Intents for the next hop of a chain, and the first delivery of each."""

    dispatch: Dispatch
    intents: Intents
    origins: Sequence[int]


class _Due(msgspec.Struct, frozen=True):
    """A row whose next hop follows."""

    id: int
    profile_id: int
    dispatch_id: int
    intent_key: str
    variables: str | None
    address: str | None
    due_at: datetime
    expires_at: datetime | None
    expires_asked: bool | None  # None of rows from before it was kept
    origin_id: int


class _Next(Dispatch, frozen=True, kw_only=True):
    """A dispatch, and the one it follows."""

    after: int


def first_key(dispatch: Dispatch | NewDispatch) -> str:
    """The key of the first dispatch of its chain."""
    return dispatch.key.removesuffix(f":hop{dispatch.hop}") if dispatch.hop else dispatch.key


def next_of(new: NewDispatch) -> NewDispatch:
    """The dispatch of the hop that follows; without words of its own it says the same."""
    hop, *rest = new.hops
    own = hop.template_version_id is not None or hop.content is not None
    return msgspec.structs.replace(
        new,
        key=f"{first_key(new)}:hop{new.hop + 1}",
        channel=hop.channel,
        account_id=hop.account_id,
        template_version_id=hop.template_version_id if own else new.template_version_id,
        content=hop.content if own else new.content,
        hops=tuple(rest),
        hop=new.hop + 1,
    )


def intent_keys(dispatch: Dispatch, intents: Intents) -> list[str]:
    """The ledger's key of each intent."""
    if not intents.suffixes:
        return [dispatch.key] * len(intents.profile_ids)
    return [f"{dispatch.key}:{suffix}" if suffix else dispatch.key for suffix in intents.suffixes]


async def link(conn: Connection, dispatch_id: int, next_id: int) -> None:
    """Say which dispatch follows this one."""
    await conn.execute(SQL.link_dispatch, {"id": dispatch_id, "next_id": next_id})


async def after_gate(conn: Connection, dispatch: Dispatch, intents: Intents, *, same_address: bool) -> Onward | None:
    """What the gate refused on this channel, as intents for the next; None when there is nothing to hand on.

    ``same_address``: the next channel is addressed alike (SMS and voice), so that addresses given may be used again.
    """
    following = await _following(conn, [dispatch.id])
    if dispatch.id not in following:
        return None
    then = following[dispatch.id]
    params = {
        "profile_ids": bigints(intents.profile_ids),
        "keys": texts(intent_keys(dispatch, intents)),
        "next_keys": texts(intent_keys(then, intents)),
        "stops": list(STOPS),
    }
    async with conn.cursor(row_factory=tuple_row) as cur:
        rows = await (await cur.execute(SQL.refused, params)).fetchall()
    if not rows:
        return None
    places = [place for place, _ in rows]

    def some(values: Sequence[Any]) -> list[Any]:
        return [values[place] for place in places] if values else []

    onward = msgspec.structs.replace(
        intents,
        profile_ids=some(intents.profile_ids),
        suffixes=some(intents.suffixes),
        addresses=some(intents.addresses) if same_address else [],
        variables=some(intents.variables),
    )
    return Onward(dispatch=then, intents=onward, origins=[origin for _, origin in rows])


async def passed_on(conn: Connection, dispatch: Dispatch, intents: Intents) -> list[int]:
    """The places of intents, refused on this channel, that passed on a later one."""
    first = first_key(dispatch)
    params = {
        "profile_ids": bigints(intents.profile_ids),
        "suffixes": texts([f":{suffix}" if suffix else "" for suffix in intents.suffixes or [""] * len(intents.profile_ids)]),
        "keys": [f"{first}:hop{dispatch.hop + n}" for n in range(1, len(dispatch.hops) + 1)],
    }
    return [row[0] for row in await (await conn.execute(SQL.passed_on, params)).fetchall()]


async def mark(conn: Connection, onward: Onward) -> None:
    """Name the first of their chain in rows the gate has just written."""
    params = {
        "profile_ids": bigints(onward.intents.profile_ids),
        "keys": texts(intent_keys(onward.dispatch, onward.intents)),
        "origins": bigints(onward.origins),
        "hop": onward.dispatch.hop,
    }
    await conn.execute(SQL.mark_hops, params)


async def after_record(conn: Connection, keys: Sequence[tuple[int, int]], now: datetime) -> None:
    """Put rows of chains on watch, by (delivery, profile), after their state changed; others are left alone."""
    params = {
        "ids": bigints([key[0] for key in keys]),
        "profile_ids": bigints([key[1] for key in keys]),
        "stops": list(STOPS),
        "resend_classes": RESEND,
        "now": now,
    }
    wants = await (await conn.execute(SQL.watch, params)).fetchall()
    if any(want == "end" for (want,) in wants):
        await wake(conn, WATCH_LOOP)


async def after_heard(conn: Connection, keys: Sequence[tuple[int, int]], now: datetime) -> int:
    """After opens, clicks, replies, receipts or bounces of these rows: end the chains that were answered, go on with those
    that bounced. Says how many waiting messages were cancelled."""
    ids = {"ids": bigints([key[0] for key in keys]), "profile_ids": bigints([key[1] for key in keys])}
    cancelled = (await conn.execute(SQL.stop_answered, ids | {"now": now})).rowcount
    await after_record(conn, keys, now)
    return cancelled


async def answered_before(conn: Connection, keys: Sequence[tuple[int, int]]) -> set[int]:
    """Which of these deliveries of later hops need not be said any more."""
    ids = {"ids": bigints([key[0] for key in keys]), "profile_ids": bigints([key[1] for key in keys])}
    return {row[0] for row in await (await conn.execute(SQL.answered_before, ids)).fetchall()}


async def take_due(
    conn: Connection, buckets: Sequence[int], now: datetime, *, most: int, alike: Mapping[str, str]
) -> tuple[int, list[Onward]]:
    """(watches taken, what goes on to the next hop). ``alike``: the identity each channel is addressed by."""
    params = {"buckets": list(buckets), "now": now, "most": most, "stops": list(STOPS)}
    async with conn.cursor(row_factory=tuple_row) as cur:
        rows = await (await cur.execute(SQL.due_watches, params)).fetchall()
    due = [_Due(*row[1:]) for row in rows if row[1] is not None]
    if not due:
        return rows[0][0], []
    of = await _dispatches(conn, {row.dispatch_id for row in due})
    following = await _following(conn, list(of))
    onwards = []
    for dispatch_id, group in groupby(due, key=lambda row: row.dispatch_id):
        if dispatch_id in following:
            dispatch, then = of[dispatch_id], following[dispatch_id]
            same = alike.get(dispatch.channel) == alike.get(then.channel)
            onwards += list(_onward(dispatch, then, list(group), now, same))
    return rows[0][0], onwards


def _onward(dispatch: Dispatch, then: Dispatch, rows: Sequence[_Due], now: datetime, same: bool) -> Iterator[Onward]:
    """Intents of the next hop. What was to be said by a certain time still is; an address given goes along where it fits.
    Sets of one expiry go together."""
    lifetime = dispatch.rules.lifetime

    def deadline(row: _Due) -> datetime | None:
        asked = row.expires_at != row.due_at + lifetime if row.expires_asked is None else row.expires_asked
        return row.expires_at if asked else None

    going = [row for row in rows if (until := deadline(row)) is None or until > now]
    going.sort(key=lambda row: (deadline(row) is not None, deadline(row) or now, row.profile_id == NOBODY, row.id))
    for (until, nobody), group in groupby(going, key=lambda row: (deadline(row), row.profile_id == NOBODY)):
        of_one = list(group)
        suffixes: list[Any] = [row.intent_key[len(dispatch.key) + 1 :] or None for row in of_one]
        intents = Intents(
            profile_ids=[row.profile_id for row in of_one],
            suffixes=suffixes,
            addresses=[row.address or "" for row in of_one] if nobody and same else [],
            variables=[msgspec.json.decode(row.variables) if row.variables else {} for row in of_one],
            expires_at=until,
        )
        yield Onward(dispatch=then, intents=intents, origins=[row.origin_id for row in of_one])


async def chain_of(conn: Connection, profile_id: int, origin_id: int) -> list[HopRow]:
    """The hops of one chain, in order; one row when it is none."""
    async with conn.cursor(row_factory=struct_row(HopRow)) as cur:
        return await (await cur.execute(SQL.chain_of, {"profile_id": profile_id, "origin_id": origin_id})).fetchall()


async def is_waiting(conn: Connection, dispatch_id: int) -> bool:
    """Whether anything of a dispatch or of its later hops is still to be said, or may still have to be."""
    row = await (await conn.execute(SQL.chain_waits, {"dispatch_id": dispatch_id})).fetchone()
    return bool(row and row[0])


async def _following(conn: Connection, ids: Sequence[int]) -> dict[int, Dispatch]:
    async with conn.cursor(row_factory=struct_row(_Next)) as cur:
        rows = await (await cur.execute(SQL.next_dispatches, {"ids": list(ids)})).fetchall()
    return {row.after: row for row in rows}


async def _dispatches(conn: Connection, ids: set[int]) -> dict[int, Dispatch]:
    async with conn.cursor(row_factory=struct_row(Dispatch)) as cur:
        rows = await (await cur.execute(SQL.dispatches, {"ids": list(ids)})).fetchall()
    return {row.id: row for row in rows}
