"""The verbs on preferences: state them, whichever way they came, read them, and keep how the centre looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from antiphon.awareness.consent.model import ChannelRegistry, ChannelUnknown, InTheFuture, Statement, TopicUnknown
from antiphon.awareness.consent.preferences import store
from antiphon.awareness.consent.preferences.model import Aspect, PreferenceCentre, RecordedPreferences, Said, Wish, checked
from antiphon.awareness.consent.service import SKEW, record_consents
from antiphon.awareness.profiles import mark_dirty
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection


async def state_preferences(ctx: Context, conn: Connection, said: Sequence[Said], *, field: str = "") -> RecordedPreferences:
    """Write down what customers said of how, on what and about what they want to be written to, thousands at a time.

    The one way for the customer's own page, the API, the console and imports. What repeats a customer's latest word is
    left out; of two words on one thing the later by ``at`` wins, and what is dated ahead of now is said now. Profiles must
    exist and be canonical. Raises PreferenceInvalid, ChannelUnknown, TopicUnknown, InTheFuture, naming the field below ``field``.
    """
    await _check(ctx, conn, said, field)
    registry, now = ctx.get(ChannelRegistry), ctx.clock.now()
    changes = [
        store.NewChange(
            profile_id=one.profile_id,
            aspect=aspect,
            value=checked(aspect, value, registry, now, f"{_at(field, place)}{aspect}"),
            at=min(one.at, now),
            source=one.source,
            evidence=_evidence(one, aspect),
        )
        for place, one in sorted(enumerate(said), key=lambda pair: pair[1].at)
        for aspect, value in one.wishes.items()
    ]
    written = await store.record_changes(conn, changes, only_changes=True) if changes else []
    await mark_dirty(conn, written)
    statements = [
        Statement(
            profile_id=one.profile_id,
            channel=channel,
            topic=topic,
            state="granted" if yes else "withdrawn",
            at=min(one.at, now),
            source=one.source,
            evidence=_evidence(one, (channel, topic)),
            dated=one.dated,
        )
        for one in sorted(said, key=lambda one: one.at)
        for (channel, topic), yes in one.consents.items()
    ]
    consents = await record_consents(conn, statements, only_changes=True)
    return RecordedPreferences(preferences=len(written), consents=len(consents))


def _evidence(one: Said, about: tuple[str, str] | Aspect) -> Any:
    text = one.texts.get(about)
    return one.evidence if text is None else msgspec.structs.replace(one.evidence, text=text)


def _at(field: str, place: int) -> str:
    return f"{field}[{place}]." if field else ""


async def _check(ctx: Context, conn: Connection, said: Sequence[Said], field: str) -> None:
    registry = ctx.get(ChannelRegistry)
    topics = {one.name for one in await store.list_subjects(conn)} if any(one.consents for one in said) else set()
    latest = ctx.clock.now() + SKEW
    for place, one in enumerate(said):
        if one.at > latest:
            raise InTheFuture(field=f"{_at(field, place)}at")
        for number, (channel, topic) in enumerate(one.consents):
            if channel not in registry:
                raise ChannelUnknown(field=f"{_at(field, place)}consents[{number}].channel", channel=channel)
            if topic not in topics:
                raise TopicUnknown(field=f"{_at(field, place)}consents[{number}].topic", topic=topic)


async def current_preferences(conn: Connection, profile_id: int) -> list[Wish]:
    """A canonical customer's wishes that stand."""
    return (await store.list_current(conn, [profile_id])).get(profile_id, [])


async def change_centre(ctx: Context, conn: Connection, centre: PreferenceCentre) -> None:
    """Let the preference centre look otherwise. Raises TopicUnknown, ChannelUnknown."""
    known = {one.name for one in await store.list_subjects(conn)}
    for topic in centre.topics or ():
        if topic not in known:
            raise TopicUnknown(field="topics", topic=topic)
    for channel in centre.channels or ():
        if channel not in ctx.get(ChannelRegistry):
            raise ChannelUnknown(field="channels", channel=channel)
    await store.change_centre(conn, msgspec.structs.replace(centre, changed_at=ctx.clock.now()))


async def fold_together(conn: Connection, gone: Sequence[int], into: Sequence[int]) -> None:
    """People became one: what counts is the newer word of the two, aspect by aspect."""
    await store.rebuild(conn, [*gone, *into])


async def part_again(conn: Connection, people: Sequence[int]) -> None:
    """A merge was undone: each is held to their own words again."""
    await store.rebuild(conn, people)


async def export(conn: Connection, profile_ids: Sequence[int]) -> Mapping[str, Any]:
    """What these profiles said of how to be written to, for the customer's own copy."""
    return {"preferences": await store.export_changes(conn, profile_ids)}


async def erase(conn: Connection, profile_ids: Sequence[int]) -> None:
    """Forget it."""
    await store.erase(conn, profile_ids)
