"""Making room: what still waits and is less urgent gives its place to what is more urgent, where a cap has room for one only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from antiphon.execution.delivery import chains
from antiphon.execution.delivery.gate.caps import room_left
from antiphon.execution.delivery.gate.judge import Cut, Judged, reach_of
from antiphon.execution.delivery.gate.look import SQL, Contacts, Facts, Ints
from antiphon.execution.delivery.model import Dispatch, Intents
from antiphon.execution.delivery.rules.model import Rules, urgency
from antiphon.foundation.postgres import Connection
from antiphon.foundation.postgres.binary import bigints, from_micros, ints, micros, texts


class Rival(NamedTuple):
    """A message that waits, and may give way."""

    delivery_id: int
    profile_id: int
    at: int
    kind: int


async def make_room(
    conn: Connection,
    rules: Rules,
    dispatch: Dispatch,
    intents: Intents,
    facts: Facts,
    judged: Judged,
    limits: Sequence[Cut],
    known: Contacts,
    full: NDArray[np.bool_],
    *,
    now: datetime,
    write: bool,
) -> Contacts | None:
    """Displace what is less urgent where that lets more of these pass; the contacts that are left then, None as they were.

    Asked only (not ``write``) it tells what would be left.
    """
    weaker = _weaker(rules, dispatch, limits)
    places = np.flatnonzero(full)
    if not weaker:
        return None
    if write:
        places = np.setdiff1d(places, await _already(conn, dispatch, intents, places))
    by_place = await _rivals(conn, facts, judged, limits, places, weaker)
    if not by_place:
        return None
    rank = {rule.id: rule.urgency for rule in rules.kinds}
    wanted = _wanted(facts, judged)
    victims: dict[int, Rival] = {}
    for place, rivals in by_place.items():
        rivals.sort(key=lambda rival: (-rank[rival.kind], -rival.at, -rival.delivery_id))
        mine = known.owner == place
        times = list(zip(known.at[mine].tolist(), known.kind[mine].tolist(), strict=True))
        for rival in _give_way(times, rivals, limits, place, int(judged.due[place]), wanted[int(facts.person[place])]):
            victims[rival.delivery_id] = rival
    gone = await _displace(conn, dispatch, list(victims.values()), now) if write else list(victims.values())
    return _without(known, facts, gone, by_place) if gone else None


def _weaker(rules: Rules, dispatch: Dispatch, limits: Sequence[Cut]) -> list[int]:
    """The kinds that would give way to this dispatch's."""
    mine = urgency(dispatch)
    counted = {kind for cut in limits for kind in cut.kinds}
    return [kind.id for kind in rules.kinds if kind.id in counted and kind.urgency > mine]


async def _already(conn: Connection, dispatch: Dispatch, intents: Intents, places: Ints) -> Ints:
    """Those that were handed in before: they have what they got then."""
    suffixes = intents.suffixes
    keys = [f"{dispatch.key}:{suffixes[p]}" if suffixes else dispatch.key for p in places.tolist()]
    ids = np.asarray(intents.profile_ids, dtype=np.int64)[places]
    params = {"profile_ids": bigints(ids), "keys": texts(keys), "places": ints(places)}
    row = await (await conn.execute(SQL.already, params)).fetchone()
    return np.array(row[0] if row and row[0] else [], dtype=np.int64)


async def _rivals(
    conn: Connection, facts: Facts, judged: Judged, limits: Sequence[Cut], places: Ints, weaker: Sequence[int]
) -> dict[int, list[Rival]]:
    """What waits for each person, under the first of their places."""
    _, first = np.unique(facts.person[places], return_index=True)
    heads = places[np.sort(first)]
    if not len(heads):
        return {}
    since = from_micros(int(judged.due[heads].min() - reach_of(limits, len(judged.due)).max()))
    params = {"person_ids": bigints(facts.person[heads]), "places": ints(heads), "kinds": list(weaker), "since": since}
    found: dict[int, list[Rival]] = defaultdict(list)
    for place, delivery_id, profile_id, at, kind in await (await conn.execute(SQL.rivals, params)).fetchall():
        found[place].append(Rival(delivery_id, profile_id, micros(at), kind))
    return found


def _wanted(facts: Facts, judged: Judged) -> dict[int, int]:
    """How many of this set are for each person, of those that passed so far."""
    people, counts = np.unique(facts.person[judged.passed], return_counts=True)
    return dict(zip(people.tolist(), counts.tolist(), strict=True))


def _give_way(
    times: list[tuple[int, int]], rivals: Sequence[Rival], limits: Sequence[Cut], place: int, due: int, wanted: int
) -> Sequence[Rival]:
    """The fewest rivals, weakest first, whose going makes the most room, up to what is wanted."""
    best, most = 0, max(0, _room(times, limits, place, due))
    left = list(times)
    for count, rival in enumerate(rivals, 1):
        if most >= wanted:
            break
        if (rival.at, rival.kind) in left:
            left.remove((rival.at, rival.kind))
        room = _room(left, limits, place, due)
        if room > most:
            best, most = count, room
    return rivals[:best]


def _room(times: Sequence[tuple[int, int]], limits: Sequence[Cut], place: int, due: int) -> int:
    room = 2**31
    for cut in limits:
        length = cut.length if cut.lengths is None else int(cut.lengths[place])
        if length:
            kinds = set(cut.kinds)
            room = min(room, room_left(sorted(at for at, kind in times if kind in kinds), due, length, cut.most))
    return room


async def _displace(conn: Connection, dispatch: Dispatch, victims: Sequence[Rival], now: datetime) -> list[Rival]:
    """Take them out of the queue; those nobody took in hand meanwhile."""
    params = {
        "ids": bigints([v.delivery_id for v in victims]), "profile_ids": bigints([v.profile_id for v in victims]),
        "by": dispatch.key, "now": now,
    }  # fmt: skip
    rows = await (await conn.execute(SQL.displace, params)).fetchall()
    if rows:
        await conn.execute(SQL.look_for_room_later, params)
        await chains.after_record(conn, rows, now)
    gone = {one for one, _ in rows}
    return [victim for victim in victims if victim.delivery_id in gone]


def _without(known: Contacts, facts: Facts, gone: Sequence[Rival], by_place: dict[int, list[Rival]]) -> Contacts:
    """The contacts without those that gave way, at every place of their person."""
    keep = np.ones(len(known.owner), dtype=np.bool_)
    lost = {rival.delivery_id for rival in gone}
    owners = facts.person[known.owner] if len(known.owner) else known.owner
    for place, rivals in by_place.items():
        for rival in rivals:
            if rival.delivery_id not in lost:
                continue
            theirs = (owners == facts.person[place]) & (known.at == rival.at) & (known.kind == rival.kind) & keep
            for owner in np.unique(known.owner[theirs]).tolist():
                keep[np.flatnonzero(theirs & (known.owner == owner))[0]] = False
    return Contacts(known.owner[keep], known.at[keep], known.kind[keep])
