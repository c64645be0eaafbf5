"""The only code that runs the statements on claims: whose identities are, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from antiphon.awareness.profiles.identities import Identity
from antiphon.awareness.profiles.kinds import KINDS
from antiphon.awareness.profiles.linking import Claim, Proposal, order
from antiphon.foundation.postgres import Connection, load_queries
from antiphon.foundation.postgres.binary import bigints, instants, ints, jsonbs, texts

SQL = load_queries(Path(__file__).with_name("links.sql"))
LONG_AGO = -1_000_000
Given = tuple[str, str, int, str | None, str | None, str | None, int]
"""A new identity: kind, value, whose, the head that claims it (None: born with its profile), since which stamp, seen when."""


class Row(msgspec.Struct, gc=False):
    """An identity as the tables have it. `born`: it came with its profile, whose `stamp` it has; else with `head`, if any."""

    identity: Identity
    profile: int
    home: int
    born: bool
    head: Identity | None
    stamp: str
    seen: int | None
    shared: bool


def _named(identities: Iterable[Identity]) -> dict[str, Any]:
    pairs = list(identities)
    return {"kinds": texts([i[0] for i in pairs]), "values": texts([i[1] for i in pairs])}


def _row(identity: Identity, found: Sequence[Any]) -> Row:
    profile, home, with_kind, with_value, stamp, seen, shared, born = found
    head = Identity(with_kind, with_value) if with_kind else None
    return Row(identity, profile, home, with_kind is None, head, born if with_kind is None else stamp, seen, shared)


async def look_up(conn: Connection, identities: Iterable[Identity]) -> dict[Identity, Row]:
    """What is known of these; those nobody has are absent."""
    asked = list(identities)
    if not asked:
        return {}
    cursor = await conn.execute(SQL.look_up, _named(asked), binary=True)
    return {(one := asked[found[0] - 1]): _row(one, found[1:]) for found in await cursor.fetchall()}


async def owners(conn: Connection, identities: Iterable[Identity]) -> dict[Identity, int]:
    """Whose these are; those nobody has are absent."""
    asked = list(identities)
    if not asked:
        return {}
    cursor = await conn.execute(SQL.whose, _named(asked), binary=True)
    return {asked[n - 1]: profile for n, profile in await cursor.fetchall()}


async def still(conn: Connection, owner: Mapping[Identity, int]) -> bool:
    """Whether these are theirs now, too."""
    row = await (await conn.execute(SQL.still, _named(owner) | {"ids": bigints(list(owner.values()))})).fetchone()
    return row is not None and bool(row[0] == len(owner))


async def sizes(conn: Connection, people: Iterable[int]) -> dict[int, tuple[int, bool]]:
    """How many identities these people have, and whether there are some that a household may share."""
    if not people:
        return {}
    households = [kind.name for kind in KINDS.all() if kind.household]
    params = {"ids": bigints(sorted(people)), "households": texts(households)}
    return {row[0]: (row[1], row[2]) for row in await (await conn.execute(SQL.sizes, params, binary=True)).fetchall()}


async def scope(conn: Connection, people: Iterable[int]) -> dict[Identity, Row]:
    """Every identity of these people."""
    wanted = list(people)
    if not wanted:
        return {}
    cursor = await conn.execute(SQL.scope, {"ids": bigints(wanted)}, binary=True)
    return {(one := Identity(*found[:2])): _row(one, found[2:]) for found in await cursor.fetchall()}


async def further_claims(conn: Connection, identities: Iterable[Identity]) -> dict[tuple[Identity, Identity], Claim]:
    """Claims about these beside those in their own rows."""
    if not identities:
        return {}
    cursor = await conn.execute(SQL.claims, _named(identities), binary=True)
    result = {}
    for head_kind, head_value, kind, value, stamp, seen, state in await cursor.fetchall():
        head, other = Identity(head_kind, head_value), Identity(kind, value)
        result[head, other] = Claim(head, other, stamp, seen, state)
    return result


def own_claims(rows: Mapping[Identity, Row]) -> dict[tuple[Identity, Identity], Claim]:
    """Claims in the identities' own rows; those of one birth came with the strongest of it."""
    births: dict[int, list[Row]] = {}
    result = {}
    for row in rows.values():
        if row.born:
            births.setdefault(row.home, []).append(row)
        elif row.head is not None:
            result[row.head, row.identity] = Claim(row.head, row.identity, row.stamp, _seen(row))
    for family in births.values():
        head = min((row.identity for row in family), key=order)
        for row in family:
            if row.identity != head:
                result[head, row.identity] = Claim(head, row.identity, row.stamp, _seen(row))
    return result


