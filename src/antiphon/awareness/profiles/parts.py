"""A person's traits out of what was said under each of their identities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from antiphon.awareness.profiles import links
from antiphon.awareness.profiles.identities import Identity
from antiphon.awareness.profiles.links import Row, Traits
from antiphon.foundation.postgres import Connection

_NOTHING = object()


async def share_out(
    conn: Connection,
    rows: Mapping[Identity, Row],
    profile: Mapping[Identity, int],
    regrouped: Mapping[int, Iterable[int]],
    heads: Mapping[int, tuple[str, bool]],
) -> set[int]:
    """Write the traits of people whose identities are others now; returns whose.

    `regrouped` tells from which profiles each got any, `heads` under which identity the traits of each were said. What
    was written of a person and said under none of their identities (a computed trait) stays with the profile.
    """
    before = {source for sources in regrouped.values() for source in sources}
    traits = await links.traits_of(conn, before)
    members: dict[int, list[Identity]] = {}
    for one, row in rows.items():
        if row.profile in before or profile[one] in regrouped:
            members.setdefault(profile[one], []).append(one)
    parts = await links.said_of(conn, [one for group in members.values() for one in group])
    new: dict[Identity, Traits] = {}
    for person, whole in traits.items():
        text, blank = heads.get(person, ("", True))
        kind, _, value = text.partition(" ")
        head = Identity(kind, value)
        if text and not blank and head in rows and rows[head].profile == person:
            parts[head] = new[head] = whole
    explained: dict[int, list[Traits]] = {}
    ends: dict[int, set[int]] = {}
    for one, row in rows.items():
        ends.setdefault(row.profile, set()).add(profile[one])
        if one in parts:
            explained.setdefault(row.profile, []).append(parts[one])
    own = {person: _unexplained(whole, explained.get(person, ())) for person, whole in traits.items()}
    result: dict[int, Traits] = {}
    for person, sources in regrouped.items():
        bits = [parts[one] for one in members.get(person, ()) if one in parts]
        # What no identity explains stays with its profile, and goes where that goes.
        bits += [own[x] for x in sources if x in own and (x == person or (x not in ends[x] and min(ends[x]) == person))]
        result[person] = latest(bits)
    if new:
        await links.write_said(conn, new)
    await links.write_people(conn, result)
    return set(result)


def _unexplained(whole: Traits, parts: Iterable[Traits]) -> Traits:
    traits, stamps = whole
    said = {(name, stamp) for part in parts for name, stamp in part[1].items()}
    names = [name for name, stamp in stamps.items() if (name, stamp) not in said]
    return {name: traits[name] for name in names if name in traits}, {name: stamps[name] for name in names}


def latest(parts: Iterable[Traits]) -> Traits:
    """Parts put together, each trait by its stamp."""
    best: dict[str, tuple[str, bytes, Any]] = {}
    for traits, stamps in parts:
        for name, stamp in stamps.items():
            value = traits.get(name, _NOTHING)
            text = b"" if value is _NOTHING else msgspec.json.encode(value)
            if name not in best or (stamp, text) > best[name][:2]:
                best[name] = (stamp, text, value)
    traits = {name: value for name, (_, _, value) in best.items() if value is not _NOTHING}
    return traits, {name: stamp for name, (stamp, _, _) in best.items()}
