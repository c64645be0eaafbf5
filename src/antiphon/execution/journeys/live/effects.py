"""What steps do to people, as sets, in the tick's own transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, get_args

import msgspec
import numpy as np

from antiphon.awareness.consent import ConsentState, Evidence, Statement, record_consents
from antiphon.awareness.profiles import say_traits, stamp_of
from antiphon.decisioning.experiments import OUTSIDE, expose, find_assignment, kept_arms
from antiphon.execution.channels import Channels
from antiphon.execution.delivery import CHUNK, Intents, NewDispatch, chunks, open_dispatch, submit_told, way_of, withhold
from antiphon.execution.journeys.chain import carried_on, depths
from antiphon.execution.journeys.contract import Here, Ints, Message, Request
from antiphon.execution.journeys.entries import key_of
from antiphon.execution.journeys.live.facts import SQL
from antiphon.execution.journeys.live.gate import passing, turns_of
from antiphon.execution.journeys.model import Again
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.ids import keyed_hash
from antiphon.foundation.loops import wake
from antiphon.foundation.postgres import Connection
from antiphon.foundation.postgres.binary import bigints, byteas, texts
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
ASK_LOOP, RAISE_LOOP = "journeys.ask", "journeys.raise"
SEALED_FOR = "journey request"
_encode = msgspec.json.encode


def passages(here: Here, places: Ints) -> list[tuple[int, int, int]]:
    """(profile, run, turn) of each."""
    people, where = here.people, here.places[places]
    return list(zip(people.profile[where].tolist(), people.run[where].tolist(), people.turn[where].tolist(), strict=True))


def dispatch_key(journey_id: int, version_id: int, step: str) -> str:
    """By which key a step speaks."""
    return f"{said_by(journey_id)}{version_id}:{step}"


def said_by(journey_id: int) -> str:
    """How the keys of all begin by which a journey speaks."""
    return f"journey:{journey_id}:"


async def say(
    ctx: Context, conn: Connection, here: Here, message: Message, places: Ints, variables: Sequence[Mapping[str, Any]],
    now: datetime,
) -> list[str | None]:
    """Hand messages to the gate; each one's reason, None where it passed. What cannot be said at all (an account that is gone)
    is refused to everybody by the name of the fault."""
    try:
        async with conn.transaction():
            channel, hops = await way_of(
                ctx, conn, message_class=message.message_class, channel=message.channel, purpose=message.purpose,
                hops=message.hops, usual=message.usual_path,
            )  # fmt: skip
            dispatch = await open_dispatch(ctx, conn, NewDispatch(
                key=dispatch_key(here.plan.journey_id, here.plan.version_id, here.step.key), channel=channel,
                message_class=message.message_class, topic=message.topic, account_id=message.account_id,
                template_version_id=message.template_version_id, content=message.content, track_opens=message.track_opens,
                track_clicks=message.track_clicks, purpose=message.purpose, split=message.split, hops=hops,
                priority=message.priority,
            ))  # fmt: skip
    except AntiphonError as failed:
        log.warning("a journey's step cannot speak", journey=here.plan.journey_id, step=here.step.key, error=str(failed))
        return [failed.code] * len(places)
    row = await (await conn.execute(SQL.state_held, {"journey_id": here.plan.journey_id})).fetchone()
    if row is not None and row[0] == "paused":  # since this tick began: what it says waits, too
        await withhold(conn, said_by(here.plan.journey_id), "paused")
    who = passages(here, places)
    said = Intents(
        profile_ids=[profile for profile, _, _ in who],
        suffixes=[f"{run}.{turn}" for _, run, turn in who],
        variables=variables if any(variables) else [],
        expires_at=None if message.expires_seconds is None else now + timedelta(seconds=message.expires_seconds),
    )
    reasons: list[str | None] = []
    for part in chunks(said, CHUNK):
        reasons += await submit_told(ctx, conn, dispatch, part)
    return reasons


async def set_traits(
    conn: Connection, here: Here, places: Ints, values: Mapping[str, Sequence[Any]], now: datetime, nth: int
) -> None:
    """Set traits; ``nth``: of the writings of one tick, so that a later one counts."""
    who = passages(here, places)
    persons = await existing(conn, [profile for profile, _, _ in who])
    at, key = now + timedelta(microseconds=nth), here.step.key
    said: list[tuple[int, bytes, str]] = []
    for place, (_, run, turn) in enumerate(who):
        if place in persons:
            traits = {name: column[place] for name, column in values.items()}
            said.append((persons[place], _encode(traits), stamp_of(at, f"journey:{run}:{key}:{turn}")))
    await say_traits(conn, said)


async def existing(conn: Connection, profiles: Sequence[int]) -> dict[int, int]:
    """By place, who is there: as who they are by now."""
    rows = await (await conn.execute(SQL.existing, {"profile_ids": bigints(profiles)})).fetchall()
    return dict(rows)


async def hold(conn: Connection, profiles: Ints) -> None:
    """Nobody else writes about these people until the transaction ends."""
    await conn.execute(SQL.hold_people, {"profile_ids": bigints(profiles)})


def tagged(value: Any, add: Sequence[str], remove: Sequence[str]) -> list[Any] | None:
    """A list trait after its change; None where it stays as it is."""
    before = list(value) if isinstance(value, list) else [] if value is None else [value]
    after = [one for one in before if one not in remove]
    after += [one for one in dict.fromkeys(add) if one not in after]
    return None if after == before and isinstance(value, list | None) else after


async def consent(
    conn: Connection, here: Here, places: Ints, channel: str, topic: str, state: str, now: datetime
) -> None:
    """Record what a journey takes as said; who said it before is left alone."""
    known = await (await conn.execute(SQL.topic_is, {"topic": topic})).fetchone()
    if known is None or not known[0] or state not in get_args(ConsentState):
        log.warning("a journey's step speaks of no topic", journey=here.plan.journey_id, step=here.step.key, topic=topic)
        return
    persons = await existing(conn, here.profile[places].tolist())
    evidence = Evidence(note=f"journey {here.plan.journey_id}, version {here.plan.version_id}, step {here.step.key}")
    word: Any = state
    statements = [
        Statement(profile_id=person, channel=channel, topic=topic, state=word, at=now, source="journey", evidence=evidence)
        for person in sorted(set(persons.values()))
    ]
    await record_consents(conn, statements, only_changes=True)


async def raise_event(
    conn: Connection, here: Here, places: Ints, name: str, properties: Sequence[Mapping[str, Any]], now: datetime
) -> None:
    """Put events on their way into the journal: they are there by another transaction, once, a moment after this one's commit."""
    depth = depths(here)[places].tolist()
    payloads = [
        _encode({
            "type": "track", "event": name, "messageId": f"journey:{run}:{here.step.key}:{turn}"[:200], "profileId": profile,
            "timestamp": now, "properties": {key: value for key, value in one.items() if value is not None},
            "context": carried_on(before),
        })
        for (profile, run, turn), one, before in zip(passages(here, places), properties, depth, strict=True)
    ]  # fmt: skip
    params = {"profile_ids": bigints(here.profile[places]), "payloads": byteas(payloads)}
    await conn.execute(SQL["raise"], params)
    await wake(conn, RAISE_LOOP)


