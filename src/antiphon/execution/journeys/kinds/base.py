"""What most kinds of step have in common, for Antiphon's own and anybody's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from antiphon.awareness.events import EventMatch
from antiphon.awareness.events.filters import BadFilter, check_filter, check_path
from antiphon.awareness.events.values import dig
from antiphon.execution.journeys.contract import Bools, Here, Ints, Surroundings
from antiphon.execution.journeys.kinds.findings import error
from antiphon.execution.journeys.model import Finding, Step
from antiphon.foundation.postgres.binary import from_micros

_OWN = re.compile(r"steps\[([0-9]{1,4})\]\.settings")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an author says of a step."""


class Plain:
    """A kind with one way on, at which nobody stays: derive from it and say what is different."""

    def exits(self, settings: Any) -> Sequence[str]:
        """The ways on."""
        return ("next",)

    def rests(self, settings: Any) -> bool:
        """Whether people may stay."""
        return False

    def hears(self, settings: Any) -> Sequence[str]:
        """Names of events who stays listens for."""
        return ()

    def lasts(self, settings: Any) -> float | None:
        """For how many seconds after they came people stay at most, where that is all that is asked: an edit of it then holds for
        those who stay already. None where the instant is another matter; infinity for ever."""
        return None

    def check(self, settings: Any, place: str, around: Surroundings) -> Iterable[Finding]:
        """What is wrong with the settings."""
        return ()


def everybody(here: Here) -> Ints:
    """The places of all who are here."""
    return np.arange(len(here), dtype=np.int64)


def picked(values: Sequence[Any], where: Bools) -> list[Any]:
    """The values of some."""
    return [value for value, kept in zip(values, where.tolist(), strict=True) if kept]


def mask_of(values: Iterable[bool]) -> Bools:
    """A column of yes and no."""
    return np.fromiter(values, dtype=np.bool_)


def read(memory: Mapping[str, Any] | None, path: str) -> Any:
    """What one carries along at a path, such as `entry.order.total` or `answers.ask_stock.body.left`; None where nothing is."""
    return dig(dict(memory), path) if memory else None


class Given(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value an author gives: ``value`` as it is, or ``path`` to what people carry along; ``now``: the instant of the step."""

    value: Any = None
    path: str = ""
    now: bool = False

    def of(self, here: Here) -> list[Any]:
        """The value of each."""
        if self.now:
            return [iso(one) for one in here.at.tolist()]
        if self.path:
            return [read(memory, self.path) for memory in here.memory]
        return [self.value] * len(here)


def iso(at: int) -> str:
    """An instant as text."""
    return from_micros(at).isoformat()


def check_given(given: Mapping[str, Given], place: str) -> Iterable[Finding]:
    """What is wrong with some values."""
    for name, one in given.items():
        if sum((one.value is not None, bool(one.path), one.now)) > 1:
            yield error("value_and_path", f"{place}.{name}", name=name)
        if one.path:
            yield from check_memory_path(one.path, f"{place}.{name}.path")


def check_memory_path(path: str, place: str) -> Iterable[Finding]:
    """Whether a path can lead anywhere."""
    try:
        check_path(path, place)
    except BadFilter:
        yield error("path_invalid", place, path=path)


def check_match(match: EventMatch, place: str) -> Iterable[Finding]:
    """Whether the conditions on an event can be evaluated."""
    for n, one in enumerate(match.filters):
        try:
            check_filter(one, f"{place}.filters[{n}]")
        except BadFilter as bad:
            yield error("property_invalid", bad.field, why=bad.rule)


def check_step(step: str, place: str, around: Surroundings) -> Iterable[Finding]:
    """Whether a step of the journey sends messages."""
    found = around.definition.step(step)
    if found is None:
        yield error("step_unknown", place, step=step)
    elif found.kind != "message":
        yield error("step_says_nothing", place, step=step)


def own_step(place: str, around: Surroundings) -> Step | None:
    """The step whose settings are at a place of the definition (`steps[2].settings`)."""
    found = _OWN.fullmatch(place)
    steps = around.definition.steps
    return steps[int(found[1])] if found and int(found[1]) < len(steps) else None


def check_topic(channel: str, topic: str | None, place: str, around: Surroundings) -> Iterable[Finding]:
    """Whether there are such a channel and topic."""
    if channel and not around.has_channel(channel):
        yield error("channel_unknown", f"{place}.channel", channel=channel)
    if topic and not around.has_topic(topic):
        yield error("topic_unknown", f"{place}.topic", topic=topic)


def check_ways(ways: Sequence[str], reserved: Sequence[str], place: str) -> Iterable[Finding]:
    """Whether each way on has a name of its own."""
    for n, one in enumerate(ways):
        if one in reserved:
            yield error("exit_reserved", f"{place}[{n}]", exit=one)
        elif one in ways[:n]:
            yield error("exit_twice", f"{place}[{n}]", exit=one)
