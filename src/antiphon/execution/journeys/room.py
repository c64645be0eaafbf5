"""What journeys give to the house."""

from __future__ import annotations

from antiphon.execution.journeys import asking, http, kinds_http, memory, moving, personal, raising, yaml_http
from antiphon.foundation.rooms import Room

ROOM = Room(
    name="journeys",
    floor="execution",
    routes=(*http.ROUTES, *kinds_http.ROUTES, *yaml_http.ROUTES),
    loops=(*moving.LOOPS, *asking.LOOPS, *raising.LOOPS),
    listeners=memory.LISTENERS,
    resources=asking.RESOURCES,
    permissions={
        "journeys:read": ("marketer", "analyst", "agent", "branch_manager", "developer"),
        "journeys:write": ("marketer",),
        "journeys:publish": ("marketer",),
        "journeys:enter": ("marketer", "developer"),
    },
    requires=("segments", "delivery", "experiments"),
    export=personal.export,
    erase=personal.erase,
)
