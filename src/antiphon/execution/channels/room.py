"""What channels give to the house."""

from __future__ import annotations

from antiphon.execution.channels.email.http import ROUTES as DKIM_ROUTES
from antiphon.execution.channels.http import ROUTES
from antiphon.execution.channels.registry import Channels, open_channels
from antiphon.foundation.rooms import Resource, Room

ROOM = Room(
    name="channels",
    floor="execution",
    routes=[*ROUTES, *DKIM_ROUTES],
    permissions={
        "channels:read": ("marketer", "analyst", "branch_manager", "developer"),
        "channels:write": ("developer",),
    },
    resources=(Resource(Channels, open_channels, frozenset({"api", "worker", "cli"})),),
    requires=("consent",),
)
