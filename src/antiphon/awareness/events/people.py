"""Whose the calls are: from memory where that is enough, the rest as one set; when people were seen; their groups."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from antiphon.awareness import profiles
from antiphon.awareness.events.calls import Understood, context_identities, identities_of
from antiphon.awareness.events.journal import INTERNAL
from antiphon.awareness.events.reading import Refusal, Taken
from antiphon.awareness.profiles import ANONYMOUS_ID, USER_ID, Identity, Person, normal_identity, stamp_of
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
        self.anonymous: dict[str, tuple[int, str | None, int]] = {}
        """Whose an anonymous id is; with which user id it was claimed, and when: a later call with both says nothing new."""
        self.bundles: dict[tuple[str | None, str | None, tuple[Identity, ...]], tuple[int, int]] = {}
        """The same of calls that name devices or other ids as well."""
        self.seen: dict[int, int] = {}
        self.known: set[int] = set()
        self.names: dict[tuple[str, str], float] = {}
        self.days: set[tuple[str, date]] = set()

    def forget(self) -> None:
        """What was learnt in a transaction that did not commit, or under another epoch, is not true."""
        for learnt in (self.users, self.anonymous, self.bundles, self.seen, self.known, self.names, self.days):
            learnt.clear()

    def begin(self, epoch: int) -> None:
        """Identities remembered under another epoch may be wrong."""
        if (
            epoch != self.epoch
            or len(self.users) + len(self.anonymous) + 2 * len(self.bundles) + len(self.known) + len(self.seen) > MOST_REMEMBERED
        ):
            self.forget()
            self.epoch = epoch


def people_of(event: Understood, lane: int, seq: int) -> list[Person]:
    """One entry for a call about somebody, none for a call about nobody.

    An alias says that its previousId (an anonymous id; perhaps also a user id, and then it is a proposal) is its userId's
    person. A group's traits are the group's.
    """
    identities = identities_of(event)
    also: tuple[Identity, ...] = ()
    if event.previous_id is not None:
        previous = normal_identity(ANONYMOUS_ID, event.previous_id)
        if previous is not None and previous not in identities:
            identities = (*identities, previous)
        former = normal_identity(USER_ID, event.previous_id)
        also = (former,) if former is not None and former not in identities else ()
    if not identities:
        return []
    at = from_micros(event.ts)
    traits = event.traits if event.kind == "identify" and event.traits not in (None, b"{}") else None
    return [Person(identities, traits, stamp_of(at, event.message_id or f"{lane}-{seq}"), at, also)]


async def find_people(ctx: Context, conn: Connection, memory: Intake, taken: list[Taken], refused: list[Refusal]) -> None:
    """Give each call its profile: from memory where that is enough, the rest as one set."""
    await _drop_unknown(conn, memory, taken, refused)
    people: list[Person] = []
    owners: list[Taken] = []
    kept: list[Taken] = []
    for one in taken:
        event = one.event
        if event.profile_id is not None:
            one.profile_id = event.profile_id
        elif event.traits is None and event.previous_id is None:
            one.profile_id = _remembered(memory, event)
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
        over: set[int] = set()
        ids = await profiles.resolve(conn, people, at=ctx.clock.now(), over=over)
        for one, profile in zip(owners, ids, strict=True):
            one.profile_id = profile
            if one.event.user_id:
                memory.users[one.event.user_id] = profile
        await _remember(conn, memory, [one for n, one in enumerate(owners) if n not in over])
        if over:
            full = {id(owners[n]) for n in over}
            refused += [Refusal(owners[n].row, "too_many_identities", _FULL) for n in sorted(over)]
            taken[:] = [one for one in taken if id(one) not in full]
    await touch_people(conn, memory, taken)


_FULL = "its person would have more identities of one kind than a person may have"


def _remembered(memory: Intake, event: Understood) -> int | None:
    """Whose a call is, if it says nothing of who is who that was not said before."""
    further = context_identities(event)
    if further:
        whole = memory.bundles.get((event.user_id, event.anonymous_id, further))
        return whole[0] if whole is not None and whole[1] <= event.ts else None
    if not event.user_id:
        alone = memory.anonymous.get(event.anonymous_id) if event.anonymous_id else None
        return alone[0] if alone is not None else None
    found = memory.users.get(event.user_id)
    if found is None or not event.anonymous_id:
        return found
    owner, user, since = memory.anonymous.get(event.anonymous_id) or (None, None, 0)
    return found if owner == found and user == event.user_id and since <= event.ts else None


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


async def _remember(conn: Connection, memory: Intake, owners: Sequence[Taken]) -> None:
    """What these calls claimed is known from now on; whose an anonymous id is, is asked: on a shared device somebody else's."""
    told = [one.event for one in owners if one.event.anonymous_id and one.event.traits is None]
    wanted = {event.anonymous_id or "" for event in told}
    owner = await profiles.owners(conn, [Identity(ANONYMOUS_ID, value) for value in wanted]) if wanted else {}
    for event in told:
        value = event.anonymous_id or ""
        if (profile := owner.get(Identity(ANONYMOUS_ID, value))) is None:
            continue
        before = memory.anonymous.get(value)
        if event.user_id and memory.users.get(event.user_id) == profile:
            since = min(event.ts, before[2]) if before is not None and before[1] == event.user_id else event.ts
            memory.anonymous[value] = (profile, event.user_id, since)
        elif before is None or before[0] != profile:
            memory.anonymous[value] = (profile, None, 0)
    for one in owners:
        event = one.event
        if event.traits is None and event.previous_id is None and (further := context_identities(event)):
            memory.bundles[event.user_id, event.anonymous_id, further] = (one.profile_id or 0, event.ts)


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