async def ask(
    ctx: Context, conn: Connection, here: Here, places: Ints, request: Request, bodies: Sequence[Mapping[str, Any]], now: datetime
) -> None:
    """Note what is asked; a loop asks it."""
    row = await (await conn.execute(SQL.keep_request, _kept(ctx, request))).fetchone()
    assert row is not None
    who = passages(here, places)
    params = {
        "profile_ids": bigints([profile for profile, _, _ in who]), "run_ids": bigints([run for _, run, _ in who]),
        "turns": bigints([turn for _, _, turn in who]), "bodies": texts([_encode(one).decode() for one in bodies]),
        "step": here.step.key, "journey_id": here.plan.journey_id, "request_id": row[0], "now": now,
        "give_up_at": now + timedelta(seconds=request.give_up_seconds),
    }  # fmt: skip
    await conn.execute(SQL.ask, params)
    await wake(conn, ASK_LOOP)


def _kept(ctx: Context, request: Request) -> dict[str, Any]:
    secrets = {"headers": dict(sorted(request.headers.items())), "secret": request.secret, "account_id": request.account_id}
    digest = keyed_hash(ctx.secret, SEALED_FOR, request.url, request.method, _encode(secrets))
    sealed = ctx.get(Channels).seal.close(secrets, SEALED_FOR)
    return {"digest": digest, "url": request.url, "method": request.method, "sealed": sealed}


async def take_turns(conn: Connection, here: Here, places: Ints, most: int, seconds: float) -> Ints:
    """When each may pass a gate; whoever asks meanwhile waits for this transaction's end."""
    which = {"journey_id": here.plan.journey_id, "step": here.step.key}
    await conn.execute(SQL.make_gate, which)
    row = await (await conn.execute(SQL.hold_gate, which)).fetchone()
    assert row is not None
    length, at = int(seconds * 1_000_000), here.at[places]
    until, came = at.copy(), here.came[places]
    until[came], turns = turns_of(msgspec.json.decode(row[0]), at[came], most, length)
    due = np.flatnonzero(until <= at)
    due = due[np.lexsort((here.people.run[here.places[places[due]]], here.arrived[places[due]]))]  # whoever came first
    until[due], passed = passing(msgspec.json.decode(row[1]), at[due], most, length)
    await conn.execute(SQL.keep_gate, which | {"turns": _encode(turns).decode(), "passed": _encode(passed).decode()})
    return until


async def arms(ctx: Context, conn: Connection, experiment: str, profiles: Ints, now: datetime) -> list[str | None]:
    """Each one's arm, noted as exposed; None where no such experiment runs. Of one that is stopped, those who were shown an arm
    keep it."""
    running = await find_assignment(conn, experiment)
    if running is None or not len(profiles):
        return [None] * len(profiles)
    people, whose = np.unique(profiles, return_inverse=True)
    if running.state == "running" or running.winner is not None:
        found = await expose(conn, ctx.secret, running, people, now)
    elif running.state == "stopped":
        found = await kept_arms(conn, running, people)
    else:
        return [None] * len(profiles)
    names = [None if arm == OUTSIDE else running.arms[arm] for arm in found.tolist()]
    return [names[place] for place in whose.tolist()]


def entries_of(again: Again, here: Here, places: Ints) -> tuple[list[str], list[dict[str, Any] | None]]:
    """(the key by which each enters another journey, what they carry along into it: what they came in here by)."""
    entries = [(here.memory[place] or {}).get("entry") for place in places.tolist()]
    keys = [key_of(again.key, entry or {}) for entry in entries]
    after = depths(here)[places].tolist()
    begun = [carried_on(depth) for depth in after]
    return keys, [one if entry is None else {"entry": entry} | one for entry, one in zip(entries, begun, strict=True)]