def _seen(row: Row) -> int:
    if not KINDS.of(row.identity[0]).quiet_days:
        return LONG_AGO
    if row.seen is not None:
        return row.seen
    moment, _, _ = row.stamp.partition(" ")
    return int(moment) // 86_400_000_000 if moment.isdecimal() else LONG_AGO


async def hold(conn: Connection, people: Iterable[int]) -> dict[int, tuple[str, bool]]:
    """Hold these until the transaction ends: under which identity their traits were said, and whether there are none."""
    found = await (await conn.execute(SQL.hold, {"ids": bigints(sorted(people))})).fetchall()
    return {row[0]: (row[1], row[2]) for row in found}


def _columns(rows: Sequence[Row], profile: Mapping[Identity, int]) -> dict[str, Any]:
    return _named(row.identity for row in rows) | {
        "ids": bigints([profile[row.identity] for row in rows]),
        "with_kinds": texts([None if row.born else row.head[0] if row.head else "" for row in rows]),
        "with_values": texts([None if row.born else row.head[1] if row.head else "" for row in rows]),
        "stamps": texts([None if row.born else row.stamp for row in rows]),
        "seens": ints([LONG_AGO if row.seen is None else row.seen for row in rows]),
        "shareds": ints([row.shared for row in rows]),
    }


async def give(conn: Connection, rows: Sequence[Row], profile: Mapping[Identity, int]) -> int:
    """Write new identities; returns how many nobody else had taken meanwhile."""
    return (await conn.execute(SQL.give, _columns(rows, profile))).rowcount


async def attach(conn: Connection, given: Sequence[Given]) -> int:
    """The same of identities nobody shares."""
    kinds, values, ids, with_kinds, with_values, stamps, seens = zip(*given, strict=True)
    params = {
        "kinds": texts(kinds), "values": texts(values), "ids": bigints(ids), "with_kinds": texts(with_kinds),
        "with_values": texts(with_values), "stamps": texts(stamps), "seens": ints(seens), "shareds": ints([0] * len(given)),
    }  # fmt: skip
    return (await conn.execute(SQL.give, params)).rowcount


async def see(conn: Connection, days: Mapping[Identity, int]) -> None:
    """The last day on which these were named with their own."""
    await conn.execute(SQL.see, _named(days) | {"seens": ints(list(days.values()))})


async def change(conn: Connection, rows: Sequence[Row], profile: Mapping[Identity, int]) -> None:
    """Write whose identities are now, and by which claim."""
    await conn.execute(SQL.change, _columns(rows, profile) | {"homes": bigints([row.home for row in rows])})


async def note_claims(conn: Connection, claims: Sequence[Claim], who: str | None = None) -> None:
    """Keep claims beside the identities' own."""
    params = {
        "kinds": texts([c.other[0] for c in claims]), "values": texts([c.other[1] for c in claims]),
        "with_kinds": texts([c.head[0] for c in claims]), "with_values": texts([c.head[1] for c in claims]),
        "stamps": texts([c.stamp for c in claims]), "seens": ints([max(c.seen, LONG_AGO) for c in claims]),
        "states": texts([c.state for c in claims]), "who": who,
    }  # fmt: skip
    await conn.execute(SQL.note_claims, params)


async def make_profiles(conn: Connection, made: Sequence[tuple[int, bytes, str, str | None, str, int, int]]) -> None:
    """New people: (id, traits, stamp, head, born, first seen, last seen); instants in microseconds since PostgreSQL's epoch."""
    params = {
        "ids": bigints([m[0] for m in made]), "traits": jsonbs([m[1] for m in made]), "stamps": texts([m[2] for m in made]),
        "heads": texts([m[3] for m in made]), "borns": texts([m[4] for m in made]),
        "firsts": instants([m[5] for m in made]), "lasts": instants([m[6] for m in made]),
    }  # fmt: skip
    await conn.execute(SQL.make_profiles, params)


