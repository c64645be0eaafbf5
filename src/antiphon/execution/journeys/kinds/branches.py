"""Steps from which people go different ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from msgspec import Meta

from antiphon.awareness.segments import InSegment, Node
from antiphon.execution.delivery import MessageClassName
from antiphon.execution.journeys.contract import Here, Message, Surroundings
from antiphon.execution.journeys.kinds import base
from antiphon.execution.journeys.kinds.findings import error
from antiphon.execution.journeys.model import Finding, Key, Title
from antiphon.foundation.postgres.binary import from_micros

MOST_WAYS = 50


class Condition(base.Plain):
    """Who fulfils a condition goes by ``yes``, everybody else by ``no``."""

    name: ClassVar[str] = "condition"
    group: ClassVar[str] = "branch"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``condition``: a segment's tree, judged at this moment."""

        condition: Node

    def exits(self, settings: Settings) -> Sequence[str]:
        return ("yes", "no")

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        return around.check_tree(settings.condition, f"{place}.condition")

    async def run(self, settings: Settings, here: Here) -> None:
        holds = await here.world.holds(settings.condition, here.profile, here.at)
        here.go("yes", where=holds)
        here.go("no")


class Arm(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A way, and for whom it is."""

    key: Key
    condition: Node
    title: Title = ""


class FirstMatch(base.Plain):
    """Everybody goes by the first way whose condition they fulfil; who fulfils none, by ``else``."""

    name: ClassVar[str] = "first_match"
    group: ClassVar[str] = "branch"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``arms``: in order."""

        arms: Annotated[list[Arm], Meta(min_length=1, max_length=MOST_WAYS)]

    def exits(self, settings: Settings) -> Sequence[str]:
        return (*(arm.key for arm in settings.arms), "else")

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        yield from base.check_ways([arm.key for arm in settings.arms], ("else",), f"{place}.arms")
        for n, arm in enumerate(settings.arms):
            yield from around.check_tree(arm.condition, f"{place}.arms[{n}].condition")

    async def run(self, settings: Settings, here: Here) -> None:
        for arm in settings.arms:
            left = np.flatnonzero(~here.decided)
            if not len(left):
                return
            holds = await here.world.holds(arm.condition, here.profile[left], here.at[left])
            chosen = np.zeros(len(here), dtype=np.bool_)
            chosen[left[holds]] = True
            here.go(arm.key, where=chosen)
        here.go("else")


class Inside(base.Plain):
    """Members of a segment go by ``yes``, everybody else by ``no``."""

    name: ClassVar[str] = "in_segment"
    group: ClassVar[str] = "branch"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``segment_id``: which; its members as it was last worked out, or, with ``now``, its rule judged at this moment."""

        segment_id: int
        now: bool = False

    def exits(self, settings: Settings) -> Sequence[str]:
        return ("yes", "no")

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        if not around.has_segment(settings.segment_id):
            yield error("segment_unknown", f"{place}.segment_id", segment=settings.segment_id)

    async def run(self, settings: Settings, here: Here) -> None:
        if settings.now:
            within = await here.world.holds(InSegment(id=settings.segment_id), here.profile, here.at)
        else:
            within = await here.world.inside(settings.segment_id, here.profile, here.at)
        here.go("yes", where=within)
        here.go("no")


class Channel(base.Plain):
    """Everybody goes by a channel they can be reached on, or by ``none``."""

    name: ClassVar[str] = "channel"
    group: ClassVar[str] = "branch"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``channels``: which are meant, in order. ``how`` one of those somebody is reached on is taken: the one they asked for,
        or wrote to us on last, or the cheapest; else the first. ``message_class`` and ``topic``: of what is to be said."""

        channels: Annotated[list[Key], Meta(min_length=1, max_length=20)]
        how: Literal["preferred", "last_heard", "cheapest", "first"] = "preferred"
        message_class: MessageClassName = "marketing"
        topic: str | None = None

    def exits(self, settings: Settings) -> Sequence[str]:
        return (*settings.channels, "none")

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        yield from base.check_ways(settings.channels, ("none",), f"{place}.channels")
        for n, channel in enumerate(settings.channels):
            if not around.has_channel(channel):
                yield error("channel_unknown", f"{place}.channels[{n}]", channel=channel)
        yield from base.check_topic("", settings.topic, place, around)
        if settings.message_class == "marketing" and settings.topic is None:
            yield error("topic_missing", f"{place}.topic")

    async def run(self, settings: Settings, here: Here) -> None:
        order = list(settings.channels)
        if settings.how == "cheapest":
            cost = {channel: await here.world.cost(channel) for channel in order}
            order.sort(key=lambda channel: cost[channel])
        message = Message(message_class=settings.message_class, topic=settings.topic)
        reached = {channel: await here.world.reaches(channel, message, here.profile, here.at) for channel in order}
        wished = await self._wished(settings, here)
        taken: list[str | None] = [None] * len(here)
        for place in range(len(here)):
            own = [channel for channel in order if reached[channel][place]]
            wish = wished[place]
            taken[place] = wish if wish in own else own[0] if own else None
        for channel in order:
            chosen = base.mask_of(one == channel for one in taken)
            here.go(channel, where=chosen, wished=base.picked(wished, chosen))
        here.go("none")

    async def _wished(self, settings: Settings, here: Here) -> Sequence[str | None]:
        if settings.how == "preferred":
            return await here.world.preferred(here.profile)
        if settings.how == "last_heard":
            said = await here.world.remembers(here.profile, here.at)
            return [(one.get("last_heard") or {}).get("channel") for one in said]
        return [None] * len(here)


class Part(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A way, and how many go by it, beside those of the other ways."""

    key: Key
    share: Annotated[float, Meta(ge=0, le=1_000_000)]
    title: Title = ""


class Split(base.Plain):
    """People are divided at random, always alike: who comes again goes the same way."""

    name: ClassVar[str] = "split"
    group: ClassVar[str] = "branch"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``parts``: the ways and their shares."""

        parts: Annotated[list[Part], Meta(min_length=1, max_length=MOST_WAYS)]

    def exits(self, settings: Settings) -> Sequence[str]:
        return tuple(part.key for part in settings.parts)

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        yield from base.check_ways([part.key for part in settings.parts], (), f"{place}.parts")
        if sum(part.share for part in settings.parts) <= 0:
            yield error("shares_of_nothing", f"{place}.parts")

    async def run(self, settings: Settings, here: Here) -> None:
        ends = np.cumsum([part.share for part in settings.parts])
        drawn = here.world.fractions(f"journey/{here.plan.journey_id}/{here.step.key}", here.profile)
        numbers = np.minimum(np.searchsorted(ends, drawn * ends[-1], side="right"), len(ends) - 1)
        for number, part in enumerate(settings.parts):
            here.go(part.key, where=numbers == number)


class Experiment(base.Plain):
    """Everybody goes by the arm of a running experiment they are in, and counts as exposed; who is in none, by ``none``."""

    name: ClassVar[str] = "experiment"
    group: ClassVar[str] = "branch"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``experiment``: its key; ``arms``: the keys of its arms."""

        experiment: Annotated[str, Meta(min_length=1, max_length=60)]
        arms: Annotated[list[Annotated[str, Meta(min_length=1, max_length=40)]], Meta(min_length=1, max_length=20)]

    def exits(self, settings: Settings) -> Sequence[str]:
        return (*settings.arms, "none")

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        yield from base.check_ways(settings.arms, ("none",), f"{place}.arms")
        if not around.has_experiment(settings.experiment):
            yield error("experiment_unknown", f"{place}.experiment", experiment=settings.experiment)

    async def run(self, settings: Settings, here: Here) -> None:
        arms = await here.world.arms(here, base.everybody(here), settings.experiment)
        for key in settings.arms:
            here.go(key, where=base.mask_of(one == key for one in arms))
        left = ~here.decided
        here.go("none", where=left, arm=base.picked(arms, left))


class Holdout(base.Plain):
    """A share of people is kept out, always the same, and compared with the rest: they go by ``out``, the others by ``in``."""

    name: ClassVar[str] = "holdout"
    group: ClassVar[str] = "branch"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``percent`` of the people; ``name``: steps of one name, in any journey, keep out the same people."""

        percent: Annotated[float, Meta(gt=0, lt=100)]
        name: Annotated[str, Meta(max_length=60)] = ""

    def exits(self, settings: Settings) -> Sequence[str]:
        return ("in", "out")

    async def run(self, settings: Settings, here: Here) -> None:
        name = settings.name or f"{here.plan.journey_id}/{here.step.key}"
        out = here.world.fractions(f"holdout/{name}", here.profile) < settings.percent / 100
        here.go("out", where=out)
        here.go("in")


class Dialogue(base.Plain):
    """Whoever said something of the kind last, on any channel, goes by ``yes``, everybody else by ``no``."""

    name: ClassVar[str] = "dialogue"
    group: ClassVar[str] = "branch"

    class Settings(base.Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """What must hold, all of it: their last answer came by ``channel``, within ``within_seconds``, and has one of the
        ``words`` in it (in any case of letters); a conversation is ``open``: they wrote last, and nobody has answered yet."""

        channel: Annotated[str, Meta(max_length=40)] = ""
        within_seconds: Annotated[float, Meta(gt=0)] | None = None
        words: Annotated[list[Annotated[str, Meta(min_length=1, max_length=200)]], Meta(max_length=100)] = []
        open: bool | None = None

    def exits(self, settings: Settings) -> Sequence[str]:
        return ("yes", "no")

    def check(self, settings: Settings, place: str, around: Surroundings) -> Iterable[Finding]:
        if settings.channel and not around.has_channel(settings.channel):
            yield error("channel_unknown", f"{place}.channel", channel=settings.channel)

    async def run(self, settings: Settings, here: Here) -> None:
        memories = await here.world.remembers(here.profile, here.at)
        words = [word.casefold() for word in settings.words]
        yes = np.zeros(len(here), dtype=np.bool_)
        for place, (memory, at) in enumerate(zip(memories, here.at.tolist(), strict=True)):
            heard = memory.get("last_heard")
            text = (heard or {}).get("text", "").casefold()
            yes[place] = (
                (heard is not None or settings.open is False)
                and (not settings.channel or (heard or {}).get("channel") == settings.channel)
                and (settings.within_seconds is None or _since(heard, at) <= settings.within_seconds)
                and (not words or any(word in text for word in words))
                and (settings.open is None or bool(memory.get("open_conversation")) == settings.open)
            )
        last = [(memory.get("last_heard") or {}).get("channel") for memory in memories]
        here.go("yes", where=yes, channel=base.picked(last, yes))
        here.go("no", where=~yes, channel=base.picked(last, ~yes))


def _since(heard: Mapping[str, Any] | None, at: int) -> float:
    """Seconds since something was heard."""
    return float("inf") if heard is None else (from_micros(at) - datetime.fromisoformat(heard["at"])).total_seconds()
