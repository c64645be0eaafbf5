"""Routes of preferences: what a customer wishes, statements from one's own site, links, and how the centre looks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar.params import Parameter
from msgspec import UNSET, UnsetType

from antiphon.awareness.consent.model import Evidence
from antiphon.awareness.consent.preferences import model, store
from antiphon.awareness.consent.preferences.model import (
    ASPECTS,
    Aspect,
    Frequency,
    Language,
    PreferenceCentre,
    QuietHours,
    Said,
    Wish,
)
from antiphon.awareness.consent.preferences.service import change_centre, current_preferences, state_preferences
from antiphon.awareness.profiles import NoSuchProfile, canonical, every_id, normal_identity, owners
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, Cursor, Limit, Page, decode_cursor, encode_cursor, get, post, put
from antiphon.foundation.principal import Principal

Short = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Text = Annotated[str, msgspec.Meta(max_length=4000)]
Key = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Value = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
PathId = Annotated[int, Parameter(ge=1, le=4294967295)]
AtLatest = Annotated[datetime, msgspec.Meta(tz=True)]


class CustomerPreferences(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's wishes as they stand, and a page of everything they said about them, newest first."""

    current: list[Wish]
    changes: Page[store.PreferenceChangeRow]


class ConsentChoice(Body, frozen=True, kw_only=True):
    """Yes or no to a topic by a channel."""

    channel: Key
    topic: Key
    granted: bool


class Wishes(Body, frozen=True, kw_only=True):
    """How somebody wants to be written to. What is left out stays; null takes a wish back."""

    channel: Key | UnsetType | None = UNSET
    frequency: Frequency | UnsetType | None = UNSET
    language: Language | UnsetType | None = UNSET
    quiet_hours: QuietHours | UnsetType | None = UNSET
    paused_until: AtLatest | UnsetType | None = UNSET


class StatedPreferences(Body, frozen=True, kw_only=True):
    """What a customer said. `source` is where they said it; text, url and address are its evidence."""

    wishes: Wishes = Wishes()
    consents: Annotated[list[ConsentChoice], msgspec.Meta(max_length=100)] = []
    source: Short
    at: AtLatest | None = None
    text: Text = ""
    url: Text = ""
    address: Annotated[str, msgspec.Meta(max_length=400)] = ""
    note: Text = ""


class StatedBy(StatedPreferences, frozen=True, kw_only=True):
    """The same of a customer known by an identity, as `user_id` and `C0000017`."""

    kind: Key
    value: Value


class StatedByMany(Body, frozen=True, kw_only=True):
    """Up to a thousand of them."""

    statements: Annotated[list[StatedBy], msgspec.Meta(min_length=1, max_length=1000)]


class StatedMany(msgspec.Struct, frozen=True, kw_only=True):
    """How much was news and was written, and the places in the list of those whose customer is unknown."""

    preferences: int
    consents: int
    unknown: list[int]


class ForWhom(Body, frozen=True, kw_only=True):
    """A customer by an identity."""

    kind: Key
    value: Value


class PageLink(msgspec.Struct, frozen=True, kw_only=True):
    """The address of a page of preferences."""

    url: str


class CentreLook(Body, frozen=True, kw_only=True):
    """How the preference centre looks: its logo text and titles, and which topics, channels and languages it offers."""

    logo: Annotated[str, msgspec.Meta(max_length=80)] = ""
    titles: dict[Language, Annotated[str, msgspec.Meta(max_length=120)]] = {}
    topics: Annotated[list[Key], msgspec.Meta(max_length=200)] | None = None
    channels: Annotated[list[Key], msgspec.Meta(max_length=40)] | None = None
    languages: Annotated[list[Language], msgspec.Meta(min_length=1, max_length=3)] = msgspec.field(
        default_factory=lambda: list(model.LANGUAGES)
    )


@get("/v1/profiles/{profile_id:int}/preferences", permission="consent:read")
async def list_preferences(ctx: Context, profile_id: PathId, cursor: Cursor = None, limit: Limit = 50) -> CustomerPreferences:
    """How a customer wants to be written to, and everything they said about it with its evidence."""
    after = decode_cursor(cursor, int)
    async with ctx.db.connection() as conn:
        real = await canonical(conn, profile_id)
        if real is None:
            raise NoSuchProfile
        current = await current_preferences(conn, real)
        before = int(after[0] or 0) if after else None
        rows = await store.list_changes(conn, await every_id(conn, real), before=before, limit=limit + 1)
    more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
    return CustomerPreferences(current=current, changes=Page(items=rows[:limit], next=more))


