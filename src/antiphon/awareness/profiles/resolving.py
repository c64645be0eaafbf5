"""From identities to people, as sets: the verb that intake and imports share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from antiphon.awareness.profiles import store
from antiphon.awareness.profiles.identities import Identity
from antiphon.awareness.profiles.linking import Linker, Plan, Proposal
from antiphon.awareness.profiles.model import Person
from antiphon.awareness.profiles.notices import ProfilesMerged
from antiphon.foundation.errors import Unavailable
from antiphon.foundation.notices import publish
from antiphon.foundation.postgres import Connection
from antiphon.foundation.postgres.binary import micros

_TRIES = 8


class IdentitiesContended(Unavailable):
    """Others keep linking the same identities; try again."""


class _ThinkAgain(Exception):
    """Somebody else linked one of these identities meanwhile."""


async def resolve(conn: Connection, people: Sequence[Person], *, at: datetime) -> list[int]:
    """The canonical profile of each, in order, in the caller's transaction; each must have an identity.

    Makes those nobody knows, links new identities, merges anonymous into known and proposes what must not merge by
    itself, all as sets; then merges the traits, each by its stamp. Safe beside any number of others doing the same:
    profiles are held in order of id, then identities written in order of value, and whoever comes second thinks again.
    `at` is the business time of merges.
    """
    owner = await store.owners(conn, sorted({identity for person in people for identity in person.identities}))
    for _ in range(_TRIES):
        try:
            async with conn.transaction():
                return await _resolve(conn, people, owner, at)
        except _ThinkAgain:
            owner = await store.owners(conn, sorted({i for person in people for i in person.identities}))
    raise IdentitiesContended


def _settled(person: Person, owner: dict[Identity, int]) -> bool:
    first = owner.get(person.identities[0])
    return first is not None and all(owner.get(identity) == first for identity in person.identities)


async def _resolve(conn: Connection, people: Sequence[Person], owner: dict[Identity, int], at: datetime) -> list[int]:
    loose = [n for n, person in enumerate(people) if not _settled(person, owner)]
    named = set(loose).union(n for n, person in enumerate(people) if person.traits is not None)
    touched = [i for n in named for i in people[n].identities if i in owner]
    held = sorted({owner[identity] for identity in touched})
    if held:
        locked = await store.lock_profiles(conn, held)
        again = await store.owners(conn, sorted({i for n in named for i in people[n].identities}))
        if not locked.issuperset(again.values()):
            raise _ThinkAgain
        owner = {**owner, **again}
        loose = [n for n, person in enumerate(people) if not _settled(person, owner)]
    changed: set[int] = set()
    written: set[int] = set()
    ids = [owner.get(person.identities[0], 0) for person in people]
    if loose:
        with_user, with_email = await store.known(conn, held) if held else (set(), set())
        plan = Linker(owner, with_user, with_email).link([people[n].identities for n in loose])
        made, written = await _make(conn, people, loose, plan)
        await _write_plan(conn, plan, made, at)
        for n, profile in zip(loose, plan.profiles, strict=True):
            ids[n] = made.get(profile, profile)
        into = dict(plan.merges)
        ids = [into.get(one, one) for one in ids]
        changed.update(made.values(), plan.attach.values(), into, into.values())
        changed = {made.get(one, one) for one in changed}
    said = [n for n, person in enumerate(people) if person.traits is not None and n not in written]
    if said:
        traits = [people[n].traits or b"{}" for n in said]
        changed.update(await store.merge_traits(conn, [ids[n] for n in said], traits, [people[n].stamp for n in said]))
    await store.mark_dirty(conn, changed)
    return ids


async def _make(conn: Connection, people: Sequence[Person], loose: Sequence[int], plan: Plan) -> tuple[dict[int, int], set[int]]:
    """Insert new people; returns their real ids, and whose traits were written with them."""
    if not plan.made:
        return {}, set()
    made = dict(zip(plan.made, await store.next_ids(conn, len(plan.made)), strict=True))
    first = dict.fromkeys(made, 2**62)
    last = dict.fromkeys(made, -(2**62))
    told: dict[int, list[int]] = {one: [] for one in made}
    for n, profile in zip(loose, plan.profiles, strict=True):
        if profile < 0:
            when = micros(people[n].at)
            first[profile] = min(first[profile], when)
            last[profile] = max(last[profile], when)
            if people[n].traits is not None:
                told[profile].append(n)
    traits, stamps, written = [], [], set()
    for profile in made:
        # One message about a new person, and no null in it: its traits go into the row at once.
        only = told[profile][0] if len(told[profile]) == 1 else None
        text = people[only].traits if only is not None else None
        if only is not None and text is not None and b"null" not in text:
            traits.append(text)
            stamps.append(people[only].stamp)
            written.add(only)
        else:
            traits.append(b"{}")
            stamps.append("")
    await store.make_profiles(conn, list(made.values()), traits, stamps, list(first.values()), list(last.values()))
    return made, written


async def _write_plan(conn: Connection, plan: Plan, made: dict[int, int], at: datetime) -> None:
    if plan.attach:
        given = [(identity, made.get(profile, profile)) for identity, profile in plan.attach.items()]
        if await store.give_identities(conn, given) != len(given):
            raise _ThinkAgain
    if plan.merges:
        await store.merge(conn, plan.merges, at=at, reason="same identities", who=None)
        await publish(conn, ProfilesMerged([m[0] for m in plan.merges], [m[1] for m in plan.merges]))
    if plan.proposals:
        real = [Proposal(made.get(p.one, p.one), made.get(p.other, p.other), p.identity) for p in plan.proposals]
        await store.propose(conn, real)
