"""What a journey listens for, asks and says: read off its definition, so that a rehearsal reads what it needs and no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, get_args

import msgspec

from antiphon.awareness.events import EventMatch
from antiphon.awareness.segments import ENTERED, LEFT, Node
from antiphon.execution.delivery import Hop
from antiphon.execution.journeys.engine import Plan
from antiphon.execution.journeys.kinds.actions import Message
from antiphon.execution.journeys.rehearsal import entrants
from antiphon.execution.journeys.rehearsal.holding import Trees
from antiphon.execution.journeys.rehearsal.past import Wanted
from antiphon.execution.journeys.rehearsal.scene import member_filter

_NODES: tuple[type[Any], ...] = get_args(Node)


@dataclass(frozen=True)
class Listing:
    """``hears``: names of events that move people; ``carried``: whether what events say is carried along; ``channels``: named
    by messages; ``unsaid``: messages whose channel or hops are the usual ones; ``replies``: names of the events by which
    people write to us, with their channels, where steps ask for the dialogue."""

    hears: frozenset[str]
    wanted: Wanted
    carried: bool
    channels: tuple[str, ...]
    unsaid: tuple[Message.Settings, ...]
    replies: Mapping[str, str]


def listing_of(
    plan: Plan, trees: Trees, since: datetime, read_since: datetime, replies: Mapping[str, str] = MappingProxyType({})
) -> Listing:
    """Everything to be read for a rehearsal from ``since`` on; what moves people from ``read_since`` on."""
    definition = plan.definition
    wanted = Wanted(set(), set(), {}, min(since, read_since))
    goal = definition.goal
    encoded = msgspec.json.encode(definition).decode()
    carried = '"path":"' in encoded or "event." in encoded
    hears = {name for step in plan.steps for name in step.hears} | plan.leaves_on
    wanted.names |= hears
    if carried:
        wanted.whole |= {name for step in plan.steps for name in step.hears}
    if goal is not None and goal.event is not None and goal.value is not None:
        wanted.whole.add(goal.event.event)
    entrants.wants(definition, wanted, carried=carried)
    for one in parts_of([*(step.settings for step in plan.steps), *definition.exits, goal]):
        if isinstance(one, EventMatch):
            wanted.ask_match(one)
        else:
            trees.wants(one, wanted, since)
    for step in plan.steps:
        segment_id = getattr(step.settings, "segment_id", None)
        if isinstance(segment_id, int):
            for name in (ENTERED, LEFT):
                wanted.ask(name, None, member_filter(segment_id))
    asks = any(_remembers(step.step.kind, step.settings) for step in plan.steps)
    if asks:
        wanted.names |= replies.keys()
        wanted.whole |= replies.keys()
    said = [step.settings for step in plan.steps if step.step.kind == "message"]
    hops: list[Hop] = [hop for one in said for hop in one.hops]
    channels = sorted({one.channel for one in said if one.channel} | {hop.channel for hop in hops})
    unsaid = tuple(one for one in said if not one.channel or (one.usual_path and not one.hops))
    return Listing(frozenset(hears), wanted, carried, tuple(channels), unsaid, replies if asks else {})


def _remembers(kind: str, settings: Any) -> bool:
    """Whether a step asks for the dialogue so far."""
    return kind == "dialogue" or getattr(settings, "how", "") == "last_heard"


def parts_of(value: Any) -> Iterator[Any]:
    """The event matches and segments' trees inside settings, wherever they are."""
    if isinstance(value, (EventMatch, *_NODES)):
        yield value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from parts_of(getattr(value, name))
    elif isinstance(value, dict):
        for one in value.values():
            yield from parts_of(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from parts_of(one)
