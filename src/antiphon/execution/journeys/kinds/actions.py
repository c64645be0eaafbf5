"""Steps that do something: to a customer, about them, or in another system."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from msgspec import Meta

from antiphon.awareness.segments import TraitCondition
from antiphon.execution.channels.webhook import PREFIX, key_of
from antiphon.execution.delivery import CLASSES, Content, Hop, MessageClassName
from antiphon.execution.journeys.chain import IN_CIRCLES, MOST, depths
from antiphon.execution.journeys.contract import Here, Ints, Message as Said, Request, Surroundings
from antiphon.execution.journeys.kinds import base
from antiphon.execution.journeys.kinds.base import Given, everybody, picked
from antiphon.execution.journeys.kinds.findings import error, warning
from antiphon.execution.journeys.model import Finding, Seconds
from antiphon.foundation.outbound import OutboundRefused, check_url

Name = Annotated[str, Meta(min_length=1, max_length=200)]
SECOND = 1_000_000


class Message(base.Plain):
    """Say something on a channel, or down a chain of them. Who it is refused for goes by ``refused``, with the reason."""

    name: ClassVar[str] = "message"
    group: ClassVar[str] = "action"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """A template's version, or a text, on ``channel`` (by default what its ``purpose`` says), and ``hops`` after it: where
        there are none, the usual path of its class, if ``usual_path``.

        In the text there are ``event`` (properties of what they came in by), ``heard``, ``answers`` (by step), ``dialogue`` (the
        last said and heard, if asked for), and ``variables``, each from a path of what people carry along.
        ``expires_seconds``: not said later than this."""

        channel: Annotated[str, Meta(max_length=40)] = ""
        message_class: MessageClassName = "marketing"
        topic: Annotated[str, Meta(max_length=40)] | None = None
        purpose: Annotated[str, Meta(max_length=60)] = ""
        template_version_id: int | None = None
        content: Content | None = None
        account_id: int | None = None
        hops: Annotated[list[Hop], Meta(max_length=10)] = []
        usual_path: bool = True
        split: bool = False
        track_opens: bool = True
        track_clicks: bool = True
        priority: Annotated[int, Meta(ge=0, le=9)] = 5
        expires_seconds: Seconds | None = None
        variables: Annotated[dict[str, Given], Meta(max_length=50)] = {}
        dialogue: bool = False

    def exits(self, settings: Settings) -> Sequence[str]:
        return ("next", "refused")

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        if (settings.template_version_id is None) == (settings.content is None):
            yield error("nothing_to_say", place)
        pathed = settings.usual_path and not settings.hops and around.has_path(settings.message_class)
        if not settings.channel and not settings.purpose and not pathed:
            yield error("no_channel", f"{place}.channel")
        if CLASSES[settings.message_class].needs_consent and settings.topic is None:
            yield error("topic_missing", f"{place}.topic")
        yield from base.check_topic(settings.channel, settings.topic, place, around)
        yield from _check_version(settings.template_version_id, f"{place}.template_version_id", around)
        for n, hop in enumerate(settings.hops):
            yield from base.check_topic(hop.channel, None, f"{place}.hops[{n}]", around)
            yield from _check_version(hop.template_version_id, f"{place}.hops[{n}].template_version_id", around)
        yield from base.check_given(settings.variables, f"{place}.variables")
        own = base.own_step(place, around)
        if own is not None and "refused" not in own.next:
            yield warning("refused_ends", place)

    async def run(self, settings: Settings, here: Here) -> None:
        places = everybody(here)
        refused = await here.world.say(here, said_of(settings), places, await self._variables(settings, here))
        no = base.mask_of(one is not None for one in refused)
        here.go("refused", where=no, reason=picked(refused, no))
        here.go("next")

    async def _variables(self, settings: Settings, here: Here) -> Sequence[Mapping[str, Any]]:
        """What the text may speak of."""
        made: list[dict[str, Any]] = [_carried(memory) for memory in here.memory]
        for name, given in settings.variables.items():
            for one, value in zip(made, given.of(here), strict=True):
                one[name] = value
        if settings.dialogue or (settings.content is not None and "dialogue" in settings.content.text + settings.content.subject):
            for one, dialogue in zip(made, await here.world.remembers(here.profile, here.at), strict=True):
                one["dialogue"] = dialogue
        return made


def said_of(settings: Message.Settings) -> Said:
    """What the world is asked to say."""
    return Said(
        channel=settings.channel, message_class=settings.message_class, topic=settings.topic, purpose=settings.purpose,
        template_version_id=settings.template_version_id, content=settings.content, account_id=settings.account_id,
        hops=tuple(settings.hops), usual_path=settings.usual_path, split=settings.split, track_opens=settings.track_opens,
        track_clicks=settings.track_clicks,
        priority=settings.priority, expires_seconds=settings.expires_seconds,
    )  # fmt: skip


def _carried(memory: Mapping[str, Any] | None) -> dict[str, Any]:
    """What people carry along, as a text speaks of it."""
    if not memory:
        return {}
    made = {name: memory[name] for name in ("heard", "answers", "kept") if name in memory}
    return {"event": memory["entry"]} | made if "entry" in memory else made


def _check_version(version: int | None, place: str, around: Surroundings) -> Iterable[Finding]:
    if version is not None and not around.has_template(version):
        yield error("template_unknown", place, version=version)


class SetTrait(base.Plain):
    """Set traits, by the rules of each: a value that a rule refuses is not heard."""

    name: ClassVar[str] = "set_trait"
    group: ClassVar[str] = "action"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``traits``: by name, what each becomes; nothing takes it away."""

        traits: Annotated[dict[Name, Given], Meta(min_length=1, max_length=50)]

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        return base.check_given(settings.traits, f"{place}.traits")

    async def run(self, settings: Settings, here: Here) -> None:
        values = {name: given.of(here) for name, given in settings.traits.items()}
        await here.world.set_traits(here, everybody(here), values)
        here.go("next", None, **{f"trait:{name}": column for name, column in values.items()})


