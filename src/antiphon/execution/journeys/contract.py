"""What a kind of step is, and what it sees of the world.

A kind is a class with a `Settings` struct, named by an entry point of the group ``antiphon.steps``; Antiphon's own come the
same way. Its `run` is given everybody who stands at the step at this moment, as columns, and says for each where they go:
`Here.go` by one of its exits, `Here.rest` until an instant, or `Here.leave`. It never loops over people with statements: all it
asks of and does to the `World` is for the whole set. Each person has an instant of their own (``at``): in the live engine it is
the same for all, in a rehearsal it is not, so a kind never asks a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from antiphon.awareness.segments import Node
from antiphon.execution.journeys.columns import NEVER, OUT, Bools, Cause, Heard, Ints, Line, People
from antiphon.execution.journeys.deeds import Message, Request
from antiphon.execution.journeys.model import Definition, Finding, Step

if TYPE_CHECKING:
    from antiphon.execution.journeys.engine import Plan

__all__ = [
    "ENTRY_POINTS", "NEVER", "OUT", "Bools", "Cause", "Heard", "Here", "Ints", "KindOf", "KindsHere", "Line", "Message",
    "People", "Request", "StepKind", "Surroundings", "World",
]  # fmt: skip

ENTRY_POINTS = "antiphon.steps"


class World(Protocol):
    """All that steps see and do. ``places`` are places in ``here``, and every list is as long as they are; nothing is done twice
    for a passage, step and turn. Reading after writing sees what was written."""

    live: bool
    """False in a rehearsal, where nothing leaves."""

    async def traits(self, profiles: Ints, at: Ints, names: Sequence[str]) -> Mapping[str, Sequence[Any]]:
        """Traits as they are, None where one is not set."""

    async def holds(self, tree: Node, profiles: Ints, at: Ints) -> Bools:
        """Of whom a segment's tree holds at their instant, judged by what is true now, not by a segment's last refresh."""

    async def inside(self, segment_id: int, profiles: Ints, at: Ints) -> Bools:
        """Who is a member of a segment."""

    async def zones(self, profiles: Ints) -> Sequence[str]:
        """Each one's time zone (IANA name): stated, else the trait's, else the installation's."""

    async def reaches(self, channel: str, message: Message, profiles: Ints, at: Ints) -> Bools:
        """Who has an address on the channel and allows this message there."""

    async def preferred(self, profiles: Ints) -> Sequence[str | None]:
        """The channel each one asked for."""

    async def cost(self, channel: str) -> int:
        """What a message on a channel is expected to cost, in millionths."""

    async def say(
        self, here: Here, message: Message, places: Ints, variables: Sequence[Mapping[str, Any]]
    ) -> Sequence[str | None]:
        """Hand messages to the gate; for each the reason it was refused for, None where it passed."""

    async def said(self, here: Here, step: str) -> Mapping[str, Bools]:
        """What became of what an earlier step said to each: ``sent``, ``delivered``, ``opened``, ``clicked``, ``replied``,
        ``failed``."""

    async def remembers(self, profiles: Ints, at: Ints) -> Sequence[Mapping[str, Any]]:
        """The dialogue so far: ``last_said`` and ``last_heard`` (channel, at, text), ``last_offer``, ``open_conversation``."""

    async def set_traits(self, here: Here, places: Ints, values: Mapping[str, Sequence[Any]]) -> None:
        """Set traits; None takes one away."""

    async def tag(self, here: Here, places: Ints, trait: str, add: Sequence[str], remove: Sequence[str]) -> None:
        """Add to and take from a list trait."""

    async def consent(self, here: Here, places: Ints, channel: str, topic: str, state: str) -> None:
        """Subscribe or unsubscribe."""

    async def raise_event(self, here: Here, places: Ints, name: str, properties: Sequence[Mapping[str, Any]]) -> None:
        """Make it an event of theirs, once."""

    async def ask(self, here: Here, places: Ints, request: Request, bodies: Sequence[Mapping[str, Any]]) -> None:
        """Ask another system; the answer wakes them."""

    async def start_journey(self, here: Here, places: Ints, journey_id: int, *, leaving: bool = False) -> Bools:
        """Have them enter another journey by its rules; who did. ``leaving``: who does is out of this one, which then keeps
        nobody from the other."""

    async def stop_journey(self, here: Here, places: Ints, journey_id: int) -> None:
        """End their passages in another journey."""

    async def take_turns(self, here: Here, places: Ints, most: int, seconds: float) -> Ints:
        """A rate-limited gate: when each may pass, at most so many in any so many seconds; now for those who may at once. Who
        comes is given a turn; whose turn has come passes now, unless more than ``most`` would: then they are told a later one."""

    async def arms(self, here: Here, places: Ints, experiment: str) -> Sequence[str | None]:
        """Each one's arm of a running experiment, noted as exposed; None for who is not in it."""

    def fractions(self, name: str, profiles: Ints) -> NDArray[np.float64]:
        """A number in [0, 1) for each, the same for ever."""


