"""How many journeys began one another for a person without a wait, or moved them on by events they raised: carried along, and
limited.

Validation finds journeys that begin each other; the limit stops what it cannot see: plug-ins, two that went live side by side, or
an event that a journey raises and another waits for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import json

from antiphon.execution.journeys.contract import Here, Ints

MOST = 20
"""So many journeys may begin one another before anybody has waited; the next one is not entered, the next event not raised
(`IN_CIRCLES`)."""
IN_CIRCLES = "in_circles"
_BEGUN, _SINCE = "begun", "begun_at"


def depths(here: Here) -> Ints:
    """How many journeys began one another until each came here without a wait. Who came to a step as of when they entered, or
    were moved on by what was raised, has not waited since."""
    carried = np.zeros(len(here), dtype=np.int64)
    where = here.places
    entered, arrived = here.people.entered[where].tolist(), here.people.arrived[where].tolist()
    for place, memory in enumerate(here.memory):
        if memory is not None and _BEGUN in memory and memory.get(_SINCE, entered[place]) == arrived[place]:
            carried[place] = memory[_BEGUN]
    return carried


def moved_on(memory: Mapping[str, Any] | None, begun: int, at: int) -> dict[str, Any]:
    """What is carried along by who hears at an instant what was raised after so many."""
    return {**(memory or {}), _BEGUN: begun, _SINCE: at}


def carried_on(depth: int) -> dict[str, Any]:
    """What is carried along into a journey that is begun, or beside an event that is raised, after so many."""
    return {_BEGUN: depth + 1}


def begun_after(begun: int) -> dict[str, Any]:
    """What is carried along into a journey that is entered by what was raised after so many."""
    return {_BEGUN: begun}


def begun_of(context: str | None) -> int:
    """How many were before an event was raised, by what was said beside it."""
    if context is None or _BEGUN not in context:
        return 0
    found = json.decode(context).get(_BEGUN)
    return found if isinstance(found, int) else 0
