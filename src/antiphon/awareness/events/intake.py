"""Intake: from what was accepted to who did what.

One transaction takes the next calls of some lanes, drops duplicates, finds the people, updates their traits, writes the
events and moves the cursor: after a crash the same calls are taken again, and nothing is lost or doubled.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from antiphon.awareness import profiles
from antiphon.awareness.events import store
from antiphon.awareness.events.calls import Refused, Understood, decode_call, storable, understand
from antiphon.awareness.events.journal import INTERNAL
from antiphon.awareness.events.pack import pack_events, pack_rejects, pack_seen
from antiphon.awareness.events.reading import people_of
from antiphon.awareness.profiles import Identity, Person, Proposal
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Held
from antiphon.foundation.postgres import Connection, DeadlockDetected, PostgresError, SerializationFailure, UniqueViolation
from antiphon.foundation.postgres.binary import bigints, from_micros, instants, ints, jsonbs, micros, texts, uuids
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)

MOST = 6_000
"""Calls in one transaction, over all lanes: far below two seconds of work."""
MOST_REMEMBERED = 400_000
_HOUR = 3_600_000_000
_BAD_VALUES = ("22", "54")  # SQLSTATE classes: a value PostgreSQL does not take, a limit of it reached


class Row(NamedTuple):
    """A row of the journal."""

    lane: int
    seq: int
    received_at: datetime
    source_id: int
    sent_at: datetime | None
    payload: bytes


class Taken(msgspec.Struct, gc=False):
    """A call that was understood, on its way to an event row."""

    row: Row
    received: int
    event: Understood
    profile_id: int | None = None


class Refusal(NamedTuple):
    """A call that was not, and why."""

    row: Row
    code: str
    detail: str


class Intake:
    """What one process remembers between transactions: whose an identity is, days that exist, names seen."""

    def __init__(self) -> None:
        self.epoch = -1
        self.users: dict[str, int] = {}
        self.anonymous: dict[str, int] = {}
        self.seen: dict[int, int] = {}
        self.names: dict[tuple[str, str], float] = {}
        self.days: set[tuple[str, date]] = set()

    def forget(self) -> None:
        """What was learnt in a transaction that did not commit, or under another epoch, is not true."""
        for learnt in (self.users, self.anonymous, self.seen, self.names, self.days):
            learnt.clear()

    def begin(self, epoch: int) -> None:
        """Identities remembered under another epoch may be wrong."""
        if epoch != self.epoch or len(self.users) + len(self.anonymous) > MOST_REMEMBERED:
            self.forget()
            self.epoch = epoch


async def take_in(ctx: Context, held: Held, most: int = MOST) -> int:
    """Understand the next calls of the lanes held; returns how many."""
    if not ctx.has(Intake):
        ctx.put(Intake, Intake())
    memory = ctx.get(Intake)
    async with ctx.db.connection() as conn:
        lanes = await store.pending_lanes(conn, held.buckets)
    if not lanes:
        return 0
    lanes = lanes[: max(1, most // 200)]
    mine = held.only(lanes)
    try:
        return await _transaction(ctx, mine, memory, most, careful=False)
    except (DeadlockDetected, SerializationFailure) as failed:
        memory.forget()
        log.info("intake met another writer; it tries again", error=repr(failed))
        return 1
    except PostgresError as failed:
        memory.forget()
        if (failed.sqlstate or "")[:2] not in _BAD_VALUES:
            raise
        log.info("a value was refused; the calls are looked at one by one", error=repr(failed))
        return await _transaction(ctx, mine, memory, most, careful=True)
    except BaseException:
        memory.forget()
        raise


async def _transaction(ctx: Context, held: Held, memory: Intake, most: int, *, careful: bool) -> int:
    lanes = held.buckets
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        memory.begin(await profiles.read_epoch(conn))
        found = await store.fetch(conn, "next_calls", {"lanes": lanes, "most": max(1, most // len(lanes))})
        rows = [Row(*row) for row in found]
        if not rows:
            return 0
        taken, refused = read_rows(rows)
        if careful:
            taken = await _only_storable(conn, taken, refused)
        await _ensure_days(conn, memory, taken)
        taken = await drop_duplicates(ctx, conn, taken)
        await _find_people(ctx, conn, memory, taken, refused)
        await _join_groups(conn, taken)
        await _write(conn, memory, taken, refused)
        await _move_cursors(conn, rows)
    return len(rows)


def read_rows(rows: Sequence[Row]) -> tuple[list[Taken], list[Refusal]]:
    """Each call understood, or refused with its reason."""
    taken: list[Taken] = []
    refused: list[Refusal] = []
    last: datetime | None = None
    received = 0
    for row in rows:
        if row.received_at is not last:
            last, received = row.received_at, micros(row.received_at)
        try:
            call = decode_call(storable(row.payload))
            event = understand(call, received, None if row.sent_at is None else micros(row.sent_at))
            if event.profile_id is not None and row.source_id != INTERNAL:
                event.profile_id = None
            taken.append(Taken(row, received, event))
        except Refused as why:
            refused.append(Refusal(row, why.code, why.detail))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as why:
            refused.append(Refusal(row, "malformed", str(why)[:500] or "not a JSON object"))
    return taken, refused


async def _only_storable(conn: Connection, taken: list[Taken], refused: list[Refusal]) -> list[Taken]:
    """Refuse the calls whose JSON PostgreSQL does not take (a number beyond all measure)."""
    said = [one.event.properties + b" " for one in taken]
    around = [(one.event.context or b"{}") for one in taken]
    good = [row[0] for row in await store.fetch(conn, "which_are_json", {"texts": texts([t.decode() for t in said])})]
    good_context = await store.fetch(conn, "which_are_json", {"texts": texts([t.decode() for t in around])})
    kept = []
    for one, fine, (fine_context,) in zip(taken, good, good_context, strict=True):
        if fine and fine_context:
            kept.append(one)
        else:
            what = "context" if fine else "properties"
            refused.append(Refusal(one.row, "not_storable", f"{what} holds a value that cannot be stored"))
    return kept


async def _ensure_days(conn: Connection, memory: Intake, taken: Sequence[Taken]) -> None:
    for day in {one.row.received_at for one in taken}:
        for parent in ("event", "message_seen"):
            key = (parent, day.date())
            if key not in memory.days:
                await store.ensure_day(conn, parent, key[1])
                memory.days.add(key)


async def drop_duplicates(ctx: Context, conn: Connection, taken: Sequence[Taken]) -> list[Taken]:
    """Calls whose messageId is new for `dedupe_days`; those that follow in the same set are repeats as well."""
    by_day: dict[date, dict[bytes, Taken]] = {}
    fresh: list[Taken] = []
    known: set[bytes] = set()
    last: datetime | None = None
    keyed: dict[bytes, Taken] = {}
    for one in taken:
        message_id = one.event.message_id
        if message_id is None:
            fresh.append(one)
            continue
        key = blake2b(message_id.encode(), digest_size=16).digest()
        if key in known:
            continue
        known.add(key)
        if one.row.received_at is not last:
            last = one.row.received_at
            keyed = by_day.setdefault(last.date(), {})
        keyed[key] = one
    for day, calls in sorted(by_day.items()):
        since = day - timedelta(days=ctx.settings.dedupe_days)
        if await _has_days_between(conn, since, day):
            params = {"keys": uuids(sorted(calls)), "since": since, "day": day}
            for (key,) in await store.fetch(conn, "seen_before", params):
                calls.pop(bytes(key), None)
        await _take_keys(conn, calls, day)
        fresh += calls.values()
    return fresh


async def _take_keys(conn: Connection, calls: dict[bytes, Taken], day: date) -> None:
    """Note the keys as taken, and drop the calls whose key was. Nearly always all are new: a COPY is tried first.

    In one order for everybody; a key that another worker is writing is waited for.
    """
    keys = sorted(calls)
    try:
        async with conn.transaction():
            await store.copy(conn, "copy_seen", pack_seen(keys, day))
    except UniqueViolation:
        for (key,) in await store.fetch(conn, "mark_seen", {"keys": uuids(keys), "day": day}):
            calls.pop(bytes(key), None)


async def _has_days_between(conn: Connection, since: date, day: date) -> bool:
    """Whether ids of earlier days are kept at all."""
    rows = await store.fetch(conn, "day_partitions", {"parent": "message_seen"})
    return any(since <= date.fromisoformat(row[1]) < day for row in rows)


async def _find_people(ctx: Context, conn: Connection, memory: Intake, taken: list[Taken], refused: list[Refusal]) -> None:
    """Give each call its profile: from memory where that is enough, the rest as one set."""
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
    await _touch(conn, memory, taken)


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
        wanted = [Identity(profiles.ANONYMOUS_ID, value) for value in both]
        for identity, owner in (await profiles.owners(conn, wanted)).items():
            memory.anonymous[identity.value] = owner


async def _touch(conn: Connection, memory: Intake, taken: Sequence[Taken]) -> None:
    """Tell when people were last seen, once an hour each."""
    seen = memory.seen
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for one in taken:
        profile, ts = one.profile_id, one.event.ts
        if profile is None or seen.get(profile, 0) > ts - _HOUR:
            continue
        first[profile] = min(first.get(profile, ts), ts)
        last[profile] = max(last.get(profile, ts), ts)
    if first:
        await profiles.touch(conn, [(profile, first[profile], last[profile]) for profile in sorted(first)])
        seen.update(last)


async def _join_groups(conn: Connection, taken: Sequence[Taken]) -> None:
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
    return profiles.stamp_of(from_micros(one.event.ts), one.event.message_id or f"{one.row.lane}-{one.row.seq}")


async def _write(conn: Connection, memory: Intake, taken: Sequence[Taken], refused: Sequence[Refusal]) -> None:
    if taken:
        ordered = sorted(taken, key=lambda one: (one.row.lane, one.row.seq))
        await store.copy(conn, "copy_events", pack_events(ordered))
        await _note_names(conn, memory, taken)
    if refused:
        await store.copy(conn, "copy_rejects", pack_rejects(refused))


async def _note_names(conn: Connection, memory: Intake, taken: Sequence[Taken]) -> None:
    now = time.monotonic()
    new: dict[tuple[str, str], Taken] = {}
    for one in taken:
        key = (one.event.name, one.event.kind)
        if memory.names.get(key, 0.0) < now:
            new[key] = one
    if new:
        params: dict[str, Any] = {
            "names": texts([name for name, _ in new]), "kinds": texts([kind for _, kind in new]),
            "ats": instants([one.received for one in new.values()]),
            "samples": jsonbs([one.event.properties if len(one.event.properties) < 4000 else b"{}" for one in new.values()]),
        }  # fmt: skip
        await store.run(conn, "note_names", params)
        if len(memory.names) > 20_000:
            memory.names.clear()
        memory.names.update(dict.fromkeys(new, now + 3600))


async def _move_cursors(conn: Connection, rows: Sequence[Row]) -> None:
    ends: dict[int, Row] = {}
    for row in rows:
        ends[row.lane] = row
    params = {
        "lanes": ints(list(ends)), "seqs": bigints([row.seq for row in ends.values()]),
        "received": instants([micros(row.received_at) for row in ends.values()]),
    }  # fmt: skip
    await store.run(conn, "move_cursors", params)
