"""From identities to people, as sets: the verb that intake and imports share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from antiphon.awareness.profiles import links, store
from antiphon.awareness.profiles.identities import Identity
from antiphon.awareness.profiles.kinds import KINDS
from antiphon.awareness.profiles.linking import day_of, ranked
from antiphon.awareness.profiles.model import Person
from antiphon.awareness.profiles.plain import Sorting, known_people, write_stars
from antiphon.awareness.profiles.rearranging import rearrange
from antiphon.awareness.profiles.scene import Named, ThinkAgain
from antiphon.foundation.errors import Unavailable
from antiphon.foundation.postgres import Connection, DeadlockDetected
from antiphon.foundation.postgres.binary import micros

_TRIES = 8


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
        except DeadlockDetected:  # of new identities some are written before others; what was held here is let go
            continue
    raise IdentitiesContended


async def _resolve(
    conn: Connection, people: Sequence[Person], at: datetime, further: set[int], over: set[int] | None
) -> list[int]:
    bundles = [ids if len(ids := person.identities) == 1 else ranked(ids) for person in people]
    several = {one for n, bundle in enumerate(bundles) if len(bundle) > 1 or people[n].also for one in bundle}
    rows = await links.look_up(conn, several)
    owner = await links.owners(conn, {bundle[0] for bundle in bundles if len(bundle) == 1} - several)
    owner.update((one, row.profile) for one, row in rows.items())
    sorting = Sorting(people, bundles, owner, rows)
    sorting.sort(await links.further_claims(conn, sorting.asks()))
    said = [n for n, person in enumerate(people) if person.traits is not None]
    about = {one for n in sorting.news for one in bundles[n] if one in owner} | sorting.later.keys()
    about.update(one for n in said if (one := bundles[n][0]) in owner)
    held = {owner[one] for one in about} | further
    heads = await _hold(conn, held, {one: owner[one] for one in about}) if held else {}
    sorting.part(await links.sizes(conn, {star.profile for star in sorting.stars.values() if star.profile}))
    made = await write_stars(conn, sorting, heads)
    if sorting.later:
        await links.see(conn, sorting.later)
    heads |= made.heads
    owner |= made.profile
    changed, written = made.changed, made.written
    if loose := sorted(sorting.contested):
        named = [
            Named(bundles[n], people[n].also, people[n].stamp, day_of(people[n].stamp), micros(people[n].at), people[n].traits)
            for n in loose
        ]
        outcome = await rearrange(conn, (further & heads.keys()) | known_people(sorting, loose), named, at=at, heads=heads)
        owner |= outcome.profile
        heads |= outcome.heads
        changed |= outcome.changed
        written.update(loose[n] for n in outcome.written)
        if over is not None:
            over.update(loose[n] for n in outcome.over)
    whose = [owner[bundle[0]] for bundle in bundles]
    changed |= await _say(conn, people, bundles, whose, [n for n in said if n not in written], heads)
    await store.mark_dirty(conn, changed)
    return whose


async def _hold(conn: Connection, people: set[int], owner: Mapping[Identity, int]) -> dict[int, tuple[str, bool]]:
    """Hold these people; raises ThinkAgain if one of the identities is another's by now."""
    heads = await links.hold(conn, people)
    if not heads.keys() >= set(owner.values()) or not await links.still(conn, owner):
        raise ThinkAgain
    return heads


async def _say(
    conn: Connection, people: Sequence[Person], bundles: Sequence[tuple[Identity, ...]], ids: Sequence[int], said: Sequence[int],
    heads: Mapping[int, tuple[str, bool]],
) -> set[int]:  # fmt: skip
    """Let traits compete; those of a person of whom is spoken under several identities are kept by identity as well."""
    if not said:
        return set()
    speaker: dict[int, Identity] = {}
    many: set[int] = set()
    for n in said:
        if speaker.setdefault(ids[n], bundles[n][0]) != bundles[n][0]:
            many.add(ids[n])
    parted: dict[int, Identity] = {}
    first: dict[int, str] = {}
    several: set[int] = set()
    for profile, one in speaker.items():
        text, blank = heads[profile]
        if (name := f"{one[0]} {one[1]}") == text and profile not in many:
            continue
        if blank and profile not in many:
            first[profile] = name
        elif blank or text == "":
            several.add(profile)
            if text:
                first[profile] = ""
        else:
            kind, _, value = text.partition(" ")
            parted[profile] = Identity(kind, value)
            several.add(profile)
    if parted:
        await links.part(conn, parted)
    if first:
        await links.set_heads(conn, first)
    if several:
        spoken = [(ids[n], bundles[n][0], people[n].traits or b"{}", people[n].stamp) for n in said if ids[n] in several]
        await links.say(conn, spoken)
    traits = [people[n].traits or b"{}" for n in said]
    return set(await store.merge_traits(conn, [ids[n] for n in said], traits, [people[n].stamp for n in said]))