class Tag(base.Plain):
    """Add to and take from a trait that is a list."""

    name: ClassVar[str] = "tag"
    group: ClassVar[str] = "action"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``trait``: which; ``add``: texts it shall have, each once; ``remove``: texts it shall not."""

        trait: Name = "tags"
        add: Annotated[list[Name], Meta(max_length=50)] = []
        remove: Annotated[list[Name], Meta(max_length=50)] = []

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        if not settings.add and not settings.remove:
            yield error("nothing_to_do", place)

    async def run(self, settings: Settings, here: Here) -> None:
        await here.world.tag(here, everybody(here), settings.trait, settings.add, settings.remove)
        here.go()


class Subscribe(base.Plain):
    """Record that a customer consents to a topic on a channel, or does not any more, with the journey as evidence."""

    name: ClassVar[str] = "subscribe"
    group: ClassVar[str] = "action"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``state``: yes or no, to ``topic`` on ``channel``."""

        channel: Annotated[str, Meta(min_length=1, max_length=40)]
        topic: Annotated[str, Meta(min_length=1, max_length=40)]
        state: Literal["granted", "withdrawn"] = "granted"

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        return base.check_topic(settings.channel, settings.topic, place, around)

    async def run(self, settings: Settings, here: Here) -> None:
        await here.world.consent(here, everybody(here), settings.channel, settings.topic, settings.state)
        here.go()


