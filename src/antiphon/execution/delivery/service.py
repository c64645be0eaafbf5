"""The door out: everything that wants to say something hands its intents in here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from antiphon.awareness.consent import ChannelRegistry, normal_address
from antiphon.execution.delivery import budgets, chains, store
from antiphon.execution.delivery.errors import NoAccount, NothingToSay, TopicMissing
from antiphon.execution.delivery.gate import deciding
from antiphon.execution.delivery.model import (
    CLASSES,
    NOBODY,
    Content,
    Dispatch,
    DispatchState,
    Intents,
    NewDispatch,
    State,
    Verdict,
)
from antiphon.execution.delivery.rules.store import current_rules
from antiphon.foundation.context import Context
from antiphon.foundation.faults import point
from antiphon.foundation.ids import keyed_hash, random_token
from antiphon.foundation.loops import wake
from antiphon.foundation.postgres import Connection

CHUNK = 20_000  # intents judged by one statement: well under two seconds
SEND_LOOP = "delivery.send"
Within = Callable[[Connection, Intents, Verdict | None], Awaitable[None]]


async def open_dispatch(ctx: Context, conn: Connection, new: NewDispatch) -> Dispatch:
    """The dispatch of this key, made if it is new.

    Without a channel it takes the first one its purpose has by default, of those with an account. Without an account each
    message is routed to one when it is said. The dispatches of its later hops are made with it. Raises NoAccount,
    TopicMissing, NothingToSay, and ChannelUnknown for a channel this installation does not have.
    """
    if not new.channel:
        new = msgspec.structs.replace(new, channel=await default_channel(ctx, conn, new.purpose))
    channel = ctx.get(ChannelRegistry)[new.channel]
    if CLASSES[new.message_class].needs_consent and new.topic is None:
        raise TopicMissing(field="topic")
    if (new.template_version_id is None) == (new.content is None):
        raise NothingToSay(field="template_version_id")
    if new.account_id is None:
        await default_account(ctx, conn, channel.name)
    dispatch = await store.open_dispatch(conn, new, ctx.clock.now())
    if new.hops and dispatch.hops:
        await chains.link(conn, dispatch.id, (await open_dispatch(ctx, conn, chains.next_of(new))).id)
    return dispatch


async def find_dispatches(conn: Connection, ids: Sequence[int]) -> list[Dispatch]:
    """Dispatches by id."""
    return await store.find_dispatches(conn, ids)


async def default_channel(ctx: Context, conn: Connection, purpose: str) -> str:
    """The channel a message of this purpose takes when its author named none. Raises NoAccount."""
    registry = ctx.get(ChannelRegistry)
    usual = (await current_rules(conn)).default_channels(purpose)
    for name in usual:
        if name in registry and await store.first_account(conn, name) is not None:
            return name
    raise NoAccount(field="channel", channel=", ".join(usual) or purpose)


async def default_account(ctx: Context, conn: Connection, channel: str) -> int:
    """The channel's oldest enabled account: the one that routed messages take where no rule says otherwise. Raises NoAccount."""
    account_id = await store.first_account(conn, channel)
    if account_id is None:
        raise NoAccount(field="account_id", channel=ctx.get(ChannelRegistry)[channel].title)
    return account_id


async def submit(
    ctx: Context, conn: Connection, dispatch: Dispatch, intents: Intents, *, seen: deciding.Seen | None = None
) -> Verdict:
    """Hand in intents, at most `CHUNK` at a time: each becomes one ledger row, judged and queued in this transaction.

    An intent handed in again (same dispatch, person and suffix) changes nothing, but is counted in the verdict. ``seen`` is
    the same set as `look_ahead` judged it a moment ago.
    """
    if len(intents.profile_ids) > CHUNK:
        raise ValueError(f"at most {CHUNK} intents at a time")
    return (await _submit(ctx, conn, dispatch, intents, seen)).verdict