async def merged_into(conn: Connection, people: Iterable[int]) -> dict[int, int]:
    """Who was merged into these people, and into whom."""
    found = await (await conn.execute(SQL.aliases_into, {"ids": bigints(sorted(people))})).fetchall()
    return {row[0]: row[1] for row in found}


async def pairs(conn: Connection, statement: str, moved: Sequence[tuple[int, int]], **params: Any) -> None:
    """Run a statement about profiles and where each goes."""
    given = {"froms": bigints([m[0] for m in moved]), "intos": bigints([m[1] for m in moved])}
    await conn.execute(SQL[statement], given | params)


async def about(conn: Connection, statement: str, ids: Iterable[int]) -> None:
    """Run a statement about some profiles or proposals."""
    await conn.execute(SQL[statement], {"ids": bigints(sorted(ids))})


Traits = tuple[dict[str, Any], dict[str, str]]


async def traits_of(conn: Connection, people: Iterable[int]) -> dict[int, Traits]:
    """Traits and their stamps of these people."""
    found = await (await conn.execute(SQL.traits_of, {"ids": bigints(sorted(people))})).fetchall()
    return {one: (traits, dict.fromkeys(traits, stamp) | stamps) for one, traits, stamps, stamp in found}


async def said_of(conn: Connection, identities: Iterable[Identity]) -> dict[Identity, Traits]:
    """What was said under each of these identities."""
    found = await (await conn.execute(SQL.said_of, _named(identities))).fetchall()
    return {Identity(kind, value): (traits, stamps) for kind, value, traits, stamps in found}


async def write_said(conn: Connection, parts: Mapping[Identity, Traits]) -> None:
    """What was said under an identity, whole."""
    columns = {"traits": jsonbs(_json(p[0] for p in parts.values())), "stamps": jsonbs(_json(p[1] for p in parts.values()))}
    await conn.execute(SQL.write_said, _named(parts) | columns)


async def write_people(conn: Connection, people: Mapping[int, Traits]) -> None:
    """People's traits, whole."""
    columns = {"traits": jsonbs(_json(p[0] for p in people.values())), "stamps": jsonbs(_json(p[1] for p in people.values()))}
    await conn.execute(SQL.write_people, {"ids": bigints(list(people))} | columns)


def _json(values: Iterable[Any]) -> list[bytes]:
    return [msgspec.json.encode(value) for value in values]


async def part(conn: Connection, heads: Mapping[int, Identity]) -> None:
    """From now on what is said of these people is kept by identity."""
    await conn.execute(SQL.part, _named(heads.values()) | {"ids": bigints(list(heads))})


async def set_heads(conn: Connection, heads: Mapping[int, str]) -> None:
    """Under which identity these people's traits are said."""
    await conn.execute(SQL.set_heads, {"ids": bigints(list(heads)), "heads": texts(list(heads.values()))})


async def say(conn: Connection, said: Sequence[tuple[int, Identity, bytes, str]]) -> None:
    """(profile, identity, traits, stamp): what was said under an identity."""
    params = {
        "ids": bigints([s[0] for s in said]), "traits": jsonbs([s[2] for s in said]), "stamps": texts([s[3] for s in said]),
    }  # fmt: skip
    await conn.execute(SQL.say, _named(s[1] for s in said) | params)


async def proposals_about(conn: Connection, people: Iterable[int]) -> list[tuple[int, int, int, str, str, str, str]]:
    """(id, one, other, kind, value, state, question) of proposals about these people, as the people they are now."""
    return await (await conn.execute(SQL.proposals_about, {"ids": bigints(sorted(people))})).fetchall()


async def propose(conn: Connection, proposals: Sequence[Proposal]) -> None:
    """Offer pairs of known people for a decision."""
    params = {
        "lows": bigints([min(p.one, p.other) for p in proposals]),
        "highs": bigints([max(p.one, p.other) for p in proposals]),
        "questions": texts([p.question for p in proposals]),
    }
    await conn.execute(SQL.propose, _named(p.identity for p in proposals) | params)


async def rephrase(conn: Connection, changed: Sequence[tuple[int, Proposal]]) -> None:
    """Open proposals that ask something else now."""
    params = {"ids": bigints([c[0] for c in changed]), "questions": texts([c[1].question for c in changed])}
    await conn.execute(SQL.rephrase_proposals, _named(c[1].identity for c in changed) | params)
