"""What experiments give to the house."""

from __future__ import annotations

from antiphon.decisioning.experiments import holdouts_http, http, layers_http, personal, watching
from antiphon.foundation.rooms import Room

ROOM = Room(
    name="experiments",
    floor="decisioning",
    routes=(*holdouts_http.ROUTES, *http.ROUTES, *layers_http.ROUTES),
    loops=watching.LOOPS,
    permissions={"experiments:read": ("marketer", "analyst", "branch_manager"), "experiments:write": ("marketer",)},
    erase=personal.erase,
    export=personal.export,
)
