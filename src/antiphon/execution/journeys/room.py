"""What journeys give to the house."""

from __future__ import annotations

from antiphon.execution.journeys import (
    approval_http,
    asking,
    hearing,
    http,
    kinds_http,
    letting,
    memory,
    merging,
    moving,
    people_http,
    personal,
    raising,
    ticking,
    uses,
    yaml_http,
)
from antiphon.execution.journeys.rehearsal import http as rehearsal_http
from antiphon.execution.journeys.rehearsal.service import JOBS
from antiphon.foundation.rooms import Room

ROOM = Room(
    name="journeys",
    floor="execution",
    routes=(
        *http.ROUTES, *approval_http.ROUTES, *people_http.ROUTES, *kinds_http.ROUTES, *yaml_http.ROUTES, *rehearsal_http.ROUTES,
    ),
    jobs=JOBS,
    loops=(hearing.LOOP, ticking.LOOP, *moving.LOOPS, *letting.LOOPS, *asking.LOOPS, *raising.LOOPS),
    listeners=(*memory.LISTENERS, *merging.LISTENERS, *letting.LISTENERS),
    resources=(*asking.RESOURCES, *uses.RESOURCES),
    permissions={
        "journeys:read": ("marketer", "analyst", "agent", "branch_manager", "developer"),
        "journeys:write": ("marketer",),
        "journeys:publish": ("marketer",),
        "journeys:approve": ("marketer", "branch_manager"),
        "journeys:enter": ("marketer", "developer"),
    },
    requires=("segments", "imports", "delivery", "experiments"),
    export=personal.export,
    erase=personal.erase,
)
