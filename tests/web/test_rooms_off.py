"""Rooms switched off one by one: no routes, no loops, not in the session, not in the document."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from antiphon.app import all_rooms, rooms_of
from antiphon.foundation.config import Settings
from antiphon.foundation.rooms import RoomNeeded, UnknownRoom, switched_on
from antiphon.web.openapi import build

CAN_BE_OFF = [room.name for room in all_rooms() if not room.always]


def needing(name: str) -> list[str]:
    """`name` and every room that cannot do without it."""
    off = [name]
    for room in all_rooms():
        if room.name not in off and set(room.requires) & set(off):
            off.append(room.name)
    return off


def test_rooms_are_listed_lower_ones_first() -> None:
    seen: set[str] = set()
    for room in all_rooms():
        assert set(room.requires) <= seen, f"{room.name} stands before what it needs"
        seen.add(room.name)


def test_permissions_are_named_by_a_room_and_a_verb_and_declared_once() -> None:
    names = [name for room in all_rooms() for name in room.permissions]
    assert len(names) == len(set(names))
    for name in names:
        room, _, verb = name.partition(":")
        assert room
        assert verb.replace("_", "").isalpha()


@pytest.mark.parametrize("name", CAN_BE_OFF)
def test_a_room_goes_off_with_those_that_need_it(name: str) -> None:
    off = needing(name)
    if len(off) > 1:
        with pytest.raises(RoomNeeded):
            switched_on(all_rooms(), [name])
    rooms = rooms_of(Settings(rooms_off=tuple(off)))
    names = {room.name for room in rooms}
    assert names.isdisjoint(off)
    loops = {loop.name for room in rooms for loop in room.loops}
    gone = {loop.name for room in all_rooms() if room.name in off for loop in room.loops}
    assert loops.isdisjoint(gone)
    paths = build(rooms)["paths"]
    whole = build(all_rooms())["paths"]
    lost = {path for path in whole if path not in paths}
    routes = {route for room in all_rooms() if room.name in off for route in room.routes}
    assert bool(lost) == bool(routes)


@pytest.mark.parametrize("name", ["nonsense", "access", "web"])
def test_what_is_no_room_or_must_stay_cannot_be_switched_off(name: str) -> None:
    with pytest.raises(UnknownRoom):
        rooms_of(Settings(rooms_off=(name,)))


@pytest.mark.skipif(not CAN_BE_OFF, reason="no room can be switched off")
class TestServed:
    @pytest.fixture
    def off(self) -> list[str]:
        return needing(CAN_BE_OFF[-1])

    @pytest.fixture
    def settings(self, settings: Settings, off: list[str]) -> Settings:
        return msgspec.structs.replace(settings, rooms_off=tuple(off))

    async def test_the_console_is_told(self, client: Any, off: list[str]) -> None:
        me = (await client.get("/v1/session")).json()
        assert set(off).isdisjoint(me["rooms"])
        shown = (await client.get("/v1/settings")).json()["rooms"]
        assert {room["name"] for room in shown if not room["on"]} == set(off)

    async def test_its_routes_are_gone(self, client: Any, off: list[str]) -> None:
        document = (await client.get("/openapi.json")).json()
        gone = set(build(all_rooms())["paths"]) - set(document["paths"])
        assert gone
        for path in gone:
            if "{" not in path:
                assert (await client.get(path)).status_code in (404, 503)
