"""Routes of consent: what a customer said, topics, the suppression list, channels, and the confirmation page."""

from __future__ import annotations

import html
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response
from litestar.params import Parameter

from antiphon.awareness.consent import service, store
from antiphon.awareness.consent.model import (
    ChannelRegistry,
    ConsentState,
    Evidence,
    Statement,
    Suppressed,
    SuppressionReason,
    normal_address,
)
from antiphon.awareness.profiles import NoSuchProfile, canonical, every_id
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.http import (
    PUBLIC,
    Body,
    Cursor,
    InvalidCursor,
    Limit,
    Page,
    decode_cursor,
    delete,
    encode_cursor,
    get,
    post,
    put,
)
from antiphon.foundation.principal import Principal

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}$", description="Lower-case letters, digits, _ and -")]
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Text = Annotated[str, msgspec.Meta(max_length=4000)]
Id = Annotated[int, msgspec.Meta(ge=1, le=4294967295)]
PathId = Annotated[int, Parameter(ge=1, le=4294967295)]


class Consents(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's latest word on each channel and topic, and a page of everything they said, newest first."""

    states: list[store.StateRow]
    ledger: Page[store.LedgerRow]


class NewConsent(Body, frozen=True, kw_only=True):
    """One thing a customer said. ``confirm`` asks them to confirm it by a message first (double opt-in)."""

    channel: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    topic: Name
    state: Literal["granted", "withdrawn"]
    source: Short
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    text: Text = ""
    url: Text = ""
    address: Annotated[str, msgspec.Meta(max_length=400)] = ""
    note: Text = ""
    confirm: bool = False


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """The row of the ledger that was written."""

    id: int
    state: ConsentState


class NewSuppression(Body, frozen=True, kw_only=True):
    """An address to write to no more."""

    channel: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    address: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
    reason: SuppressionReason = "manual"


class NewTopic(Body, frozen=True, kw_only=True):
    """A subject customers may be written to about."""

    name: Name
    title: Short
    description: Text = ""


class TopicTitle(Body, frozen=True, kw_only=True):
    """What a topic is called."""

    title: Short
    description: Text = ""


class ChannelItem(msgspec.Struct, frozen=True, kw_only=True):
    """A channel of this installation and the kind of identity that reaches a person on it."""

    name: str
    title: str
    identity: str


@get("/v1/profiles/{profile_id:int}/consents", permission="consent:read")
async def list_consents(ctx: Context, profile_id: PathId, cursor: Cursor = None, limit: Limit = 50) -> Consents:
    """What a customer allows, and everything they said about it with its evidence."""
    after = decode_cursor(cursor, int)
    async with ctx.db.connection() as conn:
        real = await canonical(conn, profile_id)
        if real is None:
            raise NoSuchProfile
        ids = await every_id(conn, real)
        states = await store.list_states(conn, ids)
        rows = await store.list_ledger(conn, ids, before=int(after[0] or 0) if after else None, limit=limit + 1)
    more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
    return Consents(states=states, ledger=Page(items=rows[:limit], next=more))


@post("/v1/profiles/{profile_id:int}/consents", permission="consent:write")
async def record_consent(ctx: Context, who: Principal, profile_id: PathId, data: NewConsent) -> Recorded:
    """Record what a customer said; with `confirm`, ask them to confirm a yes before it counts."""
    channel = ctx.get(ChannelRegistry)[data.channel]
    statement = Statement(
        profile_id=profile_id,
        channel=channel.name,
        topic=data.topic,
        state=data.state,
        at=data.at or ctx.clock.now(),
        source=data.source,
        evidence=Evidence(text=data.text, url=data.url, address=data.address, note=data.note),
    )
    pending = data.confirm and data.state == "granted"
    async with ctx.db.transaction() as conn:
        verb = service.ask_confirmation if pending else service.record_consent
        consent_id = await verb(ctx, conn, statement)
        await audit(
            conn, who, action="consent.record", subject=f"profile:{profile_id}", before=None,
            after={"channel": data.channel, "topic": data.topic, "state": "pending" if pending else data.state},
        )  # fmt: skip
    return Recorded(id=consent_id, state="pending" if pending else data.state)


@get("/v1/suppressions", permission="consent:read")
async def list_suppressions(
    ctx: Context,
    channel: str | None = None,
    reason: SuppressionReason | None = None,
    address: Annotated[str | None, Parameter(max_length=400, description="Beginning of the address")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[store.SuppressionRow]:
    """Addresses nothing is sent to, newest first."""
    after = decode_cursor(cursor, str, str, str)
    place = _instant_place(after) if after else None
    async with ctx.db.connection() as conn:
        rows = await store.list_suppressions(
            conn, channel=channel, reason=reason, prefix=address.lower() if address else None, after=place, limit=limit + 1
        )
    last = rows[limit - 1] if len(rows) > limit else None
    more = encode_cursor(last.at.isoformat(), last.channel, last.address) if last else None
    return Page(items=rows[:limit], next=more)


def _instant_place(after: tuple[int | str | float | None, ...]) -> tuple[datetime, str, str]:
    try:
        at = datetime.fromisoformat(str(after[0]))
    except ValueError:
        raise InvalidCursor(field="cursor") from None
    if at.tzinfo is None:
        raise InvalidCursor(field="cursor")
    return at, str(after[1]), str(after[2])


@post("/v1/suppressions", permission="consent:write")
async def add_suppression(ctx: Context, who: Principal, data: NewSuppression) -> store.SuppressionRow:
    """Write to an address no more, on one channel, whoever it belongs to."""
    channel = ctx.get(ChannelRegistry)[data.channel]
    row = Suppressed(
        channel=channel.name,
        address=normal_address(channel.identity, data.address),
        reason=data.reason,
        source=who.subject,
        at=ctx.clock.now(),
    )
    async with ctx.db.transaction() as conn:
        await service.suppress(conn, [row])
        await audit(
            conn, who, action="consent.suppress", subject=f"suppression:{row.channel}:{row.address}", before=None,
            after={"reason": row.reason},
        )  # fmt: skip
    return store.SuppressionRow(channel=row.channel, address=row.address, reason=row.reason, source=row.source, at=row.at)


@delete("/v1/suppressions/{channel:str}/{address:str}", permission="consent:write")
async def remove_suppression(ctx: Context, who: Principal, channel: str, address: str) -> None:
    """Allow an address to be written to again."""
    kind = ctx.get(ChannelRegistry)[channel]
    async with ctx.db.transaction() as conn:
        row = await service.unsuppress(conn, kind.name, normal_address(kind.identity, address))
        await audit(
            conn, who, action="consent.unsuppress", subject=f"suppression:{row.channel}:{row.address}",
            before={"reason": row.reason}, after=None,
        )  # fmt: skip


@get("/v1/topics", permission="consent:read")
async def list_topics(ctx: Context) -> list[store.TopicRow]:
    """What customers can be written to about, and how many said what."""
    async with ctx.db.connection() as conn:
        return await store.list_topics(conn)


@post("/v1/topics", permission="consent:write", problems=(409,))
async def add_topic(ctx: Context, who: Principal, data: NewTopic) -> TopicTitle:
    """A new topic."""
    async with ctx.db.transaction() as conn:
        await service.add_topic(conn, data.name, data.title, data.description)
        await audit(conn, who, action="consent.topic_add", subject=f"topic:{data.name}", before=None,
                    after={"title": data.title})  # fmt: skip
    return TopicTitle(title=data.title, description=data.description)


@put("/v1/topics/{name:str}", permission="consent:write")
async def rename_topic(ctx: Context, who: Principal, name: str, data: TopicTitle) -> TopicTitle:
    """Change what a topic is called."""
    async with ctx.db.transaction() as conn:
        await service.rename_topic(conn, name, data.title, data.description)
        await audit(conn, who, action="consent.topic_rename", subject=f"topic:{name}", before=None,
                    after={"title": data.title})  # fmt: skip
    return data


@delete("/v1/topics/{name:str}", permission="consent:write", problems=(409,))
async def remove_topic(ctx: Context, who: Principal, name: str) -> None:
    """Remove a topic nobody has said anything about."""
    async with ctx.db.transaction() as conn:
        await service.remove_topic(conn, name)
        await audit(conn, who, action="consent.topic_remove", subject=f"topic:{name}", before=None, after=None)


@get("/v1/channel-kinds", permission="consent:read")
async def list_channel_kinds(ctx: Context) -> list[ChannelItem]:
    """The channels a customer can be reached on."""
    return [ChannelItem(name=k.name, title=k.title, identity=k.identity) for k in ctx.get(ChannelRegistry)]


PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex"><title>{title}</title>
<style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1.5rem;
color:#1b1b1f;background:#fff}}
button{{font:inherit;padding:.6rem 1.4rem;border:0;border-radius:.4rem;background:#1f4fd8;color:#fff;cursor:pointer}}
@media(prefers-color-scheme:dark){{body{{color:#eee;background:#17181c}}}}</style>
<main><h1>{title}</h1>{body}</main></html>"""


def _page(title: str, body: str) -> Response[str]:
    return Response(
        PAGE.format(title=html.escape(title), body=body), media_type="text/html",
        headers={"referrer-policy": "no-referrer", "cache-control": "no-store"},
    )  # fmt: skip


@get("/confirm/{token:str}", permission=PUBLIC, media_type="text/html")
async def confirmation_page(ctx: Context, token: Annotated[str, Parameter(max_length=300)]) -> Response[str]:
    """The page a double opt-in message links to. Opening it changes nothing: scanners open links, too."""
    async with ctx.db.connection() as conn:
        pending = await service.pending_of(ctx, conn, token)
        title = await service.topic_title(conn, pending.topic)
    shown = html.escape(pending.evidence.text or f"You would like to receive: {title}.")
    return _page(f"Confirm: {title}", f'<p>{shown}</p><form method="post"><button>Yes, I confirm</button></form>')


@post("/confirm/{token:str}", permission=PUBLIC, status=200, media_type="text/html")
async def confirm_consent(
    ctx: Context, request: Request[Any, Any, Any], token: Annotated[str, Parameter(max_length=300)]
) -> Response[str]:
    """The customer confirms; their consent counts from now."""
    client = request.client.host if request.client else ""
    evidence = Evidence(
        url=f"{ctx.settings.base_url}/confirm", address=client, user_agent=request.headers.get("user-agent", "")[:400]
    )
    async with ctx.db.transaction() as conn:
        pending = await service.confirm(ctx, conn, token, evidence)
        title = await service.topic_title(conn, pending.topic)
    return _page("Thank you", f"<p>Your choice is recorded: {html.escape(title)}.</p>")


ROUTES = [
    list_consents, record_consent, list_suppressions, add_suppression, remove_suppression, list_topics, add_topic,
    rename_topic, remove_topic, list_channel_kinds, confirmation_page, confirm_consent,
]  # fmt: skip
