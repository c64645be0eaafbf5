"""Triggered campaigns: what happens is answered.

Each lane's events are read in order behind a cursor. What is to be said goes to the gate in the transaction that moves the
cursor, with what each campaign has answered: after a crash the same events are read again, and none is answered twice or not
at all. A backlog is read in parts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from antiphon.awareness.events import LaneReader
from antiphon.awareness.segments import members
from antiphon.execution.campaigns import store, trying
from antiphon.execution.campaigns.holding import keep_back
from antiphon.execution.campaigns.model import Campaign
from antiphon.execution.campaigns.running import ANSWERS, campaign_dispatch, coded, held
from antiphon.execution.campaigns.triggers import Happened, Trigger, spaced
from antiphon.execution.delivery import Intents, chunks, hold, submit
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.ids import keyed_hash
from antiphon.foundation.leases import Held
from antiphon.foundation.postgres import Connection, load_queries
from antiphon.foundation.telemetry import get_logger

SQL = load_queries(Path(__file__).with_name("triggers.sql"))
log = get_logger(__name__)
LOOP = "campaigns.listen"
READER = LaneReader("campaigns.triggers")


async def begin_listening(conn: Connection) -> None:
    """A campaign begins to answer: where none did, with what is understood from now on."""
    if len(await answering(conn)) <= 1:
        await READER.begin(conn)


async def answering(conn: Connection) -> list[int]:
    """The campaigns that answer events."""
    return [row[0] for row in await (await conn.execute(SQL.answering)).fetchall()]


async def listen(ctx: Context, held: Held) -> bool:
    """One tick: read what has happened in our lanes, answer it."""
    async with ctx.db.connection() as conn:
        if not await answering(conn):
            return False
        lanes, more = await READER.waiting(conn, held)
    if not lanes:
        return False
    async with ctx.db.transaction() as conn:
        mine = held.only(lanes)
        await mine.fence(conn)
        campaigns = [c for i in await answering(conn) if (c := await store.find_campaign(conn, i)) is not None]
        names = {c.trigger.event for c in campaigns if c.trigger is not None}
        events, full = await read_on(READER, conn, lanes, names)
        heard = [(campaign, meant) for campaign in campaigns if (meant := meant_by(campaign, events))]
        for campaign, _ in heard:  # all before anything else is held, in one order for everybody
            await conn.execute(SQL.alone, {"campaign_id": campaign.id})
        for campaign, meant in heard:
            try:
                async with conn.transaction():
                    await answer(ctx, conn, campaign, meant)
            except AntiphonError as failed:
                log.warning("a campaign cannot answer", campaign=campaign.id, error=str(failed))
                await keep_back(ctx, conn, campaign.id, failed)
    return full or more


async def read_on(
    reader: LaneReader, conn: Connection, lanes: Sequence[int], names: Iterable[str]
) -> tuple[list[Happened], bool]:
    """The next events of these names in some lanes, which this reader has read from now on; and whether there may be more."""
    events, more = await reader.read_on(conn, lanes, names)
    return [
        Happened(one.lane, one.seq, one.received_at, one.ts, one.profile_id, one.kind, one.name, one.properties) for one in events
    ], more


def meant_by(campaign: Campaign, events: Sequence[Happened]) -> list[Happened]:
    """The events that a campaign means: what it answers, since it started, and not history. Pure."""
    trigger, since = campaign.trigger, campaign.started_at
    if trigger is None or since is None:
        return []
    return [
        one for one in events
        if one.received_at >= since and trigger.matches(one.kind, one.name, one.properties)
        and trigger.is_fresh(one.ts, one.received_at)
    ]  # fmt: skip


async def answer(ctx: Context, conn: Connection, campaign: Campaign, meant: Sequence[Happened]) -> int:
    """Hand to the gate what a campaign says to events that it means; returns to how many of them. One process at a time."""
    trigger = campaign.trigger
    assert trigger is not None
    if campaign.segment_id is not None:
        people = await members(conn, campaign.segment_id)
        meant = [one for one in meant if one.profile_id in people]
    chosen = await _chosen(ctx, conn, campaign, trigger, meant)
    excluded: list[int] = []
    for segment_id in campaign.excluded_segment_ids:
        out = await members(conn, segment_id)
        excluded += [one.profile_id for one in chosen if one.profile_id in out]
    dispatch = None
    if not campaign.arms:
        dispatch = await campaign_dispatch(ctx, conn, campaign, ANSWERS)
        if campaign.state == "paused" and dispatch.state == "active":  # made only now
            await hold(conn, campaign.id, "paused")
    elif trigger.again == "once":  # whichever arm told them
        new = await trying.not_told(conn, campaign.id, [one.profile_id for one in chosen])
        chosen = [one for one in chosen if one.profile_id in new]
    for due_at, group in _by_due(trigger, chosen).items():
        intents = coded(ctx, campaign, held(ctx, campaign, Intents(
            profile_ids=[one.profile_id for one in group],
            suffixes=[] if trigger.again == "once" else [f"{one.lane}-{one.seq}" for one in group],
            variables=[one.variables for one in group],
            excluded=excluded,
            due_at=due_at,
        )))  # fmt: skip
        for part in chunks(intents):
            if dispatch is None:
                await trying.hand_in(ctx, conn, campaign, ANSWERS, part)
            else:
                await submit(ctx, conn, dispatch, part)
    log.debug("answered", campaign=campaign.id, events=len(meant), said=len(chosen))
    return len(chosen)


async def _chosen(
    ctx: Context, conn: Connection, campaign: Campaign, trigger: Trigger, events: Sequence[Happened]
) -> list[Happened]:
    """The events that are answered, by how often one is."""
    match trigger.again:
        case "every":
            return list(events)
        case "once":
            first: dict[int, Happened] = {}
            for one in events:
                first.setdefault(one.profile_id, one)
            return list(first.values())
        case "period":
            period = timedelta(seconds=trigger.period_seconds or 0)
            who = {"campaign_id": campaign.id, "profile_ids": sorted({one.profile_id for one in events})}
            last = dict(await (await conn.execute(SQL.last_answers, who)).fetchall())
            chosen, told = spaced(events, last, period)
            ats = {"campaign_id": campaign.id, "profile_ids": list(told), "ats": list(told.values())}
            await conn.execute(SQL.note_answers, ats)
            return chosen
        case "key":
            keyed: dict[bytes, Happened] = {}
            for one in events:
                key = trigger.key_of(one.properties)
                if key is not None:
                    keyed.setdefault(keyed_hash(ctx.secret, "campaign key", campaign.id, key), one)
            params = {"campaign_id": campaign.id, "keys": list(keyed), "now": ctx.clock.now()}
            new = {bytes(row[0]) for row in await (await conn.execute(SQL.new_keys, params)).fetchall()}
            return [one for key, one in keyed.items() if key in new]


def _by_due(trigger: Trigger, events: Sequence[Happened]) -> dict[datetime | None, list[Happened]]:
    """The events by when they are answered: at once, or some time after they were received, to the second."""
    groups: dict[datetime | None, list[Happened]] = defaultdict(list)
    for one in events:
        delay = timedelta(seconds=trigger.delay_seconds)
        groups[one.received_at.replace(microsecond=0) + delay if delay else None].append(one)
    return groups
