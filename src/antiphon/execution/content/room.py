"""What content gives to the house."""

from __future__ import annotations

from antiphon.execution.content.http import ROUTES
from antiphon.execution.content.library import Templates, open_templates
from antiphon.foundation.rooms import Resource, Room

ROOM = Room(
    name="content",
    floor="execution",
    routes=ROUTES,
    permissions={
        "content:read": ("marketer", "analyst", "branch_manager", "developer"),
        "content:write": ("marketer", "developer"),
        "content:publish": ("marketer",),
    },
    resources=(Resource(Templates, open_templates, frozenset({"api", "worker", "cli"})),),
    requires=("channels",),
)
