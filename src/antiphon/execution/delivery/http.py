"""Routes of delivery: the ledger, why a message was or was not sent, test sends, and the rules."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from litestar.params import Parameter, QueryParameter
from litestar.response import Stream

from antiphon.awareness.profiles import names_shown
from antiphon.execution.delivery import ledger, service, sheet
from antiphon.execution.delivery.ledger import DeliveryItem, Search, Was, Why
from antiphon.execution.delivery.model import CLASSES, Content, MessageClassName, State
from antiphon.execution.delivery.reasons import REASONS, Reason
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, Cursor, Limit, Page, decode_cursor, encode_cursor, get, post
from antiphon.foundation.principal import Principal

Id = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
MaybeId = Annotated[int | None, Parameter(ge=1, le=2**63 - 1)]


class ClassItem(msgspec.Struct, frozen=True, kw_only=True):
    """A message class and its rules. ``lifetime_minutes``: not said later than this after it was due."""

    name: MessageClassName
    title: str
    description: str
    needs_consent: bool
    resend_unknown: bool
    lifetime_minutes: int


class TestSend(Body, frozen=True, kw_only=True):
    """A message to an address of staff: a template version, or a text. ``as_profile`` writes it as to that customer."""

    address: Annotated[str, msgspec.Meta(min_length=3, max_length=254)]
    channel: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] = "email"
    template_version_id: Annotated[int, msgspec.Meta(ge=1)] | None = None
    subject: Annotated[str, msgspec.Meta(max_length=500)] = ""
    text: Annotated[str, msgspec.Meta(max_length=20_000)] = ""
    account_id: Annotated[int, msgspec.Meta(ge=1)] | None = None
    as_profile: Annotated[int, msgspec.Meta(ge=1, lt=2**32)] | None = None


CampaignId = Annotated[int | None, Parameter(ge=1, le=2**63 - 1, description="Of this campaign")]
Address = Annotated[str | None, Parameter(max_length=400, description="To exactly this address")]
States = Annotated[list[State] | None, QueryParameter(name="state", description="In any of these states")]
ReasonCode = Annotated[str | None, Parameter(max_length=60, description="With this reason")]
Happened = Annotated[Was | None, Parameter(description="To which this happened at some time, whatever the state is now")]


def _utc(at: datetime | None) -> datetime | None:
    """An instant without an offset is taken as UTC."""
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)


async def _search_of(
    ctx: Context, campaign_id: int | None, profile_id: int | None, address: str | None, states: list[State] | None,
    reason: str | None, message_class: MessageClassName | None, was: Was | None,
) -> Search:  # fmt: skip
    """The parameters of a request as a search. Raises ReasonUnknown."""
    marks = Search(
        campaign_id=campaign_id, address=address.strip().lower() if address else None, states=states or None, reason=reason,
        message_class=message_class, was=was,
    )  # fmt: skip
    return await ledger.search_of(ctx, marks, profile_id)


@get("/v1/deliveries", permission="delivery:read")
async def list_deliveries(
    ctx: Context,
    who: Principal,
    campaign_id: CampaignId = None,
    profile_id: MaybeId = None,
    address: Address = None,
    states: States = None,
    reason: ReasonCode = None,
    message_class: MessageClassName | None = None,
    was: Happened = None,
    channel: Annotated[str | None, Parameter(max_length=40)] = None,
    account_id: Annotated[int | None, Parameter(ge=1, le=2**63 - 1, description="Said through this account")] = None,
    provider_id: Annotated[str | None, Parameter(max_length=400, description="Which the other side calls so")] = None,
    since: Annotated[datetime | None, Parameter(description="Planned then or later")] = None,
    until: Annotated[datetime | None, Parameter(description="Planned before")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[DeliveryItem]:
    """Search the ledger, newest first."""
    after = decode_cursor(cursor, int)
    wanted = await _search_of(ctx, campaign_id, profile_id, address, states, reason, message_class, was)
    wanted = msgspec.structs.replace(
        wanted, channel=channel, account_id=account_id, provider_id=provider_id, since=_utc(since), until=_utc(until)
    )
    async with ctx.db.connection() as conn:
        named, before = await names_shown(conn, who), int(after[0] or 0) if after else None
        rows = await ledger.search(conn, wanted, named=named, before=before, limit=limit + 1)
    more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
    return Page(items=rows[:limit], next=more)


@get("/v1/deliveries/people.csv", permission="delivery:export", media_type="text/csv")
async def export_people(
    ctx: Context,
    who: Principal,
    campaign_id: CampaignId = None,
    profile_id: MaybeId = None,
    address: Address = None,
    states: States = None,
    reason: ReasonCode = None,
    message_class: MessageClassName | None = None,
    was: Happened = None,
) -> Stream:
    """The people behind a number, as CSV: everybody such a search finds. No cell of it is taken for a formula."""
    wanted = await _search_of(ctx, campaign_id, profile_id, address, states, reason, message_class, was)
    async with ctx.db.transaction() as conn:
        await audit(conn, who, action="delivery.export", subject=f"campaign:{campaign_id}", after=wanted)
        named = await names_shown(conn, who)
    return Stream(
        sheet.people(ctx, wanted, named=named), media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="people.csv"'},
    )  # fmt: skip


@get("/v1/deliveries/{delivery_id:int}", permission="delivery:read")
async def read_delivery(ctx: Context, delivery_id: Id) -> Why:
    """One delivery: why it was or was not sent, on which facts, and what happened when."""
    async with ctx.db.connection() as conn:
        return await ledger.why(ctx, conn, delivery_id)


@get("/v1/profiles/{profile_id:int}/deliveries", permission="delivery:read")
async def list_profile_deliveries(
    ctx: Context, who: Principal, profile_id: Id, cursor: Cursor = None, limit: Limit = 50
) -> Page[DeliveryItem]:
    """Everything that was, or was not, said to one customer."""
    after = decode_cursor(cursor, int)
    async with ctx.db.connection() as conn:
        ids = await ledger.one_person(conn, profile_id)
        wanted = Search(profile_ids=ids)
        named, before = await names_shown(conn, who), int(after[0] or 0) if after else None
        rows = await ledger.search(conn, wanted, named=named, before=before, limit=limit + 1)
    more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
    return Page(items=rows[:limit], next=more)


@post("/v1/test-sends", permission="delivery:test", problems=(409,))
async def send_test(ctx: Context, who: Principal, data: TestSend) -> service.Handed:
    """Send a test to an address of staff. It passes the gate like everything else and has a row in the ledger."""
    async with ctx.db.transaction() as conn:
        handed = await service.send_test(
            ctx, conn, address=data.address, channel=data.channel, template_version_id=data.template_version_id,
            content=None if data.template_version_id else Content(subject=data.subject or "Test", text=data.text or "Test"),
            account_id=data.account_id, as_profile=data.as_profile,
        )  # fmt: skip
        await audit(conn, who, action="delivery.test", subject=f"delivery:{handed.id}", after={"address": data.address})
    return handed


@get("/v1/message-classes", permission="delivery:read")
async def list_classes(ctx: Context) -> list[ClassItem]:
    """The classes of messages and their rules."""
    return [
        ClassItem(
            name=c.name, title=c.title, description=c.description, needs_consent=c.needs_consent,
            resend_unknown=c.resend_unknown, lifetime_minutes=int(c.lifetime.total_seconds() // 60),
        )
        for c in CLASSES.values()
    ]  # fmt: skip


@get("/v1/delivery-reasons", permission="delivery:read")
async def list_reasons(ctx: Context) -> list[Reason]:
    """Every reason the ledger can give, with its sentence."""
    return list(REASONS.values())


ROUTES = [
    list_deliveries, export_people, read_delivery, list_profile_deliveries, send_test, list_classes, list_reasons,
]  # fmt: skip
