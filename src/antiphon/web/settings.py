"""Routes of the installation's own facts: settings that are no secret, and the rooms."""

from __future__ import annotations

from typing import Any

import msgspec

import antiphon
from antiphon.foundation.config import document
from antiphon.foundation.context import Context
from antiphon.foundation.embedded import running_url
from antiphon.foundation.http import get
from antiphon.web.state import Installation

_HIDDEN = frozenset({"secret", "database_url", "lake_s3_secret"})
"""Of these nobody is told more than whether they are set: they hold secrets."""


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting as it is in force; a secret one only says whether it is set."""

    name: str
    value: str | int | float | bool | list[str] | None
    default: str
    meaning: str


class RoomState(msgspec.Struct, frozen=True, kw_only=True):
    """A room, and whether it is switched on (`rooms_off` in the settings switches off)."""

    name: str
    floor: str
    on: bool
    always: bool
    requires: list[str]
    permissions: list[str]


class SettingsView(msgspec.Struct, frozen=True, kw_only=True):
    """The installation: its version, addresses, settings and rooms."""

    version: str
    base_url: str
    database: str
    """`embedded` or `external`."""
    now: str
    """Business time."""
    settings: list[Setting]
    rooms: list[RoomState]


def _value(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _database(ctx: Context) -> str:
    """The processes of an installation are given the embedded server's address as well: it is known by its data folder."""
    url = ctx.settings.database_url
    return "external" if url and url != running_url(ctx.settings.data_path) else "embedded"


@get("/v1/settings", permission="settings:read")
async def read_settings(ctx: Context) -> SettingsView:
    """Settings in force, without secrets, and which rooms are switched on."""
    on = {room.name for room in ctx.get(Installation).rooms}
    return SettingsView(
        version=antiphon.__version__,
        base_url=ctx.settings.base_url,
        database=_database(ctx),
        now=ctx.clock.now().isoformat(),
        settings=[
            Setting(
                name=name,
                value=bool(getattr(ctx.settings, name)) if name in _HIDDEN else _value(getattr(ctx.settings, name)),
                default=default,
                meaning=meaning,
            )
            for name, default, meaning in document()
        ],
        rooms=[
            RoomState(
                name=room.name, floor=room.floor, on=room.name in on, always=room.always,
                requires=list(room.requires), permissions=sorted(room.permissions),
            )
            for room in ctx.get(Installation).known
        ],
    )  # fmt: skip
