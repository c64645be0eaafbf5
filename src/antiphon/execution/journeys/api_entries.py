"""Entries over the API: people are named one by one, let in by the journey's rules as one set, each with an answer of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import numpy as np

from antiphon.awareness.profiles import Identity, normal_identity, normal_kind, owners
from antiphon.execution.journeys.definitions import some_versions
from antiphon.execution.journeys.entering import enrol
from antiphon.execution.journeys.entries import key_of
from antiphon.execution.journeys.errors import EntriesRefused, EntryInvalid
from antiphon.execution.journeys.model import ApiEntry
from antiphon.execution.journeys.running import plans
from antiphon.execution.journeys.service import find
from antiphon.execution.journeys.sources import SQL
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body
from antiphon.foundation.ids import keyed_hash
from antiphon.foundation.postgres import Connection, Jsonb
from antiphon.foundation.postgres.binary import micros
from antiphon.foundation.principal import Principal

MOST = 1_000
MOST_BYTES = 16_384


class EntryIdentity(Body, frozen=True, kw_only=True):
    """What a customer is known by."""

    kind: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    value: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class NewEntry(Body, frozen=True, kw_only=True):
    """Somebody to let in: by `profile_id`, or by an `identity`. `properties` are what the journey's texts and rules read as the
    entry's; `idempotency_key`: the same key lets in once, and answers what it answered."""

    profile_id: Annotated[int, msgspec.Meta(ge=1, lt=2**32)] | None = None
    identity: EntryIdentity | None = None
    properties: dict[str, Any] = {}
    idempotency_key: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None


class EntryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one: `entered`, or why not (`again`, `at_once`, `no_key`, `exclusive`, `holdout`, `full`; `unknown`: there
    is no such customer). `repeated`: the key was used before."""

    outcome: str
    run_id: int | None = None
    repeated: bool = False


async def let_in(
    ctx: Context, conn: Connection, who: Principal, journey_id: int, entries: Sequence[NewEntry]
) -> list[EntryAnswer]:
    """Let people in; an answer for each, in their order. Raises JourneyUnknown, JourneyStateConflict, EntriesRefused where the
    journey has no such way in, EntryInvalid."""
    one = await find(conn, journey_id)
    one.require("let people in")
    assert one.live_version_id is not None
    version = (await some_versions(conn, journey_id, [one.live_version_id]))[one.live_version_id]
    plan = (await plans(ctx).of(conn, [version.id])).get(version.id)
    if plan is None or not any(isinstance(entry, ApiEntry) for entry in version.definition.entries):
        raise EntriesRefused
    for n, entry in enumerate(entries):
        _check(entry, n)
    answers: list[EntryAnswer | None] = [None] * len(entries)
    claimed = await _claim(ctx, conn, journey_id, entries, answers)
    people = await _people(conn, entries)
    fresh = [n for n, answer in enumerate(answers) if answer is None and people[n] is not None]
    if fresh:
        profiles = np.array([people[n] for n in fresh], dtype=np.int64)
        keys = [key_of(version.definition.again.key, entries[n].properties) for n in fresh]
        at = np.full(len(fresh), micros(ctx.clock.now()), dtype=np.int64)
        made = await enrol(ctx, conn, plan, profiles, keys, at, [{"entry": entries[n].properties} for n in fresh])
        for place, n in enumerate(fresh):
            answers[n] = EntryAnswer(outcome=made.outcome[place], run_id=int(made.runs[place]) or None)
    done = [answer or EntryAnswer(outcome="unknown") for answer in answers]
    await _keep(conn, journey_id, claimed, done)
    entered = sum(answer.outcome == "entered" and not answer.repeated for answer in done)
    after = {"asked": len(entries), "entered": entered}
    await audit(conn, who, action="journeys.entries", subject=f"journey:{journey_id}", before=None, after=after)
    return _answered(entries, done)


def _check(entry: NewEntry, n: int) -> None:
    if (entry.profile_id is None) == (entry.identity is None):
        raise EntryInvalid(field=f"entries[{n}]", why="either profile_id or identity, one of them")
    if len(msgspec.json.encode(entry.properties)) > MOST_BYTES:
        raise EntryInvalid(field=f"entries[{n}].properties", why="at most 16 KB of properties")


def _hashed(ctx: Context, entry: NewEntry) -> tuple[bytes, bytes]:
    return keyed_hash(ctx.secret, "journey entry", entry.idempotency_key or ""), keyed_hash(
        ctx.secret, "journey entry body", msgspec.json.encode(entry, order="deterministic")
    )


async def _claim(
    ctx: Context, conn: Connection, journey_id: int, entries: Sequence[NewEntry], answers: list[EntryAnswer | None]
) -> dict[int, bytes]:
    """Take the keys that are new, by the first entry of each; fill in the answers of those that were used. Raises EntryInvalid
    where a key comes again with another entry."""
    first: dict[bytes, tuple[int, bytes]] = {}
    for n, entry in enumerate(entries):
        if entry.idempotency_key is not None:
            key, body = _hashed(ctx, entry)
            if first.setdefault(key, (n, body))[1] != body:
                raise EntryInvalid(field=f"entries[{n}].idempotency_key", why="the key stands for another entry")
            if first[key][0] != n:
                answers[n] = EntryAnswer(outcome="", repeated=True)  # answered as the first of its key, at the end
    if not first:
        return {}
    params = {
        "journey_id": journey_id, "keys": list(first), "bodies": [body for _, body in first.values()], "now": ctx.clock.now()
    }  # fmt: skip
    taken = {bytes(row[0]) for row in await (await conn.execute(SQL.claim_keys, params)).fetchall()}
    if len(taken) < len(first):
        for key, body, answer in await (await conn.execute(SQL.used_keys, params)).fetchall():
            n, mine = first[bytes(key)]
            if bytes(key) in taken:
                continue
            if bytes(body) != mine:
                raise EntryInvalid(field=f"entries[{n}].idempotency_key", why="the key stands for another entry")
            answers[n] = msgspec.structs.replace(msgspec.convert(answer, EntryAnswer), repeated=True)
    return {n: key for key, (n, _) in first.items() if key in taken}


async def _keep(conn: Connection, journey_id: int, claimed: dict[int, bytes], done: Sequence[EntryAnswer]) -> None:
    if claimed:
        answers = [Jsonb(msgspec.to_builtins(done[n])) for n in claimed]
        await conn.execute(
            SQL.answer_keys, {"journey_id": journey_id, "keys": list(claimed.values()), "answers": answers}
        )


def _answered(entries: Sequence[NewEntry], done: Sequence[EntryAnswer]) -> list[EntryAnswer]:
    """With those that repeat a key of the same call answered as the first of it."""
    first: dict[str, EntryAnswer] = {}
    shown = []
    for entry, answer in zip(entries, done, strict=True):
        key = entry.idempotency_key
        if key is None:
            shown.append(answer)
        elif answer.outcome:
            shown.append(first.setdefault(key, answer))
        else:
            shown.append(msgspec.structs.replace(first[key], repeated=True))
    return shown


async def _people(conn: Connection, entries: Sequence[NewEntry]) -> list[int | None]:
    """Whose each entry is; None for nobody's. Raises EntryInvalid for what is no identity."""
    identities: dict[int, Identity] = {}
    for n, entry in enumerate(entries):
        if entry.identity is not None:
            found = _identity(entry.identity)
            if found is None:
                raise EntryInvalid(field=f"entries[{n}].identity", why="this is no identity a customer can have")
            identities[n] = found
    owned = await owners(conn, sorted(set(identities.values()))) if identities else {}
    asked = [entry.profile_id for entry in entries if entry.profile_id is not None]
    now = dict(await (await conn.execute(SQL.who_they_are, {"people": asked})).fetchall())
    return [
        owned.get(identities[n]) if entry.profile_id is None else now[entry.profile_id] for n, entry in enumerate(entries)
    ]


def _identity(given: EntryIdentity) -> Identity | None:
    kind = normal_kind(given.kind)
    return None if kind is None else normal_identity(kind, given.value)