@post("/v1/profiles/{profile_id:int}/preferences", permission="consent:write", status=200)
async def record_preferences(
    ctx: Context, who: Principal, profile_id: PathId, data: StatedPreferences
) -> model.RecordedPreferences:
    """Write down what a customer said of how, on what and about what they want to be written to."""
    async with ctx.db.transaction() as conn:
        real = await canonical(conn, profile_id)
        if real is None:
            raise NoSuchProfile
        recorded = await state_preferences(ctx, conn, [_said(ctx, real, data)])
        after = {"preferences": recorded.preferences, "consents": recorded.consents, "source": data.source}
        await audit(conn, who, action="consent.preferences", subject=f"profile:{real}", before=None, after=after)
    return recorded


@post("/v1/preferences", permission="consent:write", status=200)
async def record_many_preferences(ctx: Context, who: Principal, data: StatedByMany) -> StatedMany:
    """Write down what many customers said, all or nothing. Repeating somebody's latest word adds nothing."""
    async with ctx.db.transaction() as conn:
        named = [normal_identity(one.kind, one.value) for one in data.statements]
        people = await owners(conn, [identity for identity in set(named) if identity is not None])
        found = [people.get(identity) if identity is not None else None for identity in named]
        said = [
            _said(ctx, person, one) if person is not None else _said(ctx, model.NOBODY, StatedPreferences(source=one.source))
            for one, person in zip(data.statements, found, strict=True)
        ]
        recorded = await state_preferences(ctx, conn, said, field="statements")
        after = {"preferences": recorded.preferences, "consents": recorded.consents}
        await audit(conn, who, action="consent.preferences_many", subject="preferences", before=None, after=after)
    unknown = [place for place, person in enumerate(found) if person is None]
    return StatedMany(preferences=recorded.preferences, consents=recorded.consents, unknown=unknown)


def _said(ctx: Context, profile_id: int, data: StatedPreferences) -> Said:
    wishes: dict[Aspect, Any] = {}
    for aspect in ASPECTS:
        value = getattr(data.wishes, aspect)
        if value is not UNSET:
            wishes[aspect] = msgspec.to_builtins(value) if isinstance(value, QuietHours) else value
    return Said(
        profile_id=profile_id,
        at=data.at or ctx.clock.now(),
        source=data.source,
        wishes=wishes,
        consents={(one.channel, one.topic): one.granted for one in data.consents},
        evidence=Evidence(text=data.text, url=data.url, address=data.address, note=data.note),
    )


@post("/v1/preferences/link", permission="consent:write", status=200)
async def make_link(ctx: Context, who: Principal, data: ForWhom) -> PageLink:
    """The address of a customer's own page, for one's own site to lead them there. Whoever has it speaks for them."""
    identity = normal_identity(data.kind, data.value)
    async with ctx.db.transaction() as conn:
        found = (await owners(conn, [identity])).get(identity) if identity is not None else None
        if found is None:
            raise NoSuchProfile(field="value")
        await audit(conn, who, action="consent.preferences_link", subject=f"profile:{found}")
    return PageLink(url=model.link(ctx.secret, ctx.settings.base_url, found, ctx.clock.now()))


@get("/v1/preference-centre", permission="consent:read")
async def show_centre(ctx: Context) -> PreferenceCentre:
    """How the preference centre looks."""
    async with ctx.db.connection() as conn:
        return await store.find_centre(conn)


@put("/v1/preference-centre", permission="consent:manage")
async def set_centre(ctx: Context, who: Principal, data: CentreLook) -> PreferenceCentre:
    """Let the preference centre look otherwise."""
    async with ctx.db.transaction() as conn:
        before = await store.find_centre(conn)
        titles: dict[str, str] = {language: title for language, title in data.titles.items() if title.strip()}
        centre = PreferenceCentre(
            logo=data.logo.strip(), titles=titles, topics=data.topics, channels=data.channels,
            languages=list(dict.fromkeys(data.languages)), changed_at=None,
        )  # fmt: skip
        await change_centre(ctx, conn, centre)
        await audit(conn, who, action="consent.centre", subject="preference-centre", before=before, after=centre)
        return await store.find_centre(conn)


@get("/v1/preference-centre/preview", permission="consent:read")
async def preview_centre(ctx: Context) -> PageLink:
    """The address of a page as customers see it, on which nothing is saved."""
    return PageLink(url=model.link(ctx.secret, ctx.settings.base_url, model.NOBODY, ctx.clock.now()))


PREFERENCE_ROUTES = (
    list_preferences, record_preferences, record_many_preferences, make_link, show_centre, set_centre, preview_centre,
)  # fmt: skip