class Surroundings(Protocol):
    """What there is, for checking a definition. ``now``: what is past by then is past; ``journey_id``: which journey it is of."""

    @property
    def definition(self) -> Definition: ...
    @property
    def now(self) -> datetime: ...
    @property
    def journey_id(self) -> int | None: ...

    def has_template(self, version_id: int) -> bool: ...
    def has_channel(self, name: str) -> bool: ...
    def has_topic(self, name: str) -> bool: ...
    def has_segment(self, segment_id: int) -> bool: ...
    def announces(self, segment_id: int) -> bool:
        """Whether entering and leaving the segment become events."""

    def has_path(self, message_class: str) -> bool:
        """Whether messages of the class have a usual path, and so a channel where none is named."""

    def has_event(self, name: str) -> bool:
        """Whether an event of this name was ever received."""

    def has_journey(self, journey_id: int) -> bool: ...
    def has_experiment(self, key: str) -> bool: ...
    def check_tree(self, tree: Node, place: str) -> Iterable[Finding]:
        """What is wrong with a segment's tree: unknown traits, operands of another type."""


class Here:
    """Everybody who stands at one step at this moment. Columns are one place for each of them, in their order."""

    def __init__(self, plan: Plan, number: int, people: People, places: Ints, world: World) -> None:
        self.plan = plan
        self.number = number
        self.people = people
        self.places = places
        self.world = world
        self.lines: list[Line] = []
        self.rested: Ints = np.empty(0, dtype=np.int64)
        self._decided = np.zeros(len(places), dtype=np.bool_)
        self.put_out: list[tuple[Ints, str, Mapping[str, Any]]] = []
        """(people, why, facts) of those whose passages here ended by what this step did: the engine lets go of them."""

    def __len__(self) -> int:
        return len(self.places)

    @property
    def step(self) -> Step:
        """The step as its author wrote it."""
        return self.plan.steps[self.number].step

    @property
    def profile(self) -> Ints:
        """Whose passages."""
        return self.people.profile[self.places]

    @property
    def at(self) -> Ints:
        """Now, for each."""
        return self.people.at[self.places]

    @property
    def arrived(self) -> Ints:
        """When each came to this step."""
        return self.people.arrived[self.places]

    @property
    def wake(self) -> Ints:
        """Until when each was resting here."""
        return self.people.wake[self.places]

    @property
    def came(self) -> Bools:
        """Who came just now."""
        came: Bools = self.people.cause[self.places] == Cause.CAME
        return came

    @property
    def decided(self) -> Bools:
        """Of whom it is said where they go."""
        return self._decided.copy()

    @property
    def heard(self) -> list[Heard | None]:
        """What was heard of each, since they came here; None for others."""
        people = self.people
        return [people.events[one] if one >= 0 else None for one in people.heard[self.places].tolist()]

    @property
    def memory(self) -> list[dict[str, Any] | None]:
        """What each carries along; change it by `remember`."""
        return [self.people.memory[place] for place in self.places.tolist()]

    def remember(self, place: int, **what: Any) -> None:
        """Let one (a place here) carry something along."""
        where = int(self.places[place])
        self.people.memory[where] = (self.people.memory[where] or {}) | what

    def go(self, exit: str = "next", where: Bools | None = None, **facts: Any) -> None:
        """They go on by an exit; ``where``: only these, else all of whom nothing was said yet. ``facts`` say why: lists and
        arrays have a value for each of those."""
        chosen = self._take(where)
        if len(chosen):
            self._line(exit, "went", chosen, facts)
            self.plan.send(self.people, chosen, self.number, exit)

    def go_to(self, number: int, where: Bools | None = None, **facts: Any) -> None:
        """They go to a step by its number, and one more turn is counted: the way back of a loop."""
        chosen = self._take(where)
        if len(chosen):
            self._line("again", "went", chosen, facts)
            self.people.turn[chosen] += 1
            self.plan.place(self.people, chosen, number)

    def rest(self, until: Ints | int = NEVER, where: Bools | None = None, **facts: Any) -> None:
        """They stay until an instant, or until something is heard. ``until`` is as long as all who are here."""
        mask = self._mask(where)
        chosen = self._take(where)
        if not len(chosen):
            return
        wake = np.broadcast_to(np.asarray(until, dtype=np.int64), (len(self.places),))[mask]
        came = self.people.cause[chosen] == Cause.CAME
        if came.any():  # who rests on was told when they came
            told = {k: _of(v, came) for k, v in facts.items()}
            self._line("rest", "rests", chosen[came], told | {"until": wake[came]})
        self.people.wake[chosen] = wake
        self.rested = np.concatenate((self.rested, chosen))

    def leave(self, reason: str, where: Bools | None = None, **facts: Any) -> None:
        """They leave the journey."""
        chosen = self._take(where)
        if len(chosen):
            self._line(reason, "left", chosen, facts)
            self.plan.let_go(self.people, chosen, reason)

    def finish(self) -> None:
        """Raises RuntimeError where a kind forgot somebody."""
        if not self._decided.all():
            raise RuntimeError(f"step {self.step.key} ({self.step.kind}) says nothing of {int((~self._decided).sum())} people")

    def _mask(self, where: Bools | None) -> Bools:
        if where is None:
            return ~self._decided
        if (where & self._decided).any():
            raise RuntimeError(f"step {self.step.key} ({self.step.kind}) sends somebody two ways")
        return where

    def _take(self, where: Bools | None) -> Ints:
        mask = self._mask(where)
        self._decided |= mask
        return self.places[mask]

    def _line(self, did: str, how: str, places: Ints, facts: Mapping[str, Any]) -> None:
        self.lines.append(Line(self.number, did, how, places, self.people.at[places], facts))