class RaiseEvent(base.Plain):
    """Make something an event of theirs, as if they had done it: segments, other journeys and goals hear it. After so many
    journeys (`MOST`) that moved them on by such events without a wait, it is not raised any more."""

    name: ClassVar[str] = "raise_event"
    group: ClassVar[str] = "action"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``event``: its name; ``properties``: by name."""

        event: Name
        properties: Annotated[dict[Name, Given], Meta(max_length=50)] = {}

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        return base.check_given(settings.properties, f"{place}.properties")

    async def run(self, settings: Settings, here: Here) -> None:
        columns = {name: given.of(here) for name, given in settings.properties.items()}
        circling = depths(here) >= MOST
        raising = np.flatnonzero(~circling)
        properties = [{name: column[place] for name, column in columns.items()} for place in raising.tolist()]
        if len(raising):
            await here.world.raise_event(here, raising, settings.event, properties)
        here.go(where=circling, reason=IN_CIRCLES)
        here.go()


class Webhook(base.Plain):
    """Ask another system, and wait for its answer, which is carried along under ``answers`` and the step's key.

    Who it answers with 2xx goes by ``ok``; who it refuses, or never answers in time, by ``failed``, with the reason.
    """

    name: ClassVar[str] = "webhook"
    group: ClassVar[str] = "action"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``url`` is called with JSON: who, from which journey and step, ``traits`` of theirs and ``data``. It is signed by the
        Standard Webhooks specification: with the secret of a webhook account (``account_id``), which is kept out of the
        journey, or with ``secret`` (``whsec_…``). ``give_up_seconds``: how long it is tried."""

        url: Annotated[str, Meta(max_length=2000)]
        method: Literal["POST", "PUT", "PATCH", "GET", "DELETE"] = "POST"
        headers: Annotated[dict[Name, Annotated[str, Meta(max_length=2000, pattern=r"^[\x20-\x7e]*$")]], Meta(max_length=20)] = {}
        account_id: int | None = None
        secret: Annotated[str, Meta(max_length=200)] = ""
        traits: Annotated[list[Name], Meta(max_length=50)] = []
        data: Annotated[dict[Name, Given], Meta(max_length=50)] = {}
        give_up_seconds: Annotated[float, Meta(ge=1, le=30 * 86_400)] = 3600

    def exits(self, settings: Settings) -> Sequence[str]:
        return ("ok", "failed")

    def rests(self, settings: Settings) -> bool:
        return True

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        try:
            check_url(settings.url)
        except OutboundRefused:
            yield error("address_invalid", f"{place}.url", url=settings.url)
        if settings.secret and not _signs(settings.secret):
            yield error("secret_invalid", f"{place}.secret")
        for n, trait in enumerate(settings.traits):
            yield from around.check_tree(TraitCondition(trait=trait, op="set"), f"{place}.traits[{n}]")
        yield from base.check_given(settings.data, f"{place}.data")

    async def run(self, settings: Settings, here: Here) -> None:
        came = np.flatnonzero(here.came)
        if len(came):
            await here.world.ask(here, came, request_of(settings), await self._bodies(settings, here, came))
        answers = [self._answer(here, place) for place in range(len(here))]
        ok = base.mask_of(one is not None and bool(one.get("ok")) for one in answers)
        failed = base.mask_of(one is not None and not one.get("ok") for one in answers)
        here.go("ok", where=ok, status=[(one or {}).get("status") for one in picked(answers, ok)])
        here.go("failed", where=failed, reason=[(one or {}).get("reason") for one in picked(answers, failed)],
                status=[(one or {}).get("status") for one in picked(answers, failed)])  # fmt: skip
        until = np.where(here.came, here.at + int(settings.give_up_seconds * SECOND), here.wake)
        late = (until <= here.at) & ~here.decided & ~here.came
        here.go("failed", where=late, reason="no_answer")
        here.rest(until)

    def _answer(self, here: Here, place: int) -> Mapping[str, Any] | None:
        """The answer to what was asked at this turn, if there is one."""
        found = ((here.memory[place] or {}).get("answers") or {}).get(here.step.key)
        return found if found is not None and found.get("turn") == int(here.people.turn[here.places[place]]) else None

    async def _bodies(self, settings: Settings, here: Here, places: Ints) -> Sequence[Mapping[str, Any]]:
        who = here.profile[places]
        columns = {name: given.of(here) for name, given in settings.data.items()}
        traits = await here.world.traits(who, here.at[places], settings.traits) if settings.traits else {}
        return [
            {
                "profile_id": profile, "journey_id": here.plan.journey_id, "step": here.step.key, "at": base.iso(at),
                "traits": {name: column[n] for name, column in traits.items()},
                "data": {name: column[place] for name, column in columns.items()},
            }
            for n, (place, profile, at) in enumerate(zip(places.tolist(), who.tolist(), here.at[places].tolist(), strict=True))
        ]  # fmt: skip


def request_of(settings: Webhook.Settings) -> Request:
    """What the world is asked to ask."""
    return Request(
        url=settings.url, method=settings.method, headers=settings.headers, secret=settings.secret,
        account_id=settings.account_id, give_up_seconds=settings.give_up_seconds,
    )  # fmt: skip


def _signs(secret: str) -> bool:
    try:
        return secret.startswith(PREFIX) and len(key_of(secret)) >= 24
    except ValueError:
        return False
