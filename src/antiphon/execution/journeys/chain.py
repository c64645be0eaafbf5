"""How many journeys began one another for a person without a wait: carried along, and limited.

Validation finds journeys that begin each other; the limit stops what it cannot see: plug-ins, or two that went live side by side.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from antiphon.execution.journeys.contract import Here, Ints

MOST = 20
"""So many journeys may begin one another before anybody has waited; the next one is not entered (`IN_CIRCLES`)."""
IN_CIRCLES = "in_circles"
_BEGUN = "begun"


def depths(here: Here) -> Ints:
    """How many journeys began one another until each came here without a wait. Who came to a step as of when they entered has not
    waited since."""
    where = here.places
    straight = here.people.arrived[where] == here.people.entered[where]
    carried = np.fromiter(((memory or {}).get(_BEGUN, 0) for memory in here.memory), dtype=np.int64, count=len(here))
    return np.where(straight, carried, 0)


def carried_on(depth: int) -> dict[str, Any]:
    """What is carried along into a journey that is begun after so many."""
    return {_BEGUN: depth + 1}
