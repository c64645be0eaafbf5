"""A world of dictionaries: it knows what a test tells it, and writes down what steps do to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from antiphon.awareness.segments import Node
from antiphon.decisioning.experiments import fractions_of
from antiphon.execution.journeys.contract import Bools, Here, Ints, Message, Request
from antiphon.execution.journeys.model import Definition, Finding

SECRET = b"a stage"
BECAME = ("sent", "delivered", "opened", "clicked", "replied", "failed")


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """Something a step did to one person."""

    what: str
    profile: int
    facts: Any = None


class Stage:
    """A `World`. What is not told is so: nobody has traits, no tree holds, nothing was said, everybody is reached, nothing costs.

    ``known``: traits by profile; ``holding``: of whom every tree holds; ``members`` of every segment; ``zone``; ``unreached`` by
    channel; ``wishes`` for a channel; ``costs``; ``refused``: for whom a message is refused, and why; ``became``: for whom what
    was said became what; ``dialogues``; ``experiments``: arms by profile. ``done`` is what was done, ``calls`` how often it was
    asked.
    """

    live = False

    def __init__(self) -> None:
        self.known: dict[int, dict[str, Any]] = {}
        self.holding: set[int] = set()
        self.members: set[int] = set()
        self.zone = "UTC"
        self.unreached: dict[str, set[int]] = {}
        self.wishes: dict[int, str] = {}
        self.costs: dict[str, int] = {}
        self.refused: dict[int, str] = {}
        self.became: dict[str, set[int]] = {}
        self.dialogues: dict[int, dict[str, Any]] = {}
        self.experiments: dict[int, str] = {}
        self.done: list[Done] = []
        self.calls = 0

    async def traits(self, profiles: Ints, at: Ints, names: Sequence[str]) -> Mapping[str, Sequence[Any]]:
        self.calls += 1
        return {name: [self.known.get(one, {}).get(name) for one in profiles.tolist()] for name in names}

    async def holds(self, tree: Node, profiles: Ints, at: Ints) -> Bools:
        return self._in(self.holding, profiles)

    async def inside(self, segment_id: int, profiles: Ints, at: Ints) -> Bools:
        return self._in(self.members, profiles)

    async def zones(self, profiles: Ints) -> Sequence[str]:
        self.calls += 1
        return [self.zone] * len(profiles)

    async def reaches(self, channel: str, message: Message, profiles: Ints, at: Ints) -> Bools:
        return ~self._in(self.unreached.get(channel, set()), profiles)

    async def preferred(self, profiles: Ints) -> Sequence[str | None]:
        self.calls += 1
        return [self.wishes.get(one) for one in profiles.tolist()]

    async def cost(self, channel: str) -> int:
        self.calls += 1
        return self.costs.get(channel, 0)

    async def say(
        self, here: Here, message: Message, places: Ints, variables: Sequence[Mapping[str, Any]]
    ) -> Sequence[str | None]:
        self._note(here, places, "say", variables)
        return [self.refused.get(one) for one in here.profile[places].tolist()]

    async def said(self, here: Here, step: str) -> Mapping[str, Bools]:
        self.calls += 1
        found = {what: self._in(self.became.get(what, set()), here.profile) for what in BECAME}
        self.calls -= len(BECAME)
        return found

    async def remembers(self, profiles: Ints, at: Ints) -> Sequence[Mapping[str, Any]]:
        self.calls += 1
        nothing: dict[str, Any] = {
            "last_said": None, "last_heard": None, "heard": {}, "last_offer": None, "open_conversation": False,
        }  # fmt: skip
        return [nothing | self.dialogues.get(one, {}) for one in profiles.tolist()]

    async def set_traits(self, here: Here, places: Ints, values: Mapping[str, Sequence[Any]]) -> None:
        rows = [{name: column[n] for name, column in values.items()} for n in range(len(places))]
        for profile, row in zip(here.profile[places].tolist(), rows, strict=True):
            self.known[profile] = {k: v for k, v in (self.known.get(profile, {}) | row).items() if v is not None}
        self._note(here, places, "set_traits", rows)

    async def tag(self, here: Here, places: Ints, trait: str, add: Sequence[str], remove: Sequence[str]) -> None:
        self._note(here, places, "tag", [(trait, tuple(add), tuple(remove))] * len(places))

    async def consent(self, here: Here, places: Ints, channel: str, topic: str, state: str) -> None:
        self._note(here, places, "consent", [(channel, topic, state)] * len(places))

    async def raise_event(self, here: Here, places: Ints, name: str, properties: Sequence[Mapping[str, Any]]) -> None:
        self._note(here, places, f"raise {name}", properties)

    async def ask(self, here: Here, places: Ints, request: Request, bodies: Sequence[Mapping[str, Any]]) -> None:
        self._note(here, places, f"ask {request.url}", bodies)

    async def start_journey(self, here: Here, places: Ints, journey_id: int, *, leaving: bool = False) -> Bools:
        self._note(here, places, "start", [journey_id] * len(places))
        return np.ones(len(places), dtype=np.bool_)

    async def stop_journey(self, here: Here, places: Ints, journey_id: int) -> None:
        self._note(here, places, "stop", [journey_id] * len(places))

    async def take_turns(self, here: Here, places: Ints, most: int, seconds: float) -> Ints:
        self.calls += 1
        length = int(seconds * 1_000_000)
        until, came = here.at[places].copy(), np.flatnonzero(here.came[places])
        until[came] += np.arange(len(came)) // most * length
        return until

    async def arms(self, here: Here, places: Ints, experiment: str) -> Sequence[str | None]:
        self.calls += 1
        return [self.experiments.get(one) for one in here.profile[places].tolist()]

    def fractions(self, name: str, profiles: Ints) -> NDArray[np.float64]:
        return fractions_of(SECRET, name, profiles)

    def _in(self, people: set[int], profiles: Ints) -> Bools:
        self.calls += 1
        return np.isin(profiles, np.array(sorted(people), dtype=np.int64))

    def _note(self, here: Here, places: Ints, what: str, facts: Sequence[Any]) -> None:
        self.calls += 1
        if len(facts) != len(places):
            raise AssertionError(f"{what}: {len(facts)} values for {len(places)} people")
        self.done += [
            Done(what=what, profile=one, facts=fact) for one, fact in zip(here.profile[places].tolist(), facts, strict=True)
        ]


class Town:
    """`Surroundings` in which there is everything that anybody asks for, but what is ``missing``."""

    now = datetime(2026, 6, 6, tzinfo=UTC)
    journey_id = 1

    def __init__(self, definition: Definition, missing: Iterable[Any] = ()) -> None:
        self.definition = definition
        self.missing = set(missing)

    def announces(self, segment_id: int) -> bool:
        return segment_id not in self.missing

    def has_event(self, name: str) -> bool:
        return name not in self.missing

    def has_template(self, version_id: int) -> bool:
        return version_id not in self.missing

    def has_channel(self, name: str) -> bool:
        return name not in self.missing

    def has_topic(self, name: str) -> bool:
        return name not in self.missing

    def has_path(self, message_class: str) -> bool:
        return False

    def has_segment(self, segment_id: int) -> bool:
        return segment_id not in self.missing

    def has_journey(self, journey_id: int) -> bool:
        return journey_id not in self.missing

    def has_experiment(self, key: str) -> bool:
        return key not in self.missing

    def check_tree(self, tree: Node, place: str) -> Iterable[Finding]:
        return ()
