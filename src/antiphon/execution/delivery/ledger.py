"""Reading the ledger: searching it, and telling why one delivery is as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from antiphon.awareness.consent import Evidence, consent_as_of
from antiphon.awareness.profiles import canonical, every_id
from antiphon.execution.delivery import chains, reply_files
from antiphon.execution.delivery.errors import DeliveryUnknown, ReasonUnknown
from antiphon.execution.delivery.gate.look import SQL as GATE
from antiphon.execution.delivery.model import MessageClassName, State
from antiphon.execution.delivery.reasons import REASONS, explain
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection, dict_row, load_queries, struct_row

SQL = load_queries(Path(__file__).with_name("ledger.sql"))
HEARD = load_queries(Path(__file__).with_name("engagement.sql"))
Was = Literal["passed", "sent", "delivered", "bounced", "opened", "clicked", "replied", "unsubscribed", "complained"]


class DeliveryItem(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery in a list; ``sentence`` says why it is in its state. ``profile_id`` is 0 for what was said to staff, and
    negative where the customer has been erased."""

    id: int
    profile_id: int
    campaign_id: int | None
    channel: str
    message_class: MessageClassName
    topic: str | None
    address: str | None
    state: State
    reason: str | None
    planned_at: datetime
    due_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    bounced_at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None
    unsubscribed_at: datetime | None
    complained_at: datetime | None
    ended_at: datetime | None
    attempts: int
    next_attempt_at: datetime | None
    detail: str | None
    customer: str | None
    sentence: str = ""


