"""What traits give to the house."""

from __future__ import annotations

from antiphon.awareness.traits.http import ROUTES
from antiphon.awareness.traits.loops import LOOPS
from antiphon.awareness.traits.service import JOBS
from antiphon.foundation.rooms import Room

ROOM = Room(
    name="traits",
    floor="awareness",
    always=True,
    routes=ROUTES,
    loops=LOOPS,
    jobs=JOBS,
    permissions={
        "traits:read": ("marketer", "analyst", "agent", "branch_manager", "developer"),
        "traits:write": ("marketer", "developer"),
    },
)
