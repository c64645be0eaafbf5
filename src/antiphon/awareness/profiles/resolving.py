"""From identities to people, as sets: the verb that intake and imports share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from antiphon.awareness.profiles import links, store
from antiphon.awareness.profiles.identities import Identity
from antiphon.awareness.profiles.kinds import KINDS
from antiphon.awareness.profiles.linking import Claim, day_of, order
from antiphon.awareness.profiles.links import Row
from antiphon.awareness.profiles.model import Person
from antiphon.awareness.profiles.rearranging import rearrange
from antiphon.awareness.profiles.scene import Named, ThinkAgain
from antiphon.foundation.errors import Unavailable
from antiphon.foundation.postgres import Connection
from antiphon.foundation.postgres.binary import micros

_TRIES = 8
Claims = Mapping[tuple[Identity, Identity], Claim]


class IdentitiesContended(Unavailable):
    """Others keep linking the same identities; try again."""


async def resolve(conn: Connection, people: Sequence[Person], *, at: datetime, over: set[int] | None = None) -> list[int]:
    """The canonical profile of each, in order, in the caller's transaction; each must have an identity.

    Makes those nobody knows, links new identities, merges anonymous into known, parts what an earlier claim parts, and
    proposes what must not happen by itself, all as sets; then merges the traits, each by its stamp. What comes out does not
    depend on what came first. Safe beside any number of others doing the same: profiles are held in order of id, then
    identities written in order of value, and whoever comes second thinks again. `at` is the business time of merges.
    Identities past a person's most are left out; `over` gets the places of those who named one.
    """
    await KINDS.refresh(conn)
    further: set[int] = set()
    for _ in range(_TRIES):
        try:
            async with conn.transaction():
                return await _resolve(conn, people, at, further, over)
        except ThinkAgain as again:
            further |= again.about
    raise IdentitiesContended


def _settled(each: Named, rows: Mapping[Identity, Row], claims: Claims) -> bool:
    """Whether everything this message claims was claimed before, as early and as late."""
    first = rows.get(each.bundle[0])
    if first is None:
        return False
    for one in each.bundle[1:]:
        row = rows.get(one)
        if row is None:
            return False
        if first.shared or row.shared:
            continue
        if (row.born and first.born and row.home == first.home) or row.head == first.identity:
            stamp, seen = row.stamp, row.seen if row.seen is not None else day_of(row.stamp)
        elif (claim := claims.get((first.identity, one))) is not None:
            stamp, seen = claim.stamp, claim.seen
        else:
            return False
        if stamp > each.stamp or (seen < each.day and KINDS.of(one[0]).quiet_days):
            return False
    return all((claim := claims.get((first.identity, one))) is not None and claim.stamp <= each.stamp for one in each.also)


async def _loose(conn: Connection, named: Sequence[Named], rows: Mapping[Identity, Row]) -> list[int]:
    """The places of messages that say something new about who is who."""
    loose = [n for n, each in enumerate(named) if not _settled(each, rows, {})]
    asked = {one for n in loose if all(one in rows for one in named[n].bundle) for one in (*named[n].bundle[1:], *named[n].also)}
    if asked:
        claims = await links.further_claims(conn, sorted(asked))
        loose = [n for n in loose if not _settled(named[n], rows, claims)]
    return loose


async def _resolve(
    conn: Connection, people: Sequence[Person], at: datetime, further: set[int], over: set[int] | None
) -> list[int]:
    named = [
        Named(
            tuple(sorted(person.identities, key=order)) if len(person.identities) > 1 else person.identities,
            person.also, person.stamp, day_of(person.stamp), micros(person.at), person.traits,
        )
        for person in people
    ]  # fmt: skip
    rows = await links.look_up(conn, sorted({one for each in named for one in each.bundle}))
    loose = await _loose(conn, named, rows)
    said = [n for n, each in enumerate(named) if each.traits is not None]
    heads: dict[int, tuple[str, bool]] = {}
    held = {rows[one].profile for n in loose for one in named[n].bundle if one in rows} | further
    speakers = {rows[one].profile for n in said if (one := named[n].bundle[0]) in rows}
    if held or speakers:
        heads = await links.hold(conn, held | speakers)
        about = {one for n in {*loose, *said} for one in named[n].bundle}
        rows |= await links.look_up(conn, sorted(about))
        if not heads.keys() >= {rows[one].profile for n in loose for one in named[n].bundle if one in rows} | {
            rows[one].profile for n in said if (one := named[n].bundle[0]) in rows
        }:
            raise ThinkAgain
        held = (held & heads.keys()) | {rows[one].profile for n in loose for one in named[n].bundle if one in rows}
    changed: set[int] = set()
    written: set[int] = set()
    profile = {one: row.profile for one, row in rows.items()}
    if loose:
        outcome = await rearrange(conn, held, [named[n] for n in loose], at=at, heads=heads)
        profile |= outcome.profile
        heads |= outcome.heads
        written = {loose[n] for n in outcome.written}
        changed = outcome.changed
        if over is not None:
            over.update(loose[n] for n in outcome.over)
    ids = [profile[each.bundle[0]] for each in named]
    changed |= await _say(conn, named, ids, [n for n in said if n not in written], heads)
    await store.mark_dirty(conn, changed)
    return ids


async def _say(
    conn: Connection, named: Sequence[Named], ids: Sequence[int], said: Sequence[int], heads: Mapping[int, tuple[str, bool]]
) -> set[int]:
    """Let traits compete; those of a person of whom is spoken under several identities are kept by identity as well."""
    if not said:
        return set()
    under: dict[int, set[Identity]] = {}
    for n in said:
        under.setdefault(ids[n], set()).add(named[n].bundle[0])
    parted, first, several = {}, {}, set()
    for profile, speakers in under.items():
        text, blank = heads[profile]
        names = {f"{one[0]} {one[1]}" for one in speakers}
        if blank and len(names) == 1:
            if names != {text}:
                first[profile] = names.pop()
        elif blank or text == "":
            several.add(profile)
            if text:
                first[profile] = ""
        elif names != {text}:
            kind, _, value = text.partition(" ")
            parted[profile] = Identity(kind, value)
            several.add(profile)
    if parted:
        await links.part(conn, parted)
    if first:
        await links.set_heads(conn, first)
    spoken = [(ids[n], named[n].bundle[0], named[n].traits or b"{}", named[n].stamp) for n in said]
    if several:
        await links.say(conn, [one for one in spoken if one[0] in several])
    return set(await store.merge_traits(conn, [s[0] for s in spoken], [s[2] for s in spoken], [s[3] for s in spoken]))
