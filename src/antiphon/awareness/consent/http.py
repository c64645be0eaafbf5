"""Routes of consent: what a customer said, topics, channels."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar.params import Parameter

from antiphon.awareness.consent import service, store
from antiphon.awareness.consent.model import (
    ChannelRegistry,
    ConsentState,
    Evidence,
    Statement,
)
from antiphon.awareness.profiles import NoSuchProfile, canonical, every_id
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.http import (
    Body,
    Cursor,
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


class TopicWords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a topic is called in another language."""

    title: Annotated[str, msgspec.Meta(max_length=200)] = ""
    description: Annotated[str, msgspec.Meta(max_length=1000)] = ""


Translations = dict[Literal["en", "ru", "zh"], TopicWords]


class NewTopic(Body, frozen=True, kw_only=True):
    """A subject customers may be written to about."""

    name: Name
    title: Short
    description: Text = ""
    translations: Translations = {}


class TopicTitle(Body, frozen=True, kw_only=True):
    """What a topic is called, also in other languages."""

    title: Short
    description: Text = ""
    translations: Translations = {}


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


def _plain(translations: Translations) -> store.Translations:
    return {language: {"title": said.title, "description": said.description} for language, said in translations.items()}


@get("/v1/topics", permission="consent:read")
async def list_topics(ctx: Context) -> list[store.TopicRow]:
    """What customers can be written to about, and how many said what."""
    async with ctx.db.connection() as conn:
        return await store.list_topics(conn)


@post("/v1/topics", permission="consent:write", problems=(409,))
async def add_topic(ctx: Context, who: Principal, data: NewTopic) -> TopicTitle:
    """A new topic."""
    async with ctx.db.transaction() as conn:
        await service.add_topic(conn, data.name, data.title, data.description, _plain(data.translations))
        await audit(conn, who, action="consent.topic_add", subject=f"topic:{data.name}", before=None,
                    after={"title": data.title})  # fmt: skip
    return TopicTitle(title=data.title, description=data.description, translations=data.translations)


@put("/v1/topics/{name:str}", permission="consent:write")
async def rename_topic(ctx: Context, who: Principal, name: str, data: TopicTitle) -> TopicTitle:
    """Change what a topic is called."""
    async with ctx.db.transaction() as conn:
        await service.rename_topic(conn, name, data.title, data.description, _plain(data.translations))
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


ROUTES = [
    list_consents, record_consent, list_topics, add_topic, rename_topic, remove_topic, list_channel_kinds,
]  # fmt: skip
