"""People in a journey as columns: where they stand and since when, what moved them, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from antiphon.awareness.events import EventMatch

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
NEVER = np.iinfo(np.int64).max
"""Until something is heard: no instant."""
OUT = -1
"""The place of who is in no step any more."""


class Cause(IntEnum):
    """Why somebody is looked at: they came to the step just now, their wait is over, something they did was heard, or what
    was asked of another system is answered."""

    CAME = 0
    WOKEN = 1
    HEARD = 2
    ANSWERED = 3


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person did. ``at`` and ``received`` are instants as `micros` counts them."""

    name: str
    kind: str
    at: int
    received: int
    profile: int
    properties: Mapping[str, Any]
    begun: int = 0
    """What a journey raised: how many journeys began one another, or moved people on, without a wait until it was."""

    def is_one_of(self, match: EventMatch) -> bool:
        """Whether it is what is meant."""
        return match.matches(self.kind, self.name, self.properties)


@dataclass(slots=True)
class People:
    """Passages of one version, one place each. Instants as `foundation.postgres.binary.micros` counts them, from 2000 on.

    ``step``: the number of the step they are at, or `OUT`; ``entered`` the journey and ``arrived`` at the step; ``at``: now,
    for each; ``wake``: when they go on, `NEVER` if only something heard moves them; ``heard``: a place in ``events``, or -1;
    ``turn`` counts how often they were sent back; ``memory``: what they carry along: ``entry`` (properties of the event, or of
    the call, they came in by), ``heard`` and ``answers`` (what waits and other systems brought, by step), ``kept``;
    ``moved``: an edit moved them here, so what was said under another version is asked for before it is said again.
    """

    run: Ints
    profile: Ints
    step: Ints
    entered: Ints
    arrived: Ints
    at: Ints
    wake: Ints
    turn: Ints
    cause: NDArray[np.int8]
    heard: Ints
    moved: Bools
    memory: list[dict[str, Any] | None]
    events: Sequence[Heard] = ()
    left: list[str | None] = field(default_factory=list)
    """Why who is `OUT` is out: ``finished``, ``goal``, an exit rule's reason, …"""
    since: Ints | None = None
    """When what moves them happened: their wait was over, or they did what was heard. They arrive at the next step as of then,
    and hear there what they do from then on, however late the engine is. None: at ``at``."""

    def __len__(self) -> int:
        return len(self.run)


@dataclass(slots=True)
class Line:
    """What became of some people at one step: a line of the history for each. ``did`` is an exit, ``rest`` or a reason to
    leave. ``facts`` are why: a list or array has a value for each person, anything else is the same for all."""

    step: int
    did: str
    how: str
    """``went``, ``rests``, ``left``, or ``goal``."""
    places: Ints
    at: Ints
    facts: Mapping[str, Any]