def _of(value: Any, mask: Bools) -> Any:
    if isinstance(value, np.ndarray):
        return value[mask]
    return [one for one, kept in zip(value, mask.tolist(), strict=True) if kept] if isinstance(value, list) else value


class StepKind(Protocol):
    """A kind of step. One object a process; it keeps nothing of people."""

    name: ClassVar[str]
    Settings: ClassVar[type[msgspec.Struct]]
    group: ClassVar[str]
    """``wait``, ``branch``, ``action`` or ``flow``: where the canvas shows it."""

    def exits(self, settings: Any) -> Sequence[str]:
        """The ways on, in order; ``next`` where there is one."""

    def rests(self, settings: Any) -> bool:
        """Whether people may stay here: a cycle needs one such step."""

    def hears(self, settings: Any) -> Sequence[str]:
        """Names of the events who stays here listens for."""

    def check(self, settings: Any, place: str, around: Surroundings) -> Iterable[Finding]:
        """What is wrong with the settings, beyond their types."""

    async def run(self, settings: Any, here: Here) -> None:
        """Say of everybody here where they go."""


KindOf = Callable[[str], StepKind]
"""Finds a kind by name; raises StepKindUnknown."""


class KindsHere(Protocol):
    """The kinds of step this installation has."""

    def __call__(self, name: str) -> StepKind: ...
    def __contains__(self, name: object) -> bool: ...