async def submit_told(ctx: Context, conn: Connection, dispatch: Dispatch, intents: Intents) -> list[str | None]:
    """As `submit`; for each intent why it was refused, None where it passed, on this channel or on a later hop."""
    if len(intents.profile_ids) > CHUNK:
        raise ValueError(f"at most {CHUNK} intents at a time")
    decided = await _submit(ctx, conn, dispatch, intents, None)
    if decided.verdict.refused and dispatch.hops:
        for place in await chains.passed_on(conn, dispatch, intents):
            decided.reasons[place] = None
    return decided.reasons


async def _submit(
    ctx: Context, conn: Connection, dispatch: Dispatch, intents: Intents, seen: deciding.Seen | None
) -> deciding.Decided:
    point("to_judge")
    decided = await _judge(ctx, conn, dispatch, intents, seen)
    if decided.verdict.refused and dispatch.hops:
        await _ask_next(ctx, conn, dispatch, intents)
    point("judged")
    return decided


async def look_ahead(ctx: Context, dispatch: Dispatch, intents: Intents) -> deciding.Seen:
    """Judge a set on a connection of its own, while another one is being written; `submit` writes it."""
    async with ctx.db.connection() as conn:
        return await deciding.see(ctx, conn, dispatch, intents)


async def submit_all(
    ctx: Context, dispatch: Dispatch, parts: Iterable[Intents], *, within: Within | None = None
) -> Verdict:
    """Hand in many intents, in parts of at most `CHUNK` that keep each person's together; each part is a transaction of its
    own, and the next one is judged while it is written. ``within`` is called at the beginning of each, after the part was
    judged, and again at its end with the verdict: a fence, a cursor."""
    async with ctx.db.transaction() as conn:
        await deciding.know_kind(ctx, conn, dispatch)
    total = Verdict()
    ahead: asyncio.Task[deciding.Seen] | None = None
    try:
        for part in parts:
            coming = asyncio.create_task(look_ahead(ctx, dispatch, part))
            if ahead is not None:
                seen, ahead = ahead, coming
                total += await _hand_in(ctx, dispatch, await seen, within, more=True)
            ahead = coming
        if ahead is not None:
            total += await _hand_in(ctx, dispatch, await ahead, within)
    finally:
        if ahead is not None and not ahead.done():
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)
    return total


async def _hand_in(
    ctx: Context, dispatch: Dispatch, seen: deciding.Seen, within: Within | None, *, more: bool = False
) -> Verdict:
    """Write a part. Where ``more`` parts follow it is not waited for the disk: a power cut may lose the latest of them, whole,
    with what `within` wrote beside; whoever says one of its messages waits for both, and so does the last part."""
    async with ctx.db.transaction() as conn:
        if more:
            await conn.execute(store.SQL.no_waiting)
        if within is not None:
            await within(conn, seen.intents, None)
        verdict = await submit(ctx, conn, dispatch, seen.intents, seen=seen)
        if within is not None:
            await within(conn, seen.intents, verdict)
    return verdict


async def _judge(
    ctx: Context, conn: Connection, dispatch: Dispatch, intents: Intents, seen: deciding.Seen | None = None
) -> deciding.Decided:
    now = ctx.clock.now()
    hold = await budgets.reserve(ctx, conn, dispatch, most=len(intents.profile_ids), at=max(intents.due_at or now, now))
    decided = await deciding.decide(ctx, conn, dispatch, intents, hold, seen)
    if hold is not None:
        await budgets.keep(conn, hold, decided.queued, now, refused="budget_exhausted" in decided.verdict.refused)
    if decided.verdict.passed:
        await wake(conn, SEND_LOOP)
    return decided


async def _ask_next(ctx: Context, conn: Connection, dispatch: Dispatch, intents: Intents) -> None:
    """What was refused on this channel is asked on the next."""
    kinds = ctx.get(ChannelRegistry)
    same = kinds[dispatch.channel].identity == kinds[dispatch.hops[0].channel].identity
    onward = await chains.after_gate(conn, dispatch, intents, same_address=same)
    if onward is not None:
        await go_on(ctx, conn, onward)


