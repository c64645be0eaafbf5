"""Sent messages that did not bounce in their time become delivered, and the customer's history says so."""

from __future__ import annotations

import msgspec

from antiphon.awareness.events import INTERNAL, Journal
from antiphon.execution.delivery import store
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Held
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
AT_ONCE = 5_000
EVENTS = {"email": "Email Delivered"}


async def settle_sent(ctx: Context, held: Held) -> bool:
    """One tick: the ledger's change and the events it causes are one transaction."""
    async with ctx.get(Journal).transaction() as journal:
        await held.fence(journal.conn)
        taken, settled = await store.settle(journal.conn, held.buckets, now=ctx.clock.now(), most=AT_ONCE)
        await journal.append([(INTERNAL, row.delivered_at, delivered_event(row)) for row in settled if row.profile_id])
    if settled:
        log.info("delivered", count=len(settled))
    return taken == AT_ONCE


def delivered_event(row: store.Settled) -> bytes:
    """What the history of a customer says of a message that is delivered now."""
    properties = {
        "delivery_id": row.id,
        "campaign_id": row.campaign_id,
        "template_id": row.template_id,
        "template_version_id": row.template_version_id,
        "channel": row.channel,
        "topic": row.topic,
    }
    return msgspec.json.encode(
        {
            "type": "track",
            "event": EVENTS.get(row.channel, f"{row.channel.capitalize()} Delivered"),
            "messageId": f"delivery:{row.id}:delivered",
            "profileId": row.profile_id,
            "timestamp": row.delivered_at,
            "properties": {key: value for key, value in properties.items() if value is not None},
        }
    )
