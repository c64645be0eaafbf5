"""What delivery gives to the house."""

from __future__ import annotations

from antiphon.execution.delivery import ledger
from antiphon.execution.delivery.http import ROUTES
from antiphon.execution.delivery.listening import LISTENERS
from antiphon.execution.delivery.loops import LOOPS, open_sender
from antiphon.execution.delivery.sender import Sender
from antiphon.foundation.rooms import Resource, Room

ROOM = Room(
    name="delivery",
    floor="execution",
    routes=ROUTES,
    loops=LOOPS,
    listeners=LISTENERS,
    permissions={
        "delivery:read": ("marketer", "analyst", "agent", "branch_manager", "developer"),
        "delivery:test": ("marketer", "branch_manager", "developer"),
    },
    resources=(Resource(Sender, open_sender, frozenset({"worker"})),),
    requires=("channels", "content"),
    export=ledger.export,
    erase=ledger.erase,
    overview=ledger.overview,
)
