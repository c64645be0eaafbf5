"""What many customers said, at once: another system's consents, brought over by the identities it knows them by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from antiphon.awareness.consent import store
from antiphon.awareness.consent.model import ChannelRegistry, ChannelUnknown, Evidence, InTheFuture, Statement, TopicUnknown
from antiphon.awareness.consent.service import SKEW, record_consents
from antiphon.awareness.profiles import normal_identity, owners
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, post
from antiphon.foundation.principal import Principal

Short = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Text = Annotated[str, msgspec.Meta(max_length=1000)]


class StatedConsent(Body, frozen=True, kw_only=True):
    """What one customer said. `kind` and `value` are an identity of theirs, as `user_id` and `C0000017`."""

    kind: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    value: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
    channel: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    topic: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    state: Literal["granted", "withdrawn"]
    source: Short
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    text: Text = ""
    url: Text = ""
    address: Annotated[str, msgspec.Meta(max_length=400)] = ""


class StatedConsents(Body, frozen=True, kw_only=True):
    """Up to a thousand of them. What was told before adds nothing, so that a list may be sent again."""

    consents: Annotated[list[StatedConsent], msgspec.Meta(min_length=1, max_length=1000)]


class RecordedConsents(msgspec.Struct, frozen=True, kw_only=True):
    """How many were news and were recorded, and the places in the list of those whose customer is unknown."""

    recorded: int
    unknown: list[int]


@post("/v1/consents", permission="consent:write", status=200, problems=(404,))
async def record_many(ctx: Context, who: Principal, data: StatedConsents) -> RecordedConsents:
    """Record what many customers said, all or nothing."""
    async with ctx.db.transaction() as conn:
        topics = await store.topic_titles(conn)
        _check(ctx, data.consents, set(topics))
        named = [normal_identity(one.kind, one.value) for one in data.consents]
        people = await owners(conn, [identity for identity in set(named) if identity is not None])
        found = [people.get(identity) if identity is not None else None for identity in named]
        now = ctx.clock.now()
        pairs = sorted(zip(data.consents, found, strict=True), key=lambda pair: pair[0].at)
        statements = [_statement(one, profile_id, now) for one, profile_id in pairs if profile_id is not None]
        ids = await record_consents(conn, statements, only_changes=True)
        await audit(conn, who, action="consent.record_many", subject="consents", before=None, after={"recorded": len(ids)})
    return RecordedConsents(recorded=len(ids), unknown=[place for place, owner in enumerate(found) if owner is None])


def _check(ctx: Context, consents: Sequence[StatedConsent], topics: set[str]) -> None:
    latest = ctx.clock.now() + SKEW
    registry = ctx.get(ChannelRegistry)
    for place, one in enumerate(consents):
        if one.channel not in registry:
            raise ChannelUnknown(field=f"consents[{place}].channel", channel=one.channel)
        if one.topic not in topics:
            raise TopicUnknown(field=f"consents[{place}].topic", topic=one.topic)
        if one.at > latest:
            raise InTheFuture(field=f"consents[{place}].at")


def _statement(one: StatedConsent, profile_id: int, now: datetime) -> Statement:
    return Statement(
        profile_id=profile_id,
        channel=one.channel,
        topic=one.topic,
        state=one.state,
        at=min(one.at, now),
        dated=True,
        source=one.source,
        evidence=Evidence(text=one.text, url=one.url, address=one.address),
    )
