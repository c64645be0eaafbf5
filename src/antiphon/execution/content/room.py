"""What content gives to the house."""

from __future__ import annotations

from antiphon.execution.content.http import ROUTES
from antiphon.foundation.rooms import Room

ROOM = Room(
    name="content",
    floor="execution",
    routes=ROUTES,
    permissions={
        "content:read": ("marketer", "analyst", "branch_manager", "developer"),
        "content:write": ("marketer", "developer"),
        "content:publish": ("marketer",),
    },
    requires=("channels",),
)
