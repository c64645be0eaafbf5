"""What the room gives to the house."""

from antiphon.foundation.access.http import ROUTES
from antiphon.foundation.access.loops import LOOPS
from antiphon.foundation.rooms import Room

ROOM = Room(
    name="access",
    floor="foundation",
    always=True,
    routes=ROUTES,
    loops=LOOPS,
    permissions={
        "access:read_people": ("owner",),
        "access:manage_people": ("owner",),
        "access:read_keys": ("owner", "developer"),
        "access:manage_keys": ("owner", "developer"),
        "access:read_audit": ("owner", "developer"),
    },
)