async def go_on(ctx: Context, conn: Connection, onward: chains.Onward) -> None:
    """Hand intents of a chain's next hop to the gate; what it refuses there is asked on the hop after."""
    origins = iter(onward.origins)
    for part in chunks(onward.intents):
        of_part = [next(origins) for _ in part.profile_ids]
        verdict = (await _judge(ctx, conn, onward.dispatch, part)).verdict
        await chains.mark(conn, chains.Onward(dispatch=onward.dispatch, intents=part, origins=of_part))
        if verdict.refused and onward.dispatch.hops:
            await _ask_next(ctx, conn, onward.dispatch, part)


async def estimate(ctx: Context, conn: Connection, dispatch: Dispatch, intents: Intents) -> Verdict:
    """What the gate would say of these intents now; nothing is written. The dispatch need not be stored."""
    total = Verdict()
    for part in chunks(intents):
        total += (await deciding.see(ctx, conn, dispatch, part)).verdict()
    return total


def chunks(intents: Intents, size: int = CHUNK) -> Iterator[Intents]:
    """The same intents in parts a single statement may hold."""
    for at in range(0, len(intents.profile_ids), size):
        yield msgspec.structs.replace(
            intents,
            profile_ids=intents.profile_ids[at : at + size],
            suffixes=intents.suffixes[at : at + size],
            addresses=intents.addresses[at : at + size],
            variables=intents.variables[at : at + size],
        )


async def hold(conn: Connection, campaign_id: int, state: DispatchState) -> None:
    """Pause, go on with or cancel everything of a campaign that has not been said; honoured from the next claim on."""
    await store.hold_dispatches(conn, campaign_id, state)
    await wake(conn, SEND_LOOP)


async def is_waiting(conn: Connection, dispatch_id: int) -> bool:
    """Whether anything of a dispatch, or of the hops after it, is still to be said."""
    return await chains.is_waiting(conn, dispatch_id)


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger row of one intent, as it was right after the gate."""

    id: int
    state: State
    reason: str | None


async def submit_one(
    ctx: Context,
    conn: Connection,
    new: NewDispatch,
    *,
    profile_id: int = NOBODY,
    suffix: str,
    variables: Mapping[str, Any],
    address: str | None = None,
    expires_at: datetime | None = None,
) -> Handed:
    """Hand in one intent: a customer by id, or an address of staff with profile 0."""
    dispatch = await open_dispatch(ctx, conn, new)
    intents = Intents(
        profile_ids=[profile_id],
        suffixes=[suffix],
        addresses=[address] if address is not None else [],
        variables=[variables],
        expires_at=expires_at,
    )
    await submit(ctx, conn, dispatch, intents)
    row = await store.find_by_key(conn, profile_id, f"{dispatch.key}:{suffix}")
    assert row is not None
    return Handed(id=row[0], state=row[1], reason=row[2])


async def send_test(
    ctx: Context,
    conn: Connection,
    *,
    address: str,
    channel: str,
    template_version_id: int | None = None,
    content: Content | None = None,
    account_id: int | None = None,
    as_profile: int | None = None,
) -> Handed:
    """A test to an address of staff, written as to a customer if one is named. Tests to one address share a dispatch."""
    kind = ctx.get(ChannelRegistry)[channel]
    what = f"v{template_version_id}" if template_version_id else keyed_hash(b"", repr(content)).hex()
    new = NewDispatch(
        key=f"test:{channel}:{account_id or 0}:{what}",
        channel=channel,
        message_class="test",
        account_id=account_id,
        template_version_id=template_version_id,
        content=None if template_version_id else content,
    )
    variables = {"_as": as_profile} if as_profile else {}
    return await submit_one(
        ctx, conn, new, suffix=random_token(9), variables=variables, address=normal_address(kind.identity, address)
    )