class DeliveryRow(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the ledger knows of a delivery."""

    id: int
    profile_id: int
    intent_key: str
    dispatch_id: int
    campaign_id: int | None
    occurrence: str
    channel: str
    account_id: int | None
    message_class: MessageClassName
    topic: str | None
    template_version_id: int | None
    address: str | None
    state: State
    reason: str | None
    planned_at: datetime
    due_at: datetime
    expires_at: datetime | None
    queued_at: datetime | None
    claimed_at: datetime | None
    speaking_at: datetime | None
    sent_at: datetime | None
    delivered_at: datetime | None
    bounced_at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None
    unsubscribed_at: datetime | None
    complained_at: datetime | None
    deferred_at: datetime | None
    replied_at: datetime | None
    ended_at: datetime | None
    opens: int
    clicks: int
    attempts: int
    next_attempt_at: datetime | None
    provider_id: str | None
    detail: str | None
    hop: int
    origin_id: int | None
    topic_title: str | None
    account_name: str | None


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """Something the decision rested on."""

    name: str
    value: str


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a delivery."""

    state: str
    at: datetime


class ConsentThen(msgspec.Struct, frozen=True, kw_only=True):
    """The customer's latest word when the gate decided."""

    id: int
    state: str
    at: datetime
    source: str
    evidence: Evidence


class HopItem(msgspec.Struct, frozen=True, kw_only=True):
    """One hop of the chain a delivery is part of."""

    id: int
    hop: int
    channel: str
    state: State
    reason: str | None
    sentence: str
    at: datetime


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """Why a customer got this, or did not: a sentence, the facts it rests on, and what happened when. ``hops`` is the chain it
    is part of, in order; only itself where there is none."""

    delivery: DeliveryRow
    title: str
    sentence: str
    facts: list[Fact]
    history: list[Step]
    consent: ConsentThen | None
    hops: list[HopItem]


async def one_person(conn: Connection, profile_id: int) -> list[int]:
    """Every id a customer has had: what was said to any of them was said to this person."""
    return await every_id(conn, await canonical(conn, profile_id) or profile_id)


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """Marks of the deliveries wanted; None is any."""

    campaign_id: int | None = None
    profile_ids: list[int] | None = None
    address: str | None = None
    states: list[State] | None = None
    reason: str | None = None
    message_class: MessageClassName | None = None
    was: Was | None = None
    channel: str | None = None
    account_id: int | None = None
    provider_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def search_of(ctx: Context, marks: Search, profile_id: int | None) -> Search:
    """What a request asks for: these marks, of one person if one is named. Raises ReasonUnknown."""
    if marks.reason is not None and marks.reason not in REASONS:
        raise ReasonUnknown(field="reason", reason=marks.reason)
    if profile_id is None:
        return marks
    async with ctx.db.connection() as conn:
        return msgspec.structs.replace(marks, profile_ids=await one_person(conn, profile_id))


async def marks(conn: Connection, wanted: Search) -> dict[str, Any]:
    """The marks of a search as its statements take them: ``said_to`` are the deliveries to the address."""
    found = None
    if wanted.address is not None:
        row = await (await conn.execute(SQL.said_to, {"address": wanted.address})).fetchone()
        found = row[0] if row else []
    return msgspec.structs.asdict(wanted) | {"said_to": found}


async def search(conn: Connection, wanted: Search, *, named: bool, before: int | None = None, limit: int) -> list[DeliveryItem]:
    """Deliveries by their marks, newest first; ``before`` is the id to go on from. ``named``: with customers' names."""
    params = await marks(conn, wanted) | {"named": named, "before": before, "limit": limit}
    async with conn.cursor(row_factory=struct_row(DeliveryItem)) as cur:
        rows = await (await cur.execute(SQL.search, params)).fetchall()
    return [msgspec.structs.replace(row, sentence=explain(row.state, row.reason, _facts(row))) for row in rows]


async def why(ctx: Context, conn: Connection, delivery_id: int) -> Why:
    """One delivery, explained. Raises DeliveryUnknown."""
    async with conn.cursor(row_factory=struct_row(DeliveryRow)) as cur:
        row = await (await cur.execute(SQL.find_delivery, {"id": delivery_id})).fetchone()
    if row is None:
        raise DeliveryUnknown(delivery=delivery_id)
    consent = None
    if row.topic is not None and row.profile_id:
        decided = row.ended_at or row.queued_at or row.planned_at
        found = await consent_as_of(conn, list(await one_person(conn, row.profile_id)), row.channel, row.topic, decided)
        if found is not None:
            consent = ConsentThen(id=found.id, state=found.state, at=found.at, source=found.source, evidence=found.evidence)
    known = REASONS.get(row.reason or "")
    return Why(
        delivery=row,
        title=known.title if known else row.state.capitalize(),
        sentence=explain(row.state, row.reason, _facts(row)),
        facts=_told(row),
        history=_history(row),
        consent=consent,
        hops=[_hop(one) for one in await chains.chain_of(conn, row.profile_id, row.origin_id or row.id)],
    )


def _hop(row: chains.HopRow) -> HopItem:
    at = row.ended_at or row.sent_at or row.due_at
    sentence = explain(row.state, row.reason, _facts(row))
    return HopItem(id=row.id, hop=row.hop, channel=row.channel, state=row.state, reason=row.reason, sentence=sentence, at=at)


def _facts(row: DeliveryItem | DeliveryRow | chains.HopRow) -> Mapping[str, object]:
    facts = msgspec.structs.asdict(row)
    for name, value in facts.items():
        if isinstance(value, datetime):
            facts[name] = f"{value:%Y-%m-%d %H:%M} UTC"
    facts["topic"] = facts.get("topic_title") or facts["topic"]
    facts["identity"] = "address"
    return facts


def _told(row: DeliveryRow) -> list[Fact]:
    facts = {
        "address": row.address,
        "channel": row.channel,
        "account": row.account_name,
        "message class": row.message_class,
        "topic": row.topic_title or row.topic,
        "attempts": str(row.attempts),
        "answer": row.detail,
        "id at the other side": row.provider_id,
        "opens": str(row.opens),
        "clicks": str(row.clicks),
    }
    return [Fact(name=name, value=value) for name, value in facts.items() if value]


def _history(row: DeliveryRow) -> list[Step]:
    steps = {
        "planned": row.planned_at,
        "queued": row.queued_at,
        "claimed": row.claimed_at,
        "speaking": row.speaking_at,
        "sent": row.sent_at,
        "delivered": row.delivered_at,
        "opened": row.opened_at,
        "clicked": row.clicked_at,
        "bounced": row.bounced_at,
        "unsubscribed": row.unsubscribed_at,
        "complained": row.complained_at,
        "deferred": row.deferred_at,
        "replied": row.replied_at,
    }
    if row.state in ("suppressed", "failed", "expired", "cancelled", "unknown"):
        steps[row.state] = row.ended_at
    happened = [(name, at) for name, at in steps.items() if at is not None]
    return [Step(state=name, at=at) for name, at in sorted(happened, key=lambda step: step[1])]


async def export(ctx: Context, conn: Connection, profile_id: int) -> Mapping[str, Any]:
    """What was said to a customer, for their own copy."""
    ids = await one_person(conn, profile_id)
    async with conn.cursor(row_factory=dict_row) as cur:
        said = await (await cur.execute(SQL.export_deliveries, {"profile_ids": ids})).fetchall()
        answered = await (await cur.execute(HEARD.export_engagement, {"profile_ids": ids})).fetchall()
        done = await (await cur.execute(SQL.export_interventions, {"profile_ids": ids})).fetchall()
        proofs = await (await cur.execute(SQL.export_verifications, {"profile_ids": ids})).fetchall()
    files = await reply_files.export(conn, ids)
    return {
        "deliveries": said, "engagement": answered, "interventions": done, "verifications": proofs, "attachments": files,
    }  # fmt: skip


async def erase(ctx: Context, conn: Connection, profile_id: int) -> None:
    """Forget what was said to a customer; that something was said to somebody stays, for campaigns' numbers."""
    ids = {"profile_ids": await one_person(conn, profile_id), "now": ctx.clock.now()}
    for query in (
        HEARD.erase_waiting, HEARD.erase_provider_messages, HEARD.erase_engagement,
        chains.SQL.erase_watch, reply_files.SQL.erase_reply_files, SQL.erase_displaced, SQL.erase_queue, SQL.erase_settle,
        SQL.erase_interventions,
        SQL.erase_verification_factors, SQL.erase_verifications, GATE.erase_contacts, SQL.erase_deliveries,
    ):  # fmt: skip
        await conn.execute(query, ids)


async def forget_content(conn: Connection, dispatch_ids: Sequence[int]) -> None:
    """Forget the texts of dispatches that were one customer's alone."""
    if dispatch_ids:
        await conn.execute(SQL.veil_contents, {"ids": list(dispatch_ids)})


async def overview(ctx: Context, conn: Connection) -> Mapping[str, float]:
    """What waits to be said, and what may still bounce."""
    row = await (await conn.execute(SQL.overview, {"now": ctx.clock.now()})).fetchone()
    assert row is not None
    return {"deliveries_waiting": row[0], "deliveries_settling": row[1]}
