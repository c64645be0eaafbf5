"""What experiments give to the house."""

from __future__ import annotations

from antiphon.decisioning.experiments.http import ROUTES
from antiphon.foundation.rooms import Room

ROOM = Room(
    name="experiments",
    floor="decisioning",
    routes=ROUTES,
    permissions={"experiments:read": ("marketer", "analyst", "branch_manager"), "experiments:write": ("marketer",)},
)
