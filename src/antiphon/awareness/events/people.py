"""Whose the calls are: from memory where that is enough, the rest as one set; when people were seen; their groups."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from antiphon.awareness import profiles
from antiphon.awareness.events.calls import Understood, identities_of
from antiphon.awareness.events.journal import INTERNAL
from antiphon.awareness.events.reading import Refusal, Taken
from antiphon.awareness.profiles import ANONYMOUS_ID, Identity, Person, Proposal, normal_identity, stamp_of
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection
from antiphon.foundation.postgres.binary import from_micros

MOST_REMEMBERED = 400_000
_HOUR = 3_600_000_000


class Intake:
    """What one process remembers between transactions: whose an identity is, days that exist, names seen."""

    def __init__(self) -> None:
        self.epoch = -1
        self.users: dict[str, int] = {}
        self.anonymous: dict[str, int] = {}
        self.seen: dict[int, int] = {}
        self.known: set[int] = set()
        self.names: dict[tuple[str, str], float] = {}
        self.days: set[tuple[str, date]] = set()

    def forget(self) -> None:
        """What was learnt in a transaction that did not commit, or under another epoch, is not true."""
        for learnt in (self.users, self.anonymous, self.seen, self.known, self.names, self.days):
            learnt.clear()

    def begin(self, epoch: int) -> None:
        """Identities remembered under another epoch may be wrong."""
        if epoch != self.epoch or len(self.users) + len(self.anonymous) + len(self.known) > MOST_REMEMBERED:
            self.forget()
            self.epoch = epoch


def people_of(event: Understood, lane: int, seq: int) -> list[Person]:
    """One entry for a call about somebody, none for a call about nobody.

    An alias says that its previousId (an anonymous id, or a user id somebody already has) is its userId's person. A
    group's traits are the group's.
    """
    identities = identities_of(event)
    if event.previous_id is not None:
        previous = normal_identity(ANONYMOUS_ID, event.previous_id)
        if previous is not None and previous not in identities:
            identities = (*identities, previous)
    if not identities:
        return []
    at = from_micros(event.ts)
    traits = event.traits if event.kind == "identify" and event.traits not in (None, b"{}") else None
    return [Person(identities, traits, stamp_of(at, event.message_id or f"{lane}-{seq}"), at)]


async def find_people(ctx: Context, conn: Connection, memory: Intake, taken: list[Taken], refused: list[Refusal]) -> None:
    """Give each call its profile: from memory where that is enough, the rest as one set."""
    await _drop_unknown(conn, memory, taken, refused)
    people: list[Person] = []
    owners: list[Taken] = []
    users, anonymous = memory.users, memory.anonymous
    kept: list[Taken] = []
    for one in taken:
        event = one.event
        if event.profile_id is not None:
            one.profile_id = event.profile_id
        elif event.traits is None and event.previous_id is None:
            found = users.get(event.user_id) if event.user_id else None
            if found is not None and event.anonymous_id and anonymous.get(event.anonymous_id) != found:
                found = None
            elif event.user_id is None and event.anonymous_id:
                found = anonymous.get(event.anonymous_id)
            one.profile_id = found
        if one.profile_id is None:
            asked = people_of(one.event, one.row.lane, one.row.seq)
            if not asked and one.row.source_id != INTERNAL:
                refused.append(Refusal(one.row, "no_identity", "neither userId nor anonymousId names anybody"))
                continue
            people += asked
            owners += [one] * len(asked)
        kept.append(one)
    taken[:] = kept
    if people:
        ids = await _resolve(ctx, conn, people, owners)
        for one, profile in zip(owners, ids, strict=True):
            one.profile_id = profile
            event = one.event
            if event.user_id:
                users[event.user_id] = profile
            if event.anonymous_id:
                # Only what certainly leads there: on a shared device the anonymous id stays somebody else's.
                anonymous.pop(event.anonymous_id, None)
                if not event.user_id:
                    anonymous[event.anonymous_id] = profile
        await _remember_anonymous(conn, memory, owners)
    await touch_people(conn, memory, taken)


async def _drop_unknown(conn: Connection, memory: Intake, taken: list[Taken], refused: list[Refusal]) -> None:
    """Antiphon's own events name a profile: of one that was erased meanwhile nothing may be written."""
    named = {one.event.profile_id for one in taken if one.event.profile_id is not None} - memory.known
    if not named:
        return
    memory.known |= await profiles.existing(conn, list(named))
    gone = [one for one in taken if one.event.profile_id is not None and one.event.profile_id not in memory.known]
    if gone:
        refused += [Refusal(one.row, "no_such_profile", "its profileId is nobody's") for one in gone]
        taken[:] = [one for one in taken if one.event.profile_id is None or one.event.profile_id in memory.known]


async def _resolve(ctx: Context, conn: Connection, people: list[Person], owners: Sequence[Taken]) -> list[int]:
    """Resolve; an alias between two user ids that both exist is a proposal, not a merge."""
    asked = {
        n: Identity(profiles.USER_ID, one.event.previous_id) for n, one in enumerate(owners) if one.event.previous_id is not None
    }
    known = await profiles.owners(conn, list(set(asked.values()))) if asked else {}
    for n, previous in asked.items():
        if previous in known:
            people[n] = msgspec.structs.replace(people[n], identities=people[n].identities[:-1] or people[n].identities)
    ids = await profiles.resolve(conn, people, at=ctx.clock.now())
    clashes = [Proposal(known[p], ids[n], p) for n, p in asked.items() if p in known and known[p] != ids[n]]
    if clashes:
        await profiles.propose(conn, clashes)
    return ids


async def _remember_anonymous(conn: Connection, memory: Intake, owners: Sequence[Taken]) -> None:
    both = {
        one.event.anonymous_id: one.profile_id
        for one in owners
        if one.event.anonymous_id and one.event.user_id and one.event.traits is None
    }
    if both:
        wanted = [Identity(ANONYMOUS_ID, value) for value in both]
        for identity, owner in (await profiles.owners(conn, wanted)).items():
            memory.anonymous[identity.value] = owner


async def touch_people(conn: Connection, memory: Intake, taken: Sequence[Taken]) -> None:
    """Tell when people were last seen, once an hour each."""
    seen = memory.seen
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for one in taken:
        profile, ts = one.profile_id, one.event.ts
        if profile is None or one.row.source_id == INTERNAL or seen.get(profile, 0) > ts - _HOUR:
            continue
        first[profile] = min(first.get(profile, ts), ts)
        last[profile] = max(last.get(profile, ts), ts)
    if first:
        await profiles.touch(conn, [(profile, first[profile], last[profile]) for profile in sorted(first)])
        seen.update(last)


async def join_groups(conn: Connection, taken: Sequence[Taken]) -> None:
    joined = [one for one in taken if one.event.group_id is not None and one.profile_id is not None]
    if joined:
        await profiles.join_groups(conn, [(one.profile_id or 0, one.event.group_id or "", one.event.ts) for one in joined])
        await profiles.merge_group_traits(
            conn,
            [
                (one.event.group_id or "", one.event.traits or b"{}", _stamp(one))
                for one in joined
                if one.event.traits not in (None, b"{}")
            ],
        )


def _stamp(one: Taken) -> str:
    return stamp_of(from_micros(one.event.ts), one.event.message_id or f"{one.row.lane}-{one.row.seq}")
