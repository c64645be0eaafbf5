"""What is true of people now, read for a whole set in the tick's own transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from pyroaring import BitMap

from antiphon.awareness.segments import zone_names
from antiphon.execution.delivery import clocks
from antiphon.execution.journeys.contract import Bools, Ints
from antiphon.foundation.postgres import Connection, load_queries
from antiphon.foundation.postgres.binary import bigints, texts

SQL = load_queries(Path(__file__).with_name("live.sql"))
BECAME = ("sent", "delivered", "opened", "clicked", "replied", "failed")
MOST_TEXT = 2_000  # characters of an answer that are remembered; the customer's history has it whole
MOST_TURNS = 50
"""So many turns back it is looked for what a step said."""
_values = msgspec.json.Decoder(list[Any]).decode
HOPS = ("", *(f":hop{n}" for n in range(1, 11)))


async def traits(conn: Connection, profiles: Ints, names: Sequence[str]) -> Mapping[str, list[Any]]:
    """Traits as they are, None where one is not set."""
    params = {"profile_ids": bigints(profiles), "names": list(names)}
    row = await (await conn.execute(SQL.traits, params, binary=True)).fetchone()
    nothing = [None] * len(names)
    rows = [nothing if one is None else _values(one) for one in ((row[0] if row else None) or ())]
    return {name: [one[n] for one in rows] for n, name in enumerate(names)}


async def zones(conn: Connection, profiles: Ints) -> list[str]:
    """The time zone of each, as the gate knows it."""
    if not len(profiles):
        return []
    stated, own, usual = await clocks(conn, profiles.tolist())
    known = zone_names()
    return [a if a in known else b if b in known else usual for a, b in zip(stated, own, strict=True)]


async def preferred(conn: Connection, profiles: Ints) -> list[str | None]:
    """The channel each asked for."""
    row = await (await conn.execute(SQL.preferred, {"profile_ids": bigints(profiles)})).fetchone()
    return list(row[0] or ()) if row else []


def among(people: BitMap, profiles: Ints) -> Bools:
    """Which of these are in a set; a few are asked for one by one, many are looked up in an array."""
    if len(profiles) * 20 < len(people):
        return np.fromiter((one in people for one in profiles.tolist()), dtype=np.bool_, count=len(profiles))
    return np.isin(profiles, np.frombuffer(people.to_array(), dtype=np.uint32))


async def keys_of(conn: Connection, journey_id: int, step: str) -> list[str]:
    """The keys of the dispatches by which a step ever spoke."""
    params = {"prefix": f"journey:{journey_id}:", "step": step, "tails": list(HOPS), "journey_id": journey_id}
    return [row[0] for row in await (await conn.execute(SQL.dispatches_of, params)).fetchall()]


async def said(conn: Connection, keys: Sequence[str], profiles: Ints, runs: Ints, turns: Ints) -> Mapping[str, Bools]:
    """What became of what passages were told by these dispatches, at the latest turn at which they were."""
    found: dict[str, Bools] = {name: np.zeros(len(profiles), dtype=np.bool_) for name in BECAME}
    seen = np.zeros(len(profiles), dtype=np.bool_)
    for back in range(min(int(turns.max(initial=0)), MOST_TURNS) + 1 if keys else 0):
        asked = np.flatnonzero(~seen & (turns >= back))
        if not len(asked):
            break
        for place, row in (await _said(conn, keys, profiles[asked], runs[asked], turns[asked] - back)).items():
            where = asked[place]
            seen[where] = True
            for name, value in zip(BECAME, row[:-1], strict=True):
                found[name][where] = value
    return found


async def told(conn: Connection, keys: Sequence[str], profiles: Ints, runs: Ints, turns: Ints) -> Bools:
    """Who was told, or will be, by these dispatches at this very turn."""
    found = np.zeros(len(profiles), dtype=np.bool_)
    for place, row in (await _said(conn, keys, profiles, runs, turns)).items() if keys else ():
        found[place] = row[-1]
    return found


async def _said(conn: Connection, keys: Sequence[str], profiles: Ints, runs: Ints, turns: Ints) -> dict[int, tuple[bool, ...]]:
    suffixes = [f"{run}.{turn}" for run, turn in zip(runs.tolist(), turns.tolist(), strict=True)]
    params = {"profile_ids": bigints(profiles), "suffixes": texts(suffixes), "keys": list(keys)}
    rows = await (await conn.execute(SQL.said, params)).fetchall()
    return {place: tuple(values) for place, *values in rows}


async def remembers(conn: Connection, profiles: Ints, now: datetime) -> list[dict[str, Any]]:
    """The dialogue of each so far."""
    params = {"profile_ids": bigints(profiles), "now": now, "most": MOST_TEXT}
    memories: list[dict[str, Any]] = [
        {"last_said": None, "last_heard": None, "heard": {}, "last_offer": None, "open_conversation": False} for _ in profiles
    ]
    for place, channel, at, topic, message_class, answered in await (await conn.execute(SQL.last_said, params)).fetchall():
        memories[place]["last_said"] = {
            "channel": channel, "at": at.isoformat(), "topic": topic, "message_class": message_class, "answered": answered,
        }  # fmt: skip
    for place, channel, at, text in await (await conn.execute(SQL.last_heard, params)).fetchall():
        one = {"channel": channel, "at": at.isoformat(), "text": text}
        memory = memories[place]
        memory["heard"].setdefault(channel, one)
        if memory["last_heard"] is None:
            memory["last_heard"] = one
            last = memory["last_said"]
            memory["open_conversation"] = last is None or datetime.fromisoformat(last["at"]) < at
    return memories
