"""The rooms of Antiphon, in the order of its floors: the one place that knows them all."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from antiphon.foundation.config import Settings
from antiphon.foundation.rooms import Room, switched_on

ROOMS = (
    "foundation.access",
    "awareness.profiles",
    "awareness.consent",
    "awareness.events",
    "awareness.traits",
    "awareness.segments",
    "awareness.imports",
    "decisioning.experiments",
    "execution.channels",
    "execution.content",
    "execution.delivery",
    "execution.campaigns",
    "execution.journeys",
    "web",
)


@cache
def all_rooms() -> tuple[Room, ...]:
    """Every room there is, lower ones first."""
    return tuple(import_module(f"antiphon.{name}.room").ROOM for name in ROOMS)


def rooms_of(settings: Settings) -> list[Room]:
    """The rooms this installation has switched on. Raises BadSettings for a choice that makes no sense."""
    return switched_on(all_rooms(), settings.rooms_off)
