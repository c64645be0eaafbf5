"""What imports give to the house."""

from __future__ import annotations

from antiphon.awareness.imports.http import ROUTES
from antiphon.awareness.imports.loading import JOBS
from antiphon.awareness.imports.loops import LOOPS
from antiphon.awareness.imports.sweeping import erase, sweep
from antiphon.foundation.rooms import Room

ROOM = Room(
    name="imports",
    floor="awareness",
    requires=("profiles", "consent", "events", "traits"),
    routes=ROUTES,
    jobs=JOBS,
    loops=LOOPS,
    sweep=sweep,
    erase=erase,
    permissions={
        "imports:read": ("marketer", "analyst", "developer"),
        "imports:write": ("marketer", "developer"),
    },
)
