"""What campaigns give to the house."""

from __future__ import annotations

from antiphon.execution.campaigns.http import ROUTES
from antiphon.execution.campaigns.loops import LOOPS
from antiphon.foundation.rooms import Room

ROOM = Room(
    name="campaigns",
    floor="execution",
    routes=ROUTES,
    loops=LOOPS,
    permissions={
        "campaigns:read": ("marketer", "analyst", "agent", "branch_manager", "developer"),
        "campaigns:write": ("marketer", "branch_manager"),
        "campaigns:send": ("marketer", "branch_manager"),
    },
    requires=("segments", "delivery"),
)
